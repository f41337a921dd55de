"""People: invited, logged in, paired, shut out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.cloud.control.alone import alone_api
from tests.cloud.control.api import Api
from tests.servers import Postgres
from tests.waiting import eventually

PASSWORD = "correct horse battery staple"


def name(start: str) -> str:
    return f"{start}-{uuid.uuid4().hex[:8]}"


def invite(local: httpx.Client, username: str, role: str) -> str:
    made = local.post("/v1/users", json={"username": username, "role": role})
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    invitation = made.json()["invitation"]
    assert f"code={invitation['code']}" in invitation["link"]
    return str(invitation["code"])


def accept(api: Api, code: str, password: str = PASSWORD) -> httpx.Response:
    with api.client() as nobody:
        return nobody.post(
            "/v1/invitations/acceptance",
            json={"code": code, "password": password, "client": "a test"},
        )


def somebody(api: Api, local: httpx.Client, role: str) -> tuple[str, str]:
    """A name and a token."""
    username = name(role)
    return username, str(accept(api, invite(local, username, role)).json()["token"])


@pytest.fixture(scope="module")
def api(postgres: Postgres) -> Iterator[Api]:
    """One of its own: who guesses here is slowed down, and with them all who share the address."""
    with alone_api(postgres, "people") as running:
        yield running


@pytest.fixture(params=["viewer", "operator", "admin"])
def person(
    api: Api, local: httpx.Client, request: pytest.FixtureRequest
) -> Iterator[tuple[str, httpx.Client]]:
    """Somebody of each role."""
    username, token = somebody(api, local, request.param)
    with api.client(token) as client:
        yield username, client


def test_an_invitation_sets_a_password_once_and_logs_in(api: Api, local: httpx.Client) -> None:
    username = name("ada")
    code = invite(local, username, "viewer")
    session = accept(api, code)
    assert session.status_code == 201
    assert session.json()["role"] == "viewer"
    again = accept(api, code)
    assert (again.status_code, again.json()["title"]) == (403, "bad code")
    with api.client(session.json()["token"]) as client:
        assert client.get("/v1/tokens").json()["items"][0]["client"] == "a test"


def test_name_and_password_log_in_and_a_wrong_one_does_not(api: Api, local: httpx.Client) -> None:
    username, _ = somebody(api, local, "viewer")
    with api.client() as nobody:
        login = {"username": username, "password": PASSWORD, "client": "cli"}
        assert nobody.post("/v1/sessions", json=login).status_code == 201
        wrong = nobody.post("/v1/sessions", json={**login, "password": "another"})
        assert (wrong.status_code, wrong.json()["title"]) == (401, "wrong login")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaa", "password12345", "qwertyuiop12"])
def test_a_weak_password_is_refused_and_the_invitation_stays(
    api: Api, local: httpx.Client, password: str
) -> None:
    code = invite(local, name("ada"), "viewer")
    refused = accept(api, code, password)
    assert (refused.status_code, refused.json()["title"]) == (422, "weak password")
    assert accept(api, code).status_code == 201


def test_a_role_sees_and_does_what_it_may(person: tuple[str, httpx.Client]) -> None:
    username, client = person
    role = username.partition("-")[0]
    assert client.get("/v1/devices").status_code == 200
    assert client.get("/v1/audit").status_code == (403 if role == "viewer" else 200)
    assert client.get("/v1/users").status_code == (200 if role == "admin" else 403)
    assert client.get("/v1/tokens", params={"all": True}).status_code == (
        200 if role == "admin" else 403
    )


def test_who_is_shut_out_is_out_at_once(api: Api, local: httpx.Client) -> None:
    username, token = somebody(api, local, "operator")
    tag = local.get(f"/v1/users/{username}").headers["etag"]
    changed = local.patch(
        f"/v1/users/{username}", json={"disabled": True}, headers={"If-Match": tag}
    )
    assert changed.status_code == 200
    with api.client(token) as client:
        assert client.get("/v1/devices").status_code == 401


def test_an_edit_of_what_changed_meanwhile_is_refused(api: Api, local: httpx.Client) -> None:
    username, _ = somebody(api, local, "viewer")
    path = f"/v1/users/{username}"
    tag = local.get(path).headers["etag"]
    assert local.patch(path, json={"role": "operator"}).status_code == 428
    edit = {"If-Match": tag}
    assert local.patch(path, json={"role": "operator"}, headers=edit).status_code == 200
    assert local.patch(path, json={"role": "viewer"}, headers=edit).status_code == 412
    assert local.delete(path, headers=edit).status_code == 412


def test_the_last_administrator_stays_one(api: Api, local: httpx.Client) -> None:
    with psycopg.connect(api.postgres.dsn("fieldline_owner"), autocommit=True) as owner:
        owner.execute("DELETE FROM control.person")
    username, _ = somebody(api, local, "admin")
    path = f"/v1/users/{username}"
    tag = {"If-Match": local.get(path).headers["etag"]}
    for refused in (
        local.patch(path, json={"role": "viewer"}, headers=tag),
        local.patch(path, json={"disabled": True}, headers=tag),
        local.delete(path, headers=tag),
    ):
        assert (refused.status_code, refused.json()["title"]) == (409, "last administrator")
    somebody(api, local, "admin")
    assert local.delete(path, headers=tag).status_code == 204


def test_a_pairing_logs_a_panel_in_once(api: Api, local: httpx.Client) -> None:
    username, token = somebody(api, local, "operator")
    with api.client(token) as client:
        drawn = client.post("/v1/pairings").json()
    assert drawn["text"].startswith("fieldline:pair?url=https")
    assert drawn["qr"].startswith("<?xml")
    body = {"code": drawn["code"].lower(), "client": "panel"}
    with api.client() as nobody:
        paired = nobody.post("/v1/pairings/redemption", json=body)
        assert paired.json()["username"] == username
        assert nobody.post("/v1/pairings/redemption", json=body).status_code == 403


def test_this_machine_pairs_a_panel_for_somebody(api: Api, local: httpx.Client) -> None:
    username, _ = somebody(api, local, "viewer")
    assert local.post("/v1/pairings").status_code == 409
    assert local.post("/v1/pairings", json={"username": username}).status_code == 201


def test_a_client_can_be_logged_out(api: Api, local: httpx.Client) -> None:
    _, token = somebody(api, local, "viewer")
    with api.client(token) as client:
        number = client.get("/v1/tokens").json()["items"][0]["id"]
        assert client.delete(f"/v1/tokens/{number}").status_code == 204
        assert client.get("/v1/tokens").status_code == 401


def test_nobody_logs_out_somebody_elses_client(api: Api, local: httpx.Client) -> None:
    _, mine = somebody(api, local, "viewer")
    _, theirs = somebody(api, local, "viewer")
    with api.client(theirs) as client:
        number = client.get("/v1/tokens").json()["items"][0]["id"]
    with api.client(mine) as client:
        assert client.delete(f"/v1/tokens/{number}").status_code == 404


def test_the_audit_says_who_did_what_and_holds_no_secret(api: Api, local: httpx.Client) -> None:
    username, token = somebody(api, local, "viewer")
    acts = local.get("/v1/audit", params={"subject": f"user/{username}"}).json()["items"]
    assert [act["action"] for act in acts] == ["invitation.accept", "user.invite"]
    assert [act["person"] for act in acts] == [username, "local"]
    table = local.get("/v1/audit", params={"format": "csv", "limit": 1000}).text
    assert table.startswith("id,time,person,")
    assert token not in table
    assert PASSWORD not in table


def test_the_audit_can_only_be_added_to(api: Api) -> None:
    with psycopg.connect(api.postgres.dsn("fieldline_control"), autocommit=True) as control:
        for statement in (
            "UPDATE control.audit SET person = 'x'", "DELETE FROM control.audit",
            "TRUNCATE control.audit",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                control.execute(statement.encode())


def test_secrets_are_kept_as_hashes(api: Api, local: httpx.Client) -> None:
    username, token = somebody(api, local, "viewer")
    with psycopg.connect(api.postgres.dsn("fieldline_owner")) as owner:
        row = owner.execute(
            "SELECT p.password, t.hash FROM control.person AS p "
            "JOIN control.token AS t ON t.person = p.id WHERE username = %s", [username],
        ).fetchone()  # fmt: skip
    assert row is not None
    assert row[0].startswith("$argon2id$")
    assert token.encode() not in row[1]
    assert len(row[1]) == 32


def test_who_guesses_is_slowed_down(api: Api, local: httpx.Client) -> None:
    username, _ = somebody(api, local, "viewer")
    login = {"username": username, "password": "a wrong guess", "client": "cli"}
    with api.client() as nobody:
        answers = [nobody.post("/v1/sessions", json=login).status_code for _ in range(6)]
        assert answers[-1] == 429
        right = {**login, "password": PASSWORD}
        assert int(nobody.post("/v1/sessions", json=right).headers["retry-after"]) >= 1
        eventually(
            lambda: nobody.post("/v1/sessions", json=right).status_code == 201,
            within=30, what="the wait is over",
        )  # fmt: skip
