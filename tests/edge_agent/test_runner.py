from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.buffer import Buffer, Quota
from edge_agent.calibration import calibrated
from edge_agent.clock import Clock
from edge_agent.errors import SourceFailed
from edge_agent.intake import Intake
from edge_agent.runner import Runner
from edge_agent.sources.api import Context, Source
from tests.waiting import eventually
from wire.configuration import Calibration
from wire.reading import Reading, TimeQuality


class Scripted:
    """A source that does one thing after the other, one each time it is run."""

    def __init__(self, *steps: Callable[[Context], None]) -> None:
        self._steps = list(steps)

    def run(self, context: Context) -> None:
        self._steps.pop(0)(context)


def fail(_context: Context) -> None:
    raise SourceFailed("the cable is out", "Plug it in")


def emit(context: Context) -> None:
    context.emit([Reading("s/a", 1_795_400_000_000_000, 1.0)])
    context.count("lines", 2)


def run(tmp_path: Path, source: Source, *, synced: bool = True) -> tuple[Runner, Intake]:
    buffer, intake = Buffer(tmp_path, Quota(10**8)), Intake(1.0)
    runner = Runner(
        "s", "scripted", lambda: source, intake=intake, buffer=buffer,
        clock=Clock(is_synced=lambda: synced), stopping=threading.Event(),
        changed=lambda: None,
    )  # fmt: skip
    runner.start()
    eventually(runner.is_finished)
    assert runner.join(5)
    buffer.close()
    return runner, intake


def test_a_source_that_fails_is_run_again_and_reported(tmp_path: Path) -> None:
    runner, intake = run(tmp_path, Scripted(fail, emit))
    status = runner.status()
    assert (status.state, status.errors, status.readings) == ("finished", 1, 1)
    assert status.counters == {"lines": 2}
    assert len(intake.take(0.0)) == 1


@pytest.mark.logs_errors
def test_an_unexpected_error_is_a_failure_like_others(tmp_path: Path) -> None:
    def crash(_context: Context) -> None:
        raise ZeroDivisionError

    runner, _ = run(tmp_path, Scripted(crash, emit))
    assert runner.status().errors == 1


def test_the_quality_of_the_clock_is_that_of_the_readings(tmp_path: Path) -> None:
    _, intake = run(tmp_path, Scripted(emit), synced=False)
    assert intake.take(0.0)[0].quality is TimeQuality.ESTIMATED


class Ticking:
    """Emits one reading, and then nothing until it is told to end."""

    def __init__(self, value: float) -> None:
        self._value = value

    def run(self, context: Context) -> None:
        context.emit([Reading("s/a", 1_795_400_000_000_000, self._value)])
        context.stopping.wait()


def test_a_source_is_switched_made_anew_and_calibrated_while_the_agent_runs(
    tmp_path: Path,
) -> None:
    buffer, intake, ending = Buffer(tmp_path, Quota(10**8)), Intake(0.0), threading.Event()
    runner = Runner(
        "s", "scripted", lambda: Ticking(1.0), intake=intake, buffer=buffer,
        clock=Clock(is_synced=lambda: True), stopping=ending, changed=lambda: None,
    )  # fmt: skip

    def values() -> list[object]:
        return [reading.value for entry in intake.take(5.0) for reading in entry.readings]

    runner.start()
    assert values() == [1.0]
    runner.switch(on=False)
    eventually(lambda: runner.status().state == "stopped")
    assert runner.status().reason == "switched off"
    assert runner.is_finished()
    runner.calibrate({"s/a": Calibration(factor=2.0, offset=0.5), "s/b": Calibration(3.0)})
    runner.switch(on=True)
    assert values() == [2.5]
    assert (runner.status().state, runner.status().reason) == ("running", "")
    runner.reopen(lambda: Ticking(5.0))
    assert values() == [10.5]
    ending.set()
    runner.stop()
    assert runner.join(5)
    assert runner.status().state == "stopped"
    buffer.close()


def test_what_is_switched_off_while_it_fails_is_off_at_once(tmp_path: Path) -> None:
    buffer, ending = Buffer(tmp_path, Quota(10**8)), threading.Event()
    runner = Runner(
        "s", "scripted", lambda: Scripted(fail), intake=Intake(0.0), buffer=buffer,
        clock=Clock(is_synced=lambda: True), stopping=ending, changed=lambda: None,
    )  # fmt: skip
    runner.start()
    eventually(lambda: runner.status().state == "failing")
    runner.switch(on=False)
    eventually(lambda: runner.status().state == "stopped")
    ending.set()
    runner.stop()
    assert runner.join(5)
    buffer.close()


def test_calibration_leaves_alone_what_is_no_number() -> None:
    readings = [Reading("s/a", 0, "open"), Reading("s/b", 0, value=True), Reading("s/c", 0, 2)]
    table = {f"s/{c}": Calibration(10.0, 1.0) for c in "abc"}
    assert [r.value for r in calibrated(readings, table)] == ["open", True, 21.0]


def test_a_source_that_is_opened_again_goes_on_where_it_was_though_nothing_is_on_disk_yet(
    tmp_path: Path,
) -> None:
    seen: list[str | None] = []

    def walk(context: Context) -> None:
        seen.append(context.position)
        context.emit([Reading("s/a", 1_795_400_000_000_000, 1.0)], position="7")
        raise SourceFailed("once")

    run(tmp_path, Scripted(walk, lambda context: seen.append(context.position)))
    assert seen == [None, "7"]
