"""The serial monitor with a simulated board: the compiled sketch behind a pty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from control_panel.client.serial_monitor import PortFailed, SerialMonitor
from control_panel.model.boards import Talk
from firmware.arduino.build import SKETCHES, build_rig, build_sketch
from firmware.arduino.rig import Rig
from tests.waiting import eventually
from wire.serial_line import Answer


@pytest.fixture
def board() -> Iterator[Rig]:
    """An Uno with the gas sketch."""
    build_rig()
    with Rig(build_sketch(SKETCHES / "mq2_air_quality").elf) as rig:
        rig.set_voltage("A3", 1.0)
        yield rig


def failure(monitor: SerialMonitor) -> PortFailed:
    """Why it has ended, once it has."""
    eventually(lambda: not monitor.take().is_open and monitor.join(0), what="its end")
    failed = monitor.take().failed
    assert failed is not None
    return failed


def test_a_board_is_heard_and_told(board: Rig) -> None:
    monitor, talk = SerialMonitor(board.port), Talk()

    def hear() -> Talk:
        for line in monitor.take().lines:
            talk.hear(line)
        return talk

    def greeted() -> bool:
        monitor.send("hello")  # what a board is told in its first moments is lost
        return hear().greeting is not None

    eventually(greeted, what="the greeting")
    eventually(lambda: len(hear().channels) == 5 and talk.samples > 1, what="channels, samples")
    assert talk.greeting is not None
    assert talk.greeting.sketch == "mq2_air_quality"
    monitor.send("interval 100")
    eventually(
        lambda: Answer("interval", None) in [said.line for said in hear().lines], what="its answer"
    )
    with pytest.raises(PortFailed, match="does not fit"):
        monitor.send("x" * 300)
    second = SerialMonitor(board.port)
    assert "another program" in failure(second).said
    board.unplug()
    assert "has gone" in failure(monitor).said


def test_a_port_that_is_free_again_can_be_opened(board: Rig) -> None:
    first = SerialMonitor(board.port)
    eventually(lambda: first.take().is_open, what="it is open")
    first.close()
    assert first.join(5)
    second = SerialMonitor(board.port)
    eventually(lambda: second.take().is_open, what="it is open again")
    second.close()
    assert second.join(5)


def test_what_is_no_port_says_so(tmp_path: Path) -> None:
    monitor = SerialMonitor(str(tmp_path / "nothing"))
    assert "plugged in" in failure(monitor).fix
