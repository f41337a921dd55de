"""A request sent again with its key is not done again, and is answered as before."""

from __future__ import annotations

import json
import select
import socket
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import psycopg
import pytest
from cryptography.exceptions import InvalidTag

from cloud.control.app import page
from cloud.control.idempotency import Answer, Sealed
from cloud.control.principal import Role
from cloud.stack import plan
from cloud.stack.client import ApiAway, Client
from tests.cloud.control.api import Api
from tests.cloud.control.test_access import token_of

# These need no login: what is sent is itself used once, or ends nothing when it is done twice.
WITHOUT_LOGIN = {
    "/v1/sessions",
    "/v1/invitations/acceptance",
    "/v1/pairings/redemption",
    "/v1/enrolment",
}


def name() -> str:
    return f"idem-{uuid.uuid4().hex[:12]}"


def keyed(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def test_every_post_of_somebody_logged_in_takes_a_key() -> None:
    posts = {path: how["post"] for path, how in page()["paths"].items() if "post" in how}
    takes = {
        path
        for path, how in posts.items()
        if "Idempotency-Key" in {one["name"] for one in how.get("parameters", ())}
    }
    assert set(posts) - takes == WITHOUT_LOGIN
    assert all({"409", "422", "503"} <= set(posts[path]["responses"]) for path in takes)


def test_the_same_request_is_done_once_and_answered_again_secrets_included(
    local: httpx.Client,
) -> None:
    device, headers = name(), keyed()
    asked = {"name": device, "kind": "foreign"}
    first = local.post("/v1/devices", json=asked, headers=headers)
    assert (first.status_code, "idempotency-replayed" in first.headers) == (201, False)
    again = local.post("/v1/devices", json=asked, headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json()
    assert again.json()["login"]["password"]
    for header in ("etag", "location", "cache-control", "content-type"):
        assert again.headers[header] == first.headers[header]
    # Quotes, as the draft has them, are the same key; another key is another request.
    quoted = keyed(f'"{headers["Idempotency-Key"]}"')
    assert local.post("/v1/devices", json=asked, headers=quoted).json() == first.json()
    assert local.post("/v1/devices", json=asked, headers=keyed()).status_code == 409
    acts = local.get("/v1/audit", params={"subject": f"device/{device}"}).json()["items"]
    assert [act["action"] for act in acts] == ["device.register"]


def test_a_token_is_drawn_once(local: httpx.Client) -> None:
    device, headers = name(), keyed()
    local.post("/v1/devices", json={"name": device})
    drawn = [local.post(f"/v1/devices/{device}/enrolment", headers=headers) for _ in range(3)]
    assert len({one.json()["token"] for one in drawn}) == 1


def test_a_key_is_for_one_request(local: httpx.Client) -> None:
    headers = keyed()
    assert local.post("/v1/devices", json={"name": name()}, headers=headers).status_code == 201
    other = local.post("/v1/devices", json={"name": name()}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (
        422, "urn:fieldline:problem:key-used-otherwise",
    )  # fmt: skip
    elsewhere = local.post("/v1/pairings", json={"name": "x"}, headers=headers)
    assert elsewhere.json()["type"].endswith("key-used-otherwise")


@pytest.mark.parametrize("key", ["short", "x" * 256, "äöü-äöü-äöü-äöü-äöü"])
def test_a_key_that_could_be_guessed_or_is_no_text_is_refused(
    local: httpx.Client, key: str
) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = local.post("/v1/devices", json={"name": name()}, headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["type"]) == (
        422, "urn:fieldline:problem:bad-idempotency-key",
    )  # fmt: skip


def test_what_was_refused_may_be_tried_again(local: httpx.Client) -> None:
    device, headers = name(), keyed()
    path = f"/v1/devices/{device}/enrolment"
    assert local.post(path, headers=headers).status_code == 404
    local.post("/v1/devices", json={"name": device})
    assert local.post(path, headers=headers).status_code == 201


def test_a_key_of_one_person_says_nothing_to_another(api: Api, local: httpx.Client) -> None:
    device, headers = name(), keyed()
    asked = {"name": device, "kind": "foreign"}
    assert local.post("/v1/devices", json=asked, headers=headers).status_code == 201
    with api.client(token_of(api, Role.ADMIN)) as other:
        assert other.post("/v1/devices", json=asked, headers=headers).status_code == 409
    with api.client(token_of(api, Role.VIEWER)) as viewer:
        assert viewer.post("/v1/devices", json=asked, headers=headers).status_code == 403
    with api.client() as nobody:
        assert nobody.post("/v1/devices", json=asked, headers=headers).status_code == 401


def test_of_many_at_once_one_is_done(api: Api, local: httpx.Client) -> None:
    device, headers = name(), keyed()
    asked = {"name": device, "kind": "foreign"}
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: local.post("/v1/devices", json=asked, headers=headers), range(20))
        )
    done = [one for one in answers if one.status_code == 201]
    busy = [one for one in answers if one.status_code == 409]
    assert len(done) + len(busy) == len(answers)
    assert len({one.text for one in done}) == 1
    assert all(one.json()["type"] == "urn:fieldline:problem:under-way" for one in busy)
    assert all(one.headers["retry-after"] == "1" for one in busy)
    assert len([one for one in done if "idempotency-replayed" not in one.headers]) == 1


def test_an_answer_outlives_the_api_for_a_day_and_is_not_kept_in_clear(
    api: Api, local: httpx.Client
) -> None:
    device, headers = name(), keyed()
    asked = {"name": device, "kind": "foreign"}
    first = local.post("/v1/devices", json=asked, headers=headers).json()
    api.stop()
    api.start()
    with api.client(api.local_token) as again:
        assert again.post("/v1/devices", json=asked, headers=headers).json() == first
        with psycopg.connect(api.postgres.dsn()) as owner:
            rows = owner.execute("SELECT t::text FROM control.idempotency AS t").fetchall()
            said = json.dumps(rows)
            for secret in (first["login"]["password"], headers["Idempotency-Key"], device):
                assert secret not in said
                assert secret.encode().hex() not in said
            owner.execute("UPDATE control.idempotency SET kept = kept - interval '24 hours'")
            owner.commit()
            assert again.post("/v1/devices", json=asked, headers=headers).status_code == 409
            again.post("/v1/devices", json={"name": name()}, headers=keyed())
            left = owner.execute("SELECT count(*) FROM control.idempotency").fetchone()
    assert left == (1,), "the old ones are cleared away"


def test_only_the_same_key_and_person_open_an_answer() -> None:
    request = ("POST", "/v1/devices", "", "application/json", b"{}")
    mine = Sealed.of("k" * 16, "ada", request)
    sealed = mine.close(Answer(201, [("etag", '"1"')], b"secret"))
    assert b"secret" not in sealed
    assert mine.open(sealed) == Answer(201, [("etag", '"1"')], b"secret")
    for other in (Sealed.of("l" * 16, "ada", request), Sealed.of("k" * 16, "bob", request)):
        with pytest.raises(InvalidTag):
            other.open(sealed)


class LosesTheAnswer:
    """A way to the API that breaks off, once, after the request has come through."""

    def __init__(self, port: int, done: Callable[[], bool]) -> None:
        self._to = port
        self._done = done
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                self.connections += 1
                with client, socket.create_connection(("127.0.0.1", self._to)) as server:
                    self._carry(client, server, loses=self.connections == 1)

    def _carry(self, client: socket.socket, server: socket.socket, *, loses: bool) -> None:
        while True:
            for ready in select.select([client, server], [], [], 20)[0]:
                data = ready.recv(65536)
                # It answers when it is done; what it says before is of the handshake.
                if not data or (loses and ready is server and self._done()):
                    return
                (server if ready is client else client).sendall(data)


def test_a_command_whose_answer_was_lost_repeats_it_and_has_done_it_once(
    api: Api, local: httpx.Client
) -> None:
    device = name()
    way = LosesTheAnswer(api.port, lambda: local.get(f"/v1/devices/{device}").status_code == 200)
    token_file = str(api.folder.secret("local-token"))
    client = Client(plan.Api("127.0.0.1", way.port, str(api.certificates.ca), token_file))
    answer = client.ask("POST", "/v1/devices", {"name": device, "kind": "foreign"})
    way.close()
    assert way.connections == 2
    assert (answer["device"]["name"], bool(answer["login"]["password"])) == (device, True)
    with pytest.raises(ApiAway):  # nobody was asked anything, so it is not tried on
        client.ask("POST", "/v1/devices", {"name": device})
