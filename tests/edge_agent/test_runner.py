from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.buffer import Buffer, Quota
from edge_agent.clock import Clock
from edge_agent.errors import SourceFailed
from edge_agent.intake import Intake
from edge_agent.runner import Runner
from edge_agent.sources.api import Context, Source
from tests.waiting import eventually
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
