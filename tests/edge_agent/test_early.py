"""A device without a battery clock: what it reads before it knows the time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import early
from edge_agent.buffer import Buffer, Quota
from edge_agent.clock import Clock
from edge_agent.errors import EpochBegun
from edge_agent.intake import Intake
from edge_agent.packer import Packer
from edge_agent.report import Report
from edge_agent.runner import Runner
from tests.waiting import eventually
from wire.columns import decode_columns
from wire.reading import Reading, TimeQuality
from wire.status import decode_status

RIGHT = 1_795_400_000_000_000
SYNCED, CORRECTED, ESTIMATED = TimeQuality.SYNCED, TimeQuality.CORRECTED, TimeQuality.ESTIMATED
Found = list[tuple[str, int, float | None, str]]


class Lane:
    def is_open(self) -> bool:
        return False

    def offer(self, epoch: str, number: int, payload: bytes) -> bool:
        return False


class Machine:
    """A device with an agent's parts: real threads and disk, a clock that the test turns."""

    def __init__(self, folder: Path, *, boot: str = "boot-1", quota: int = 10**8) -> None:
        self.since_boot = 1_000_000
        self.offset = 0
        self.clock = Clock(
            now_utc=lambda: self.since_boot + self.offset,
            boot_time=lambda: self.since_boot,
            is_synced=lambda: True,
            boot=boot,
        )
        self.buffer = Buffer(folder, Quota(quota))
        self.intake = Intake(0.0)
        self.refused: list[int] = []
        self.packer = Packer(
            "pi", self.intake, self.buffer, Lane(), self.refused.append, clock=self.clock
        )
        self.runner = Runner(
            "s", "scripted", lambda: None,  # type: ignore[arg-type,return-value]  # not run
            intake=self.intake, buffer=self.buffer, clock=self.clock, stopping=Event(),
            changed=lambda: None,
        )  # fmt: skip
        self.packer.start()

    def read(self, value: float) -> Reading:
        """Stamp a reading, and let a second pass."""
        reading = Reading("s/a", self.runner.now_utc(), value)
        self.since_boot += 1_000_000
        return reading

    def emit(self, *readings: Reading, position: str | None = None) -> None:
        self.runner.emit(readings, position)
        eventually(self.intake.is_settled)

    def learn_the_time(self, now_utc: int) -> None:
        self.offset = now_utc - self.since_boot

    def end(self) -> None:
        self.intake.close()
        self.packer.stop(5)
        self.buffer.close()

    def found(self) -> Found:
        """Every reading in a pack, in the order of the packs."""
        packs = self.buffer._store.packs(0, 10**6, most=10**6)
        columns = [decode_columns("pi", pack, received_utc=RIGHT) for _, pack in packs]
        return [
            row
            for c in columns
            for row in zip(c.channels, c.times, c.values, map(str, c.qualities), strict=True)
        ]


