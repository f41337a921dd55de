"""Newest values as rows."""

from __future__ import annotations

from datetime import UTC, datetime

from control_panel.model.live import Live
from control_panel.model.newest_table import NewestTable
from control_panel.model.things import Channel
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality
from wire.topics import Kind

SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND


def stored(channel: str, value: float, age_s: int, device: str = "pi-7") -> Channel:
    return Channel(
        device=device, channel=channel, time=datetime.fromtimestamp(NOW / 1e6 - age_s, UTC),
        value=value, unit="V", label="Mains", maximum=None, minimum=None,
    )  # fmt: skip


def heard(live: Live, channel: str, every_s: int, last_age_s: int) -> None:
    readings = [
        Reading(channel, NOW - (last_age_s + n * every_s) * SECOND, float(n), "Cel")
        for n in reversed(range(10))
    ]
    payload = encode_pack("pi-7", readings, epoch="k" * 16, sequence=1, quality=TimeQuality.SYNCED)
    live.hear("pi-7", Kind.DATA, payload, NOW)


def test_the_newer_of_live_and_stored_is_shown() -> None:
    live = Live()
    heard(live, "heat", 1, last_age_s=100)
    table = NewestTable(live)
    table.look(live.newest)
    table.take([stored("heat", 5.0, 500), stored("mains", 230.0, 10)])
    assert [(row.channel, row.value, row.unit) for row in table.rows()] == [
        ("heat", 0.0, "Cel"), ("mains", 230.0, "V"),
    ]  # fmt: skip
    table.take([stored("heat", 7.0, 50)])
    assert table.rows("heat")[0].value == 7.0


def test_words_and_device_choose_rows() -> None:
    table = NewestTable(Live())
    table.take([stored("a/x", 1, 1), stored("b/x", 2, 1, device="pi-8")])
    assert [row.channel for row in table.rows("PI-8 x")] == ["b/x"]
    assert [row.channel for row in table.rows(device="pi-7")] == ["a/x"]
    assert table.rows("nothing") == []


def test_old_is_what_is_late_for_its_channel() -> None:
    live = Live()
    heard(live, "often", 1, last_age_s=61)
    heard(live, "seldom", 600, last_age_s=3000)
    table = NewestTable(live)
    table.look(live.newest)
    table.take([stored("kept", 1, 500), stored("older", 1, 700)])
    stale = {row.channel: table.is_stale(row, NOW) for row in table.rows()}
    assert stale == {"often": True, "seldom": False, "kept": False, "older": True}
