"""Alerts reach people: by a real mail server, a real web server, and events."""

from __future__ import annotations

import email
import itertools
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.control.notices.message import signature
from tests.cloud.control.alerts.episodes import (
    fire,
    fire_many,
    make_rule,
    resolve,
    resolve_many,
    take_back,
)
from tests.cloud.control.api import Api
from tests.cloud.control.notices.receivers import Mail, Web
from tests.waiting import eventually

_numbers = itertools.count(1)


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Mail]:
    server = Mail(tmp_path / "tls")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def device() -> str:
    return f"notice-{next(_numbers)}"


@pytest.fixture
def target(local: httpx.Client) -> Iterator[Any]:
    """Makes targets that are gone afterwards, so that no other test tells them anything."""
    made: list[str] = []

    def make(**said: Any) -> dict[str, Any]:
        answer = local.post(
            "/v1/notification-targets",
            json={
                "name": f"target {next(_numbers)}",
                "severity": "critical",
                "wait_s": 0,
                "interval_s": 0,
                **said,
            },
        )
        assert answer.status_code == 201, answer.text
        made.append(f"/v1/notification-targets/{answer.json()['id']}")
        return dict(answer.json())

    yield make
    for path in made:
        seen = local.get(path)
        if seen.status_code == 200:
            local.delete(path, headers={"If-Match": seen.headers["etag"]})


def hook(web: Web) -> dict[str, Any]:
    return {"kind": "webhook", "webhook": {"url": web.url}}


def by_mail(mail: Mail, **more: Any) -> dict[str, Any]:
    return {
        "kind": "email", "secret": "open sesame",
        "email": {"host": "localhost", "port": mail.port, "username": "fieldline", "ca": mail.ca,
                  "sender": "fieldline@example.org", "to": ["ada@example.org"], **more},
    }  # fmt: skip


