"""Devices are told what to do: real agents, over a real broker, from a real API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from firmware.arduino.build import SKETCHES, build_rig, build_sketch
from firmware.arduino.rig import Rig
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import Player
from tests.cloud.control.remote.conftest import Device
from tests.waiting import eventually


def test_a_command_is_done_kept_recorded_and_told(device: Device, admin: httpx.Client) -> None:
    done = device.did("sampling", on=False, source="fast")
    assert (done["state"], done["result"]) == ("done", {"fast": False, "host": True})
    assert done["note"] == f"{device.name} has done it"
    assert done["person"] == "local"
    newest = admin.get(f"{device.path}/commands?limit=1").json()
    assert newest["items"] == [done]
    older = admin.get(f"{device.path}/commands", params={"cursor": newest["next"]}).json()
    assert all(one["id"] != done["id"] for one in older["items"])
    act = admin.get(f"/v1/audit?subject=device/{device.name}&limit=1").json()["items"][0]
    assert (act["action"], act["after"]["arguments"]) == (
        "device.command",
        {"on": False, "source": "fast"},
    )


def test_every_step_of_a_command_is_told_to_who_listens(
    alone: Api, device: Device, admin: httpx.Client
) -> None:
    with (
        alone.client(alone.local_token) as other,
        other.stream("GET", "/v1/events?kind=command") as stream,
    ):
        lines = stream.iter_lines()
        eventually(lambda: stream.status_code == 200)
        identity = device.given("sampling", on=True)["id"]
        steps = []
        for line in lines:
            if line.startswith("data:"):
                event = json.loads(line[5:])
                if event.get("data", {}).get("id") == identity:
                    steps.append(event["what"])
                    assert event["subject"] == device.name
            if "done" in steps:
                break
    assert steps == ["queued", "sent", "done"]


def test_what_the_device_refuses_is_said_in_its_own_words(device: Device) -> None:
    refused = device.did("interval", source="hots", interval_s=1)
    assert refused["state"] == "refused"
    assert refused["error"] == "there is no source 'hots'; this device has: fast, host"
    assert refused["error"] in refused["note"]


def test_a_diagnosis_is_the_doctors(device: Device) -> None:
    result = device.did("diagnose")["result"]
    checks = {check["name"]: check for check in result["checks"]}
    assert checks["configuration"]["ok"]
    assert "clock" in checks


def test_the_agent_is_restarted_once(device: Device) -> None:
    assert device.did("restart")["state"] == "done"
    assert device.agent.process is not None
    assert device.agent.process.wait(60) == 3


def test_a_board_blinks(make: Callable[..., Device]) -> None:
    build_rig()
    with Rig(build_sketch(SKETCHES / "environment").elf) as rig:
        device = make(f'[[source]]\nkind = "arduino"\nname = "board"\nport = "{rig.port}"\n')
        device.start()
        # The board greets when its port was opened; until then there is none to blink.
        done = eventually(lambda: _done(device.did("identify")))
        assert done["result"] == {"boards": ["board"]}


def _done(command: dict[str, Any]) -> dict[str, Any]:
    assert command["state"] == "done", command
    return command


def test_what_cannot_be_reached_fails_at_once_and_says_since_when(
    device: Device, away: Device
) -> None:
    away.is_never_seen()
    never = away.give({"command": "identify"})
    assert (never.status_code, never.json()["title"]) == (409, "device away")
    assert never.json()["detail"] == f"{away.name} has never connected; nothing was sent"
    device.agent.stop()
    device.is_offline()
    gone = device.give({"command": "identify"}).json()
    assert gone["detail"].startswith(f"{device.name} is offline since 20")
    assert gone["detail"].endswith("UTC (stopped); nothing was sent")
    assert "wait_s" in gone["fix"]


def test_what_waits_says_so_and_is_done_when_the_device_comes(away: Device) -> None:
    away.is_never_seen()
    waiting = away.given("sampling", None, on=False)
    assert (waiting["state"], waiting["expires"]) == ("queued", None)
    assert waiting["note"] == (
        f"{away.name} has never connected; the command waits until it comes back"
    )
    limited = away.given("sampling", 3600, on=True)
    assert "; the command waits until 20" in limited["note"]
    away.agent.start()
    assert away.ended(waiting["id"])["result"] == {"fast": False, "host": False}
    assert away.ended(limited["id"])["result"] == {"fast": True, "host": True}


def test_what_has_waited_long_enough_expires_and_is_not_done(away: Device) -> None:
    late = away.given("sampling", 0.2, on=False)
    expired = away.ended(late["id"])
    assert (expired["state"], "not done" in expired["note"]) == ("expired", True)
    away.start()
    assert not away.agent.said(late["id"])


def test_what_waits_can_be_withdrawn_and_what_was_sent_cannot(
    away: Device, admin: httpx.Client
) -> None:
    waiting = away.given("sampling", None, on=False)
    withdrawn = admin.delete(f"{away.path}/commands/{waiting['id']}")
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn")
    assert admin.delete(f"{away.path}/commands/{waiting['id']}").status_code == 409
    away.start()
    done = away.did("sampling", on=True)
    refused = admin.delete(f"{away.path}/commands/{done['id']}")
    assert (refused.status_code, refused.json()["title"]) == (409, "not waiting")
    assert not away.agent.said(waiting["id"])


def test_the_same_id_is_the_same_command(device: Device) -> None:
    body = {"command": "sampling", "arguments": {"on": True}, "id": "mine-1"}
    first = device.give(body)
    device.ended("mine-1")
    again = device.give(body)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["created"] == first.json()["created"]
    other = device.give({**body, "arguments": {"on": False}})
    assert (other.status_code, other.json()["title"]) == (409, "id taken")
    assert device.agent.log.read_text().count("(mine-1)") == 1


def test_a_command_survives_the_api_the_broker_and_the_device(alone: Api, device: Device) -> None:
    device.agent.kill()
    device.is_offline()
    waiting = device.given("sampling", None, on=False)
    alone.kill()
    alone.broker.kill()
    alone.broker.wipe()
    alone.broker.start()
    device.agent.start()
    alone.start()
    done = device.ended(waiting["id"])
    assert done["result"] == {"fast": False, "host": False}
    assert device.agent.log.read_text().count(f"({waiting['id']})") == 1


def test_an_answer_that_nobody_heard_is_asked_for_again(alone: Api, device: Device) -> None:
    identity = device.given("sampling", 3600, on=False)["id"]
    eventually(lambda: device.agent.said(identity), what="it is done")
    alone.kill()
    with psycopg.connect(alone.postgres.dsn()) as owner:
        # As if the API had ended before it heard, which is a matter of milliseconds.
        owner.execute(
            "UPDATE control.command SET state = 'sent', result = NULL WHERE id = %s", [identity]
        )
    alone.start()
    assert device.ended(identity)["state"] == "done"
    assert device.agent.log.read_text().count(f"({identity})") == 1


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"command": "csr"}, 422, "not valid"),
        ({"command": "certificate"}, 422, "not valid"),
        ({"command": "revoked"}, 422, "not valid"),
        ({"command": "sampling"}, 422, "bad arguments"),
        ({"command": "sampling", "arguments": {"off": True}}, 422, "bad arguments"),
        ({"command": "interval", "arguments": {"source": "a", "interval_s": "1"}}, 422, "bad"),
        ({"command": "identify", "arguments": {"source": "a\x00"}}, 422, "bad arguments"),
        ({"command": "restart", "id": "no id"}, 422, "not valid"),
        ({"command": "restart", "wait_s": -1}, 422, "not valid"),
        ({"command": "interval", "arguments": {"source": "a", "interval_s": 10**400}}, 422, "bad"),
    ],
)
def test_what_is_no_command_of_peoples_is_refused(
    registered: Device, body: dict[str, Any], status: int, word: str
) -> None:
    answer = registered.give(body)
    assert (answer.status_code, word in answer.json()["title"]) == (status, True), answer.text


def test_who_takes_no_commands_is_named(admin: httpx.Client, registered: Device) -> None:
    admin.post("/v1/devices", json={"name": "plug-7", "kind": "foreign"})
    plug = Device("plug-7", None, admin)  # type: ignore[arg-type]
    assert plug.give({"command": "restart"}).json()["title"] == "foreign device"
    nobody = Device("nobody", None, admin)  # type: ignore[arg-type]
    assert nobody.give({"command": "restart"}).status_code == 404
    admin.post(f"{registered.path}/revocation", json={})
    assert registered.give({"command": "restart", "wait_s": None}).json()["title"] == "not enrolled"


def test_no_more_wait_than_a_device_remembers(registered: Device) -> None:
    for _ in range(50):
        registered.given("identify", 60)
    full = registered.give({"command": "identify", "wait_s": 60})
    assert (full.status_code, full.json()["title"]) == (409, "too many waiting")


class Silent:
    """A device that plays dead, and answers what it is told to."""

    def __init__(self, device: Device, play: Callable[..., Player]) -> None:
        self.name = device.name
        self._play, self._identity = play, device.identity
        self.player = play(self._identity)

    def come(self, **answers: Any) -> None:
        self.player.close()  # the next one has its client id
        self.player = self._play(self._identity)
        self.player.answers = answers
        assert self.player.subscribe(f"fieldline/v1/{self.name}/cmd") < 128
        self.say("online")

    def say(self, state: str) -> None:
        payload = json.dumps({"state": state, "reason": "stopped"}).encode()
        self.player.publish(f"fieldline/v1/{self.name}/status", payload, retain=True)

    def leave(self) -> None:
        self.say("offline")
        self.player.close()

    def heard(self, identity: str) -> int:
        return sum(identity.encode() in payload for _, payload in self.player.heard)


@pytest.fixture
def silent(away: Device, play: Callable[..., Player]) -> Silent:
    return Silent(away, play)


def test_who_does_not_answer_is_asked_again_when_it_is_back(
    alone: Api, away: Device, silent: Silent
) -> None:
    silent.come()
    identity = away.given("sampling", 3600, on=False)["id"]
    eventually(lambda: silent.heard(identity), what="it was sent")
    with psycopg.connect(alone.postgres.dsn()) as owner:
        owner.execute(
            "UPDATE control.command SET since = now() - interval '2 min', expires = now() "
            "WHERE id = %s",
            [identity],
        )
    ended = away.ended(identity)
    assert ended["state"] == "no answer"
    assert "has not said whether it was done; it is asked again" in ended["note"]
    silent.leave()
    away.is_offline()
    silent.come(sampling=lambda _: {"ok": True, "result": {"fast": False}})

    def answered() -> bool:
        found = away.client.get(f"{away.path}/commands/{identity}").json()
        return bool(found["state"] == "done")

    eventually(answered, what="the answer came late, and counts")


def test_what_a_device_that_just_connects_did_not_hear_is_sent_when_it_listens(
    away: Device, silent: Silent
) -> None:
    silent.say("online")  # after a change of its key nothing says that it was away
    eventually(lambda: away.give({"command": "restart"}).status_code == 202)
    identity = away.given("identify")["id"]

    def unheard() -> bool:
        found = away.client.get(f"{away.path}/commands/{identity}").json()
        return bool(found["state"] == "queued" and found["since"] != found["created"])

    eventually(unheard)
    silent.come(identify=lambda _: {"ok": True, "result": {"boards": ["b"]}})
    assert away.ended(identity)["result"] == {"boards": ["b"]}


@pytest.mark.parametrize(
    ("answer", "state", "text"),
    [
        ({"ok": True, "result": {"a\x00b": "\x00"}}, "done", ""),
        ({"ok": False}, "refused", "it gave no reason"),
        ({"ok": True, "result": {"a": "x" * 300_000}}, "done", "more than is kept"),
    ],
)
def test_whatever_a_device_answers_can_be_kept_and_shown(
    away: Device, silent: Silent, answer: dict[str, Any], state: str, text: str
) -> None:
    silent.come(identify=lambda _: answer)
    eventually(lambda: away.give({"command": "restart"}).status_code == 202)
    ended = away.did("identify")
    assert (ended["state"], text in ended["error"]) == (state, True)
    assert ended["result"] in (None, answer.get("result"))


def test_nonsense_for_an_answer_is_no_answer(away: Device, silent: Silent) -> None:
    silent.come()
    eventually(lambda: away.give({"command": "restart"}).status_code == 202)
    identity = away.given("identify", 3600)["id"]
    eventually(lambda: silent.heard(identity))
    topic = f"fieldline/v1/{away.name}/cmd/reply"
    for nonsense in (b"\xff", b"[]", b'{"id":7}', f'{{"id":"{identity}"}}'.encode()):
        silent.player.publish(topic, nonsense)
    silent.player.publish(topic, f'{{"id":"{identity}","ok":true,"at":1,"result":{{}}}}'.encode())
    assert away.ended(identity)["result"] == {}