def test_readings_before_the_time_is_known_wait_and_then_get_the_right_one(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.emit(machine.read(1.0), machine.read(2.0), position="here")
    assert machine.found() == []
    assert machine.buffer.position("s") == "here"
    assert not machine.buffer.is_empty()
    machine.learn_the_time(RIGHT)
    machine.emit(machine.read(3.0))
    assert machine.found() == [
        ("s/a", RIGHT - 2_000_000, 1.0, "corrected"),
        ("s/a", RIGHT - 1_000_000, 2.0, "corrected"),
        ("s/a", RIGHT, 3.0, "synced"),
    ]
    machine.end()
    assert machine.refused == []


def test_a_clock_set_between_stamping_and_handing_over_is_noticed(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    before = machine.read(1.0)
    machine.offset = 1_400_000_000_000_000  # 2014: wrong again, in another way
    between = machine.read(2.0)
    machine.learn_the_time(RIGHT)
    machine.emit(before, between, machine.read(3.0))
    machine.emit(machine.read(4.0))
    assert sorted(machine.found(), key=lambda row: row[1]) == [
        ("s/a", RIGHT - 2_000_000, 1.0, "corrected"),
        ("s/a", RIGHT - 1_000_000, 2.0, "corrected"),
        ("s/a", RIGHT, 3.0, "synced"),
        ("s/a", RIGHT + 1_000_000, 4.0, "synced"),
    ]
    machine.end()


def test_a_recording_keeps_its_own_times_while_the_clock_is_not_set(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    old = 1_300_000_000_000_000
    machine.emit(Reading("s/a", old, 1.0, quality=ESTIMATED))
    assert machine.found() == [("s/a", old, 1.0, "estimated")]
    machine.end()


def test_readings_of_boots_that_never_knew_the_time_end_before_the_next_one_began(
    tmp_path: Path,
) -> None:
    for boot in ("boot-1", "boot-2"):
        machine = Machine(tmp_path, boot=boot)
        machine.emit(machine.read(1.0), machine.read(2.0))
        machine.end()
    machine = Machine(tmp_path, boot="boot-3")
    machine.learn_the_time(RIGHT)
    machine.emit(machine.read(3.0))
    began = RIGHT - 1_000_000
    assert machine.found() == [
        ("s/a", began - 3_000_000, 1.0, "estimated"),
        ("s/a", began - 2_000_000, 2.0, "estimated"),
        ("s/a", began - 1_000_000, 1.0, "estimated"),
        ("s/a", began, 2.0, "estimated"),
        ("s/a", RIGHT, 3.0, "synced"),
    ]
    machine.end()


def test_an_agent_started_again_in_the_same_boot_corrects_what_waited(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.emit(machine.read(1.0))
    machine.end()
    machine = Machine(tmp_path)
    machine.since_boot = 9_000_000
    machine.learn_the_time(RIGHT)
    machine.emit(machine.read(2.0))
    assert machine.found()[0] == ("s/a", RIGHT - 8_000_000, 1.0, "corrected")
    machine.end()


@pytest.mark.logs_errors
def test_a_buffer_full_of_what_waits_holds_sources_back_until_the_time_is_known(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path, quota=40_000)
    n = 0
    while not machine.packer.problem:
        machine.runner.emit([machine.read(n + i / 7) for i in range(100)])
        n += 100
        eventually(lambda: machine.intake.is_settled() or bool(machine.packer.problem))
    assert "holds all it may" in machine.packer.problem
    assert not machine.intake.is_settled()
    machine.learn_the_time(RIGHT)
    eventually(machine.intake.is_settled)
    machine.emit(machine.read(0.0))
    machine.end()
    assert machine.packer.problem == ""


@pytest.mark.logs_errors
def test_what_waits_and_has_rotted_is_damage(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.emit(machine.read(1.0))
    machine.end()
    with closing(sqlite3.connect(tmp_path / "buffer.sqlite")) as db, db:
        db.execute("UPDATE waiting SET payload = x'780102'")
    buffer = Buffer(tmp_path, Quota(10**8))
    with pytest.raises(EpochBegun):
        buffer.waiting(most=8)
    assert buffer.is_empty()
    buffer.close()


def test_a_reading_that_can_never_travel_does_not_wait(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.emit(machine.read(float("nan")), machine.read(2.0))
    machine.learn_the_time(RIGHT)
    machine.emit(machine.read(3.0))
    assert [value for _, _, value, _ in machine.found()] == [2.0, 3.0]
    assert machine.refused == [1]
    machine.end()


def test_the_status_says_that_the_clock_is_not_set(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    report = Report("1", machine.buffer, machine.clock)
    assert decode_status(report.status("online", "")).clock == "unset"
    machine.learn_the_time(RIGHT)
    assert decode_status(report.status("online", "")).clock == "synced"
    machine.end()


VALUES = st.one_of(
    st.floats(allow_nan=False), st.booleans(), st.text(max_size=9), st.integers(-(10**30), 10**30)
)


@given(
    offset=st.integers(-(10**15), 10**15),
    quality=st.sampled_from(TimeQuality),
    rows=st.lists(st.tuples(st.integers(0, 10**12), VALUES), min_size=1, max_size=9),
)
def test_what_is_kept_comes_back_shifted_and_nothing_else(
    offset: int, quality: TimeQuality, rows: list[tuple[int, float | str | bool]]
) -> None:
    readings = [Reading("s/a", offset + at, value, "Cel") for at, value in rows]
    kept = early.keep("b", offset, quality, readings)
    assert kept.newest == max(at for at, _ in rows)
    [(dated, back)] = early.dated([kept], early.origins([("b", kept.newest)], "b", RIGHT))
    assert dated == (CORRECTED if quality is SYNCED else quality)
    assert [(r.time_utc, r.value, r.unit) for r in back] == [
        (RIGHT + at, value if isinstance(value, str | bool) else float(value), "Cel")
        for at, value in rows
    ]


@given(
    lengths=st.lists(st.integers(-5, 10**12), max_size=6),
    gaps=st.lists(st.integers(0, 10**12), min_size=6, max_size=6),
)
def test_earlier_boots_follow_each_other_and_lie_no_earlier_than_they_were(
    lengths: list[int], gaps: list[int]
) -> None:
    """Were they really at `true`, with gaps between them, each is put at `true` or after."""
    boots = [(str(i), newest) for i, newest in enumerate(lengths)]
    found = early.origins(boots, "now", RIGHT)
    end = true_end = RIGHT
    for (boot, newest), gap in zip(reversed(boots), gaps, strict=False):
        length = max(newest, 0)
        true_end -= gap + length
        assert found[boot].quality is ESTIMATED
        assert found[boot].utc + length == end
        assert found[boot].utc >= true_end
        end = found[boot].utc