def later(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def of(web: Web, device: str) -> list[dict[str, Any]]:
    return [said for _, said in web.taken if said["device"] == device]


def notice(local: httpx.Client, device: str, what: str = "firing") -> dict[str, Any]:
    found = local.get("/v1/notifications").json()["items"]
    mine = [one for one in found if (one["device"], one["what"]) == (device, what)]
    assert len(mine) == 1, found
    return dict(mine[0])


def state(local: httpx.Client, device: str, what: str = "firing") -> str:
    try:
        return str(notice(local, device, what)["state"])
    except AssertionError:
        return "none"


def test_a_webhook_hears_that_it_fires_and_that_it_no_longer_does(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    made = target(**hook(web), secret="sign with this")
    assert made["has_secret"]
    assert "sign with this" not in json.dumps(made)
    rule = make_rule(local)
    episode = fire(api, rule, device)
    eventually(lambda: len(of(web, device)) == 1, 10, "it is told")
    headers, said = web.taken[-1]
    assert (said["what"], said["rule"], said["value"]) == ("firing", rule["name"], 86.8)
    assert headers["X-Fieldline-Signature"] == signature(web.raw[-1], "sign with this")
    assert headers["Idempotency-Key"] == said["id"]
    resolve(api, episode)
    eventually(lambda: len(of(web, device)) == 2, 10, "its end is told")
    assert web.taken[-1][1]["what"] == "resolved"
    assert web.taken[-1][1]["ended"] is not None
    eventually(lambda: state(local, device, "resolved") == "sent", 10)


def test_a_mail_says_all_of_it_and_goes_through_tls_and_login(
    api: Api, local: httpx.Client, mail: Mail, target: Any, device: str
) -> None:
    target(**by_mail(mail))
    rule = make_rule(local)
    fire(api, rule, device)
    eventually(lambda: len(mail.taken) == 1, 10, "it is taken")
    found = email.message_from_bytes(mail.taken[0].content, policy=default)
    assert found["Subject"] == f"[critical] {rule['name']}: {device} gas/co firing (86.8)"
    assert found["Auto-Submitted"] == "auto-generated"
    assert mail.taken[0].rcpt_tos == ["ada@example.org"]
    assert f"device    {device}" in found.get_content()


def test_an_open_panel_shows_it(api: Api, local: httpx.Client, target: Any, device: str) -> None:
    target(kind="desktop")
    rule = make_rule(local)
    told: list[dict[str, Any]] = []
    began = threading.Event()

    def listen() -> None:
        with local.stream("GET", "/v1/events", params={"kind": "notification"}) as answer:
            began.set()
            for line in answer.iter_lines():
                if line.startswith("data: ") and device in line:
                    told.append(json.loads(line[6:]))
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    assert began.wait(60)
    fires = itertools.count()
    eventually(lambda: fire(api, rule, f"{device}-{next(fires)}") and told, 15, "an event")
    thread.join(10)
    assert told[0]["data"]["title"].startswith("[critical]")


def test_late_alerts_and_lesser_ones_are_told_to_nobody(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    target(**hook(web))
    fire(api, make_rule(local), f"{device}-late", late=True)
    fire(api, make_rule(local, severity="warning"), f"{device}-lesser")
    fire(api, make_rule(local), device)
    eventually(lambda: len(of(web, device)) == 1, 10)
    assert state(local, f"{device}-late") == state(local, f"{device}-lesser") == "none"


def test_what_is_snoozed_is_told_when_the_snooze_is_ended(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    target(**hook(web))
    snooze = local.post("/v1/snoozes", json={"device": f"{device}*", "until": later(hours=1)})
    rule = make_rule(local)
    fire(api, rule, device)
    over = fire(api, rule, f"{device}-over")

    def held() -> bool:
        return all(
            notice(local, one)["reason"].startswith("snoozed until")
            for one in (device, f"{device}-over")
        )

    eventually(held, 10, what="both are held back")
    resolve(api, over)
    local.delete(f"/v1/snoozes/{snooze.json()['id']}")
    eventually(lambda: len(of(web, device)) == 1, 10, "what still fires is told")
    eventually(lambda: state(local, f"{device}-over") == "suppressed", 10)
    assert of(web, f"{device}-over") == []


def test_during_maintenance_nobody_is_told(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    target(**hook(web))
    window = local.post(
        "/v1/maintenance-windows",
        json={"device": device, "begins": later(hours=-1), "ends": later(hours=1)},
    )
    fire(api, make_rule(local), device)

    def held() -> bool:
        return str(notice(local, device)["reason"]).startswith("maintenance until")

    eventually(held, 10)
    assert of(web, device) == []
    assert local.delete(f"/v1/maintenance-windows/{window.json()['id']}").status_code == 204
    eventually(lambda: len(of(web, device)) == 1, 10)


def test_more_than_so_many_an_hour_are_counted_and_not_sent(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    target(**hook(web), most_an_hour=2)
    for number in range(4):
        fire(api, make_rule(local), f"{device}-{number}")

    def settled() -> bool:
        states = sorted(state(local, f"{device}-{number}") for number in range(4))
        return states == ["sent", "sent", "suppressed", "suppressed"]

    eventually(settled, 10)
    assert len([said for _, said in web.taken if said["device"].startswith(device)]) == 2


def test_a_thousand_alerts_of_a_rule_are_one_message_and_so_is_their_end(
    api: Api, local: httpx.Client, web: Web, mail: Mail, target: Any, device: str
) -> None:
    for how in (hook(web), by_mail(mail)):
        target(**how, wait_s=3)
    rule, other = make_rule(local), make_rule(local)
    episodes = fire_many(api, rule, device, 1000)
    fire(api, other, device)
    eventually(lambda: len(web.taken) >= 2 and len(mail.taken) >= 2, 20, "both rules are told")
    (said,) = [said for _, said in web.taken if said["rule"] == rule["name"]]
    assert (said["what"], said["count"], len(said["alerts"])) == ("firing", 1000, 5)
    assert {one["device"] for one in said["alerts"]} <= {f"{device}-{n}" for n in range(1000)}
    (lone,) = [said for _, said in web.taken if said["rule"] == other["name"]]
    assert (lone["count"], lone["device"]) == (1, device)
    found = [email.message_from_bytes(one.content, policy=default) for one in mail.taken]
    first = f"{said['device']} gas/co"
    (text,) = [
        one.get_content().replace("\r\n", "\n") for one in found
        if one["Subject"] == f"[critical] {rule['name']}: 1,000 firing, {first} and others"
    ]  # fmt: skip
    assert text.startswith(
        f"rule      {rule['name']}\nseverity  critical\nfiring    1,000, the first of them:\n"
    )
    assert text.endswith("\nand 995 others\n")
    resolve_many(api, episodes)
    eventually(lambda: len(web.taken) == 3, 20, "their end is told")
    assert (web.taken[-1][1]["what"], web.taken[-1][1]["count"]) == ("resolved", 1000)
    listed = local.get("/v1/notifications", params={"limit": "1000"}).json()["items"]
    mine = [one for one in listed if one["rule"] == rule["name"] and one["what"] == "resolved"]
    eventually(lambda: len(mail.taken) == 3, 20, "by mail too")
    assert len({(one["target"], one["message"]) for one in mine}) <= 2


def test_the_next_message_of_a_rule_waits_for_its_interval_and_of_another_does_not(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    target(**hook(web), interval_s=3)
    rule = make_rule(local)
    fire(api, rule, f"{device}-first")
    eventually(lambda: state(local, f"{device}-first") == "sent", 10)
    later_ones = [f"{device}-{number}" for number in range(3)]
    for one in later_ones:
        fire(api, rule, one)
    fire(api, make_rule(local), f"{device}-other")
    eventually(lambda: state(local, f"{device}-other") == "sent", 10)
    assert [state(local, one) for one in later_ones] == ["queued"] * 3
    eventually(lambda: [said["count"] for _, said in web.taken] == [1, 1, 3], 10, "then together")


def test_who_is_snoozed_is_not_among_the_others(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    target(**hook(web), wait_s=2)
    local.post("/v1/snoozes", json={"device": f"{device}-2", "until": later(hours=1)})
    rule = make_rule(local)
    for number in range(4):
        fire(api, rule, f"{device}-{number}")
    eventually(lambda: state(local, f"{device}-3") == "sent", 10)
    ((_, said),) = web.taken
    assert [one["device"] for one in said["alerts"]] == [f"{device}-{n}" for n in (0, 1, 3)]
    assert notice(local, f"{device}-2")["reason"].startswith("snoozed until")


def test_a_message_about_many_is_sent_again_as_it_was(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    web.answers = [500]
    target(**hook(web), wait_s=2)
    rule = make_rule(local)
    episodes = [fire(api, rule, f"{device}-{number}") for number in range(3)]
    eventually(lambda: notice(local, f"{device}-0")["attempts"] == 1, 10, "it has failed once")
    resolve(api, episodes[1])
    fire(api, rule, f"{device}-more")
    for one in ("more", "0"):
        eventually(lambda one=one: state(local, f"{device}-{one}") == "sent", 30)  # type: ignore[misc]
    firing = [said for _, said in web.taken if said["what"] == "firing"]
    again = next(said for said in firing if said["count"] == 3)
    assert again["id"] == f"fieldline-{notice(local, f'{device}-0')['id']}"
    assert sum(said["count"] for said in firing) == 4


def test_what_was_told_and_is_taken_back_is_told_to_be_over(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    target(**hook(web))
    episode = fire(api, make_rule(local), device)
    eventually(lambda: state(local, device) == "sent", 10)
    take_back(api, episode)
    eventually(lambda: [said["what"] for said in of(web, device)] == ["firing", "resolved"], 10)


def test_a_test_says_what_the_other_side_said(
    local: httpx.Client, web: Web, mail: Mail, target: Any
) -> None:
    def tested(made: dict[str, Any]) -> tuple[bool, str]:
        answer = local.post(f"/v1/notification-targets/{made['id']}/test")
        assert answer.status_code == 200, answer.text
        return answer.json()["sent"], answer.json()["said"]

    by_web = target(**hook(web))
    assert tested(by_web) == (True, "127.0.0.1 says 204 No Content")
    web.answers = [301]
    assert tested(by_web) == (False, "127.0.0.1 points elsewhere (301), which is not followed")
    web.answers = [500]
    assert tested(by_web)[1] == "127.0.0.1 says 500 Internal Server Error"
    assert tested(target(**by_mail(mail)))[0]
    sent, said = tested(target(**{**by_mail(mail), "secret": "wrong"}))
    assert (sent, "refuses the login" in said) == (False, True)
    sent, said = tested(target(**by_mail(mail, ca="")))
    assert (sent, "certificate is not believed" in said) == (False, True)
    sent, said = tested(target(kind="webhook", webhook={"url": "http://127.0.0.1:9/x"}))
    assert (sent, "cannot be reached" in said) == (False, True)


def test_a_target_that_fails_is_tried_again_over_a_restart(
    api: Api, local: httpx.Client, web: Web, target: Any, device: str
) -> None:
    web.answers = [500]
    target(**hook(web))
    fire(api, make_rule(local), device)
    eventually(lambda: notice(local, device)["attempts"] == 1, 10, "it has failed once")
    assert notice(local, device)["reason"] == "127.0.0.1 says 500 Internal Server Error"
    api.kill()
    api.start()
    eventually(lambda: state(local, device) == "sent", 30)
    assert len(of(web, device)) == 1
    assert notice(local, device)["attempts"] == 2


def test_a_secret_is_kept_apart_and_goes_with_its_target(
    api: Api, local: httpx.Client, web: Web, target: Any
) -> None:
    made = target(**hook(web), secret="hush")
    file = api.folder.secrets / f"notification-{made['id']}"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("hush", 0o600)
    path = f"/v1/notification-targets/{made['id']}"
    changed = local.put(
        path,
        json={"name": made["name"], "severity": "info", **hook(web)},
        headers={"If-Match": f'"{made["version"]}"'},
    )
    assert changed.json()["has_secret"]
    assert "hush" not in local.get("/v1/audit").text
    local.delete(path, headers={"If-Match": f'"{changed.json()["version"]}"'})
    assert not file.exists()
