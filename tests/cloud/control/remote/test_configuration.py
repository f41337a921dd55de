"""What devices should do, against what they report: real agents, a real broker, a real API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cloud.stack import accounts
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import Player
from tests.cloud.control.remote.conftest import Device
from tests.waiting import eventually


def retained(alone: Api, play: Callable[..., Player], device: str) -> dict[str, Any]:
    """What the broker holds for a device that comes."""
    broker = alone.broker
    watcher = accounts.WATCHER
    player = play(login=(watcher, broker.password_of(watcher), broker.port, broker.ca))
    topic = f"fieldline/v1/{device}/config/desired"
    player.subscribe(topic)
    payload = eventually(lambda: [p for t, p in player.heard if t == topic])[-1]
    player.close()
    return dict(json.loads(payload))


def test_a_device_takes_its_configuration_and_stands_in_step(
    device: Device, admin: httpx.Client
) -> None:
    fresh = device.configuration()
    assert (fresh["state"], fresh["version"], fresh["desired"]["version"]) == ("in step", 0, 0)
    wanted = {"fast": {"interval_s": 0.5, "calibration": {"c": {"factor": 2.0, "offset": 1.0}}}}
    put = device.configure(wanted)
    assert (put.status_code, put.headers["etag"]) == (200, '"1"')
    assert put.json()["state"] == "waiting for the device"
    taken = device.stands("in step")
    assert taken["reported"]["sources"]["fast"] == {"on": True, **wanted["fast"]}
    assert (taken["own"], taken["desired"]["sources"]) == (wanted, wanted)
    assert taken["note"] == f"{device.name} does what it should"
    act = admin.get(f"/v1/audit?subject=device/{device.name}").json()["items"]
    changed = next(one for one in act if one["action"] == "device.configure")
    assert (changed["before"], changed["after"]) == ({"sources": {}}, {"sources": wanted})
    device.configure({})
    assert device.stands("in step")["reported"]["sources"]["fast"]["interval_s"] == 0.05


def test_what_the_device_refuses_is_shown_with_what_holds_now(device: Device) -> None:
    device.configure({"fast": {"interval_s": 0.5}})
    good = device.stands("in step")
    device.configure({"fast": {"interval_s": 1e-9}})
    bad = device.stands("refused")
    assert "cannot be read every 1e-09 s" in bad["reason"]
    assert bad["reported"]["sources"] == good["reported"]["sources"]
    device.configure({"fast": {"interval_s": 0.5}})
    device.stands("in step")


def test_a_command_since_then_is_shown_as_a_difference(device: Device) -> None:
    device.configure({"fast": {"on": True}})
    device.stands("in step")
    device.did("sampling", on=False, source="fast")
    found = device.stands("differs")
    assert found["differences"] == [{"key": "fast/on", "desired": True, "reported": False}]
    assert "fast/on is off, not on" in found["note"]
    device.did("sampling", on=True, source="fast")
    device.stands("in step")


def test_a_device_that_is_away_takes_it_when_it_comes_back(device: Device) -> None:
    device.agent.stop()
    device.is_offline()
    device.configure({"host": {"on": False}})
    found = device.stands("waiting for the device")
    assert found["online"] is False
    assert found["note"].startswith(f"{device.name} is offline since 20")
    assert found["note"].endswith(f"; {device.name} takes version 1 when it comes back")
    device.agent.start()
    assert device.stands("in step")["reported"]["sources"]["host"]["on"] is False


def test_a_broker_that_lost_everything_holds_it_anew(
    alone: Api, registered: Device, play: Callable[..., Player]
) -> None:
    registered.configure({"fast": {"on": False}})
    held = retained(alone, play, registered.name)
    assert held == {"version": 1, "sources": {"fast": {"on": False}}}
    alone.broker.kill()
    alone.broker.wipe()
    alone.broker.start()
    eventually(lambda: retained(alone, play, registered.name) == held, what="it is held again")


def test_what_changed_while_the_broker_was_away_is_held_when_it_is_back(
    alone: Api, registered: Device, play: Callable[..., Player]
) -> None:
    alone.broker.kill()
    try:
        assert registered.configure({"fast": {"on": False}}).status_code == 200
    finally:
        alone.broker.start()
    assert retained(alone, play, registered.name)["version"] == 1


def test_what_changed_while_the_device_and_the_api_were_away_is_heard(
    alone: Api, device: Device
) -> None:
    device.configure({"fast": {"on": True}})
    device.stands("in step")
    alone.stop()
    device.agent.kill()
    device.agent.config.write_text(
        device.agent.config.read_text().replace("interval_s = 3600.0", "interval_s = 60.0")
    )
    device.agent.start()
    alone.start()
    eventually(lambda: device.configuration()["reported"]["sources"]["host"]["interval_s"] == 60.0)


@pytest.mark.parametrize(
    ("sources", "word"),
    [
        ({"board": {"on": 1}}, "Expected `bool`"),
        ({"board": {"interval_s": 0}}, "> 0"),
        ({"board": {"interval": 1}}, "unknown field `interval`"),
        ({"board": {"calibration": {"c": {"factor": 0}}}}, "a factor of 0"),
        ({"board": {"calibration": {"x y": {}}}}, "no name for a channel"),
        ({"a\x00": {}}, "`key` in `$`"),
        ({"board": {"interval_s": 10**400}}, ""),
        ({"board": {"calibration": {f"c{n}": {} for n in range(5000)}}}, "65536 at most"),
    ],
)
def test_what_no_device_could_take_is_refused_before_it_is_published(
    registered: Device, sources: dict[str, Any], word: str
) -> None:
    answer = registered.configure(sources)
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["detail"]
    assert registered.configuration()["desired"]["version"] == 0


def test_a_source_that_the_device_does_not_have_is_refused(device: Device) -> None:
    refused = device.configure({"bord": {"on": True}})
    assert refused.status_code == 422
    assert refused.json()["detail"] == (f"there is no source 'bord'; {device.name} has: fast, host")


def test_an_edit_of_what_has_changed_meanwhile_is_refused(registered: Device) -> None:
    assert registered.configure({"fast": {"on": True}}, 0).status_code == 200
    assert registered.configure({"fast": {"on": False}}, 0).status_code == 412
    path = f"{registered.path}/configuration"
    assert registered.client.put(path, json={"sources": {}}).status_code == 428


class Group:
    """A group, through the API."""

    def __init__(self, admin: httpx.Client, name: str, priority: int = 0) -> None:
        self.admin, self.path = admin, f"/v1/groups/{name}"
        made = admin.post("/v1/groups", json={"name": name, "priority": priority})
        assert made.status_code == 201, made.text

    def seen(self) -> dict[str, str]:
        return {"If-Match": self.admin.get(self.path).headers["etag"]}

    def configure(self, sources: dict[str, Any]) -> dict[str, Any]:
        answer = self.admin.put(
            f"{self.path}/configuration", json={"sources": sources}, headers=self.seen()
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def move(self, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> httpx.Response:
        return self.admin.post(f"{self.path}/members", json={"add": add, "remove": remove})


def test_groups_are_merged_by_priority_and_the_device_wins(
    admin: httpx.Client, registered: Device
) -> None:
    low, high = Group(admin, f"z-{registered.name}", -5), Group(admin, f"a-{registered.name}", 5)
    low.configure({"fast": {"interval_s": 9.0, "on": False}, "host": {"on": False}})
    high.configure({"fast": {"interval_s": 8.0}})
    for group in (low, high):
        assert group.move(add=(registered.name,)).json() == {"added": 1, "removed": 0}
        assert group.move(add=(registered.name,)).json() == {"added": 0, "removed": 0}
    registered.configure({"host": {"on": True}})
    found = registered.configuration()
    assert [one["group"] for one in found["groups"]] == [
        f"z-{registered.name}",
        f"a-{registered.name}",
    ]
    assert found["desired"]["sources"] == {
        "fast": {"on": False, "interval_s": 8.0},
        "host": {"on": True},
    }
    change = {"label": "Hall 2", "priority": -9}
    changed = admin.put(high.path, json=change, headers=high.seen()).json()
    assert (changed["label"], changed["priority"], changed["members"]) == ("Hall 2", -9, 1)
    assert registered.configuration()["desired"]["sources"]["fast"]["interval_s"] == 9.0
    before = registered.configuration()["desired"]["version"]
    assert low.move(remove=(registered.name,)).json() == {"added": 0, "removed": 1}
    found = registered.configuration()
    assert found["desired"]["sources"] == {"fast": {"interval_s": 8.0}, "host": {"on": True}}
    assert found["desired"]["version"] == before + 1
    assert admin.delete(high.path, headers=high.seen()).status_code == 204
    assert registered.configuration()["desired"]["sources"] == {"host": {"on": True}}
    acts = admin.get(f"/v1/audit?subject=group/a-{registered.name}").json()["items"]
    assert [one["action"] for one in reversed(acts)] == [
        "group.create", "group.configure", "group.members", "group.change", "group.delete",
    ]  # fmt: skip


def test_a_group_reaches_its_devices_and_says_how_many_have_it(
    admin: httpx.Client, device: Device, away: Device
) -> None:
    group = Group(admin, f"hall-{device.name}")
    group.move(add=(device.name, away.name))
    said = group.configure({"fast": {"interval_s": 0.5}, "bord": {"on": True}})
    assert (said["members"], said["states"]) == (2, {"waiting for the device": 2})
    found = device.stands("in step")
    assert found["left_out"] == ["bord"]
    assert found["desired"]["sources"] == {"fast": {"interval_s": 0.5}}
    states = admin.get(f"{group.path}/configuration").json()["states"]
    assert states == {"in step": 1, "waiting for the device": 1}
    # Before it has said which sources it has, a device is told all; then it is told what fits.
    away.agent.start()
    found = away.stands("in step")
    assert found["desired"]["sources"] == {"fast": {"interval_s": 0.5}}
    assert admin.get(f"{group.path}/members").json()["items"] == sorted([device.name, away.name])


def test_groups_are_listed_in_pages(admin: httpx.Client, registered: Device) -> None:
    for letter in "abc":
        Group(admin, f"page-{letter}-{registered.name}")
    names: list[str] = []
    cursor = None
    while True:
        page = admin.get(
            "/v1/groups", params={"limit": 1, **({"cursor": cursor} if cursor else {})}
        )
        names += [one["name"] for one in page.json()["items"]]
        cursor = page.json()["next"]
        if cursor is None:
            break
    assert names == sorted(names)
    assert [n for n in names if n.endswith(registered.name)] == [
        f"page-{letter}-{registered.name}" for letter in "abc"
    ]


def test_who_takes_no_configuration_is_named(admin: httpx.Client, registered: Device) -> None:
    admin.post("/v1/devices", json={"name": "plug-8", "kind": "foreign"})
    group = Group(admin, f"mixed-{registered.name}")
    refused = group.move(add=(registered.name, "plug-8"))
    assert (refused.status_code, refused.json()["devices"]) == (422, ["plug-8"])
    assert admin.get(f"{group.path}/members").json()["items"] == []
    plug = Device("plug-8", None, admin)  # type: ignore[arg-type]
    assert plug.configure({"a": {"on": True}}).json()["title"] == "not configurable"
    assert admin.post("/v1/groups", json={"name": f"mixed-{registered.name}"}).status_code == 409


def test_whatever_a_device_reports_is_borne(away: Device, play: Callable[..., Player]) -> None:
    player = play(away.identity)
    topic = f"fieldline/v1/{away.name}/config/reported"
    for nonsense in (b"\xff", b"[]", b'{"version":-1}', b'{"version":1,"applied":1}'):
        player.publish(topic, nonsense, retain=True)
    odd = {"version": 7, "applied": False, "error": "x" * 8000,
           "sources": {"a": {"calibration": {"\x00": {}}}}}  # fmt: skip
    player.publish(topic, json.dumps(odd).encode(), retain=True)
    found = eventually(lambda: away.configuration()["reported"])
    assert (found["version"], found["error"]) == (7, "x" * 8000)
    assert away.configuration()["state"] == "in step"
