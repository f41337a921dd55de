"""What the panel knows of the devices."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from control_panel.model.fleet import Fleet
from control_panel.model.things import Device

PI = Device(
    name="pi-1", state="enrolled", agent_version="0.2.0", created=datetime(2026, 3, 1, tzinfo=UTC),
    enrolled=None, kind="agent", label="", last_seen=None, latitude=None, longitude=None,
    reason="", restorable_until=None, revoked=None, site="hall", status="online",
    status_reason="", version=1,
)  # fmt: skip


def named(name: str, **members: object) -> Device:
    return msgspec.structs.replace(PI, name=name, **members)


def test_who_listens_is_told_what_changed_and_nothing_else() -> None:
    fleet, told = Fleet(), list[frozenset[str]]()
    fleet.listen(told.append)
    fleet.replace([named("a"), named("b"), named("c")])
    fleet.replace([named("a"), named("b", status="offline")])
    fleet.replace([named("a"), named("b", status="offline")])
    fleet.take([named("a"), named("d")], gone=["b", "nobody"])
    assert told == [{"a", "b", "c"}, {"b", "c"}, {"b", "d"}]
    assert set(fleet.devices) == {"a", "d"}


def test_an_empty_list_is_an_answer_too() -> None:
    fleet, told = Fleet(), list[frozenset[str]]()
    fleet.listen(told.append)
    known = [fleet.known]
    for _ in range(2):
        fleet.replace([])
        known.append(fleet.known)
    assert known == [False, True, True]
    assert told == [frozenset()]


def test_who_stopped_listening_is_told_nothing() -> None:
    fleet, told = Fleet(), list[frozenset[str]]()
    end = fleet.listen(told.append)
    end()
    end()
    fleet.take([named("a")])
    assert told == []


def test_counts_and_sites() -> None:
    fleet = Fleet()
    fleet.replace([named("a"), named("b", status="late", site=""), named("c", site="attic")])
    assert fleet.counts() == {"online": 2, "late": 1}
    assert fleet.sites() == ["attic", "hall"]
