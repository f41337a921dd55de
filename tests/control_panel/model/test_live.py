from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model import live as module
from control_panel.model.live import GLANCED_READINGS, Changes, Live
from wire.pack import encode_pack
from wire.reading import Channel, Reading, TimeQuality
from wire.status import Meta, Status, encode_meta, encode_status
from wire.topics import Kind

SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND


def pack(
    readings: list[Reading], device: str = "pi-7", quality: TimeQuality = TimeQuality.SYNCED
) -> bytes:
    return encode_pack(device, readings, epoch="k" * 16, sequence=1, quality=quality)


def heat(offset_s: float, value: float | str | bool = 20.5) -> Reading:
    return Reading("heat", NOW + int(offset_s * SECOND), value, "Cel")


def test_readings_of_both_lanes_come_together_in_order_of_time() -> None:
    live = Live()
    live.hear("pi-7", Kind.DATA, pack([heat(0), heat(2)]), NOW)
    live.hear("pi-7", Kind.BACKFILL, pack([heat(1, 7.0), heat(-5, 8.0)]), NOW)
    series = live.series("pi-7", "heat")
    assert series is not None
    assert series.all().values.tolist() == [8.0, 20.5, 7.0, 20.5]
    newest = live.newest["pi-7", "heat"]
    assert (newest.value, newest.unit, newest.time_utc) == (20.5, "Cel", NOW + 2 * SECOND)


def test_texts_and_switches_have_a_newest_value() -> None:
    live = Live()
    live.hear("pi-7", Kind.DATA, pack([heat(0, "x" * 999), Reading("door", NOW, True)]), NOW)
    assert live.newest["pi-7", "heat"].value == "x" * 200
    assert live.newest["pi-7", "door"].value is True
    assert live.series("pi-7", "heat") is None
    door = live.series("pi-7", "door")
    assert door is not None
    assert door.all().values.tolist() == [1.0]


def test_guessed_times_are_marked() -> None:
    live = Live()
    live.hear("pi-7", Kind.DATA, pack([heat(0)], quality=TimeQuality.ESTIMATED), NOW)
    series = live.series("pi-7", "heat")
    assert series is not None
    assert series.all().uncertain.tolist() == [True]
    assert live.newest["pi-7", "heat"].uncertain


def test_garbage_is_counted_and_kept_with_its_reason() -> None:
    live = Live()
    for kind, payload in (
        (Kind.DATA, b"\xff"),
        (Kind.STATUS, b"{}"),
        (Kind.META, b"[]"),
        (Kind.RECEIPT, b"1"),
    ):
        live.hear("pi-7", kind, payload, NOW)
    assert live.messages.faults == 4
    assert all(row.fault for row in live.messages.rows())
    assert "not_utf8" in live.messages.rows()[0].fault


@given(st.sampled_from(list(Kind)), st.binary(max_size=200))
def test_no_payload_stops_it(kind: Kind, payload: bytes) -> None:
    live = Live()
    live.hear("pi-7", kind, payload, NOW)
    assert live.messages.messages == 1


def test_what_a_device_says_of_itself_gives_units_and_channels() -> None:
    live = Live()
    changes: list[Changes] = []
    stop = live.listen(changes.append)
    live.hear("pi-7", Kind.META, encode_meta(Meta(channels=(Channel("heat", "Air", "Cel"),))), NOW)
    live.hear("pi-7", Kind.STATUS, encode_status(Status("online")), NOW)
    live.tell()
    live.tell()
    assert live.unit("pi-7", "heat") == "Cel"
    assert live.statuses["pi-7"].state == "online"
    assert [change.added for change in changes] == [frozenset({("pi-7", "heat")})]
    stop()
    live.hear("pi-7", Kind.DATA, pack([heat(0)]), NOW)
    live.tell()
    assert len(changes) == 1


def test_only_watched_channels_are_kept_for_long() -> None:
    live = Live()
    many = [heat(n / 10) for n in range(2 * GLANCED_READINGS)]
    live.hear("pi-7", Kind.DATA, pack(many), NOW)
    series = live.series("pi-7", "heat")
    assert series is not None
    assert len(series) == GLANCED_READINGS
    unwatch = live.watch([("pi-7", "heat")])
    live.hear("pi-7", Kind.DATA, pack(many), NOW)
    assert len(series) == 2 * GLANCED_READINGS
    unwatch()
    unwatch()
    assert len(series) == GLANCED_READINGS


def test_watched_channels_share_the_memory() -> None:
    live = Live()
    live.hear("pi-7", Kind.DATA, pack([heat(0)]), NOW)
    series = live.series("pi-7", "heat")
    assert series is not None
    live.watch([("pi-7", "heat")])
    assert series.limit == module.WATCHED_READINGS_EACH
    live.watch([("pi-7", f"c{n}") for n in range(99)])
    assert series.limit == module.WATCHED_READINGS // 100


def test_more_channels_than_fit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHANNELS", 3)
    monkeypatch.setattr(module, "GLANCED", 2)
    monkeypatch.setattr(module, "DEVICES", 1)
    live = Live()
    live.hear("pi-7", Kind.DATA, pack([Reading(f"c{n}", NOW, 1.0) for n in range(4)]), NOW)
    assert len(live.newest) == 3
    assert live.series("pi-7", "c1") is not None
    assert live.series("pi-7", "c2") is None
    assert live.unkept == 2
    for device in ("pi-7", "pi-8"):
        live.hear(device, Kind.STATUS, encode_status(Status("online")), NOW)
    assert list(live.statuses) == ["pi-7"]
    assert live.unkept == 3
