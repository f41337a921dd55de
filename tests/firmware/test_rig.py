"""The rig: a plug that can be pulled, a scenario that can be edited, and what it costs."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.arduino.rig import Rig
from firmware.arduino.rig.control import Control, control_path, tell
from firmware.errors import ControlFailed, NotBuilt, RigStopped
from tests.firmware.monitor import Monitor
from wire.serial_line import Answer, Greeting, Sample
from wire.settings import SettingsRefused


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / ("by-id-" * 20) / "usb-board"  # longer than a socket's path may be


def test_pulling_the_plug_fails_the_open_port_and_takes_its_name_away(
    gas_sketch: Path, link: Path
) -> None:
    with Rig(gas_sketch, link=link) as rig:
        assert rig.port == str(link)
        with Monitor(rig.port) as monitor:
            monitor.wait_for(Sample)
            rig.unplug()
            assert not link.is_symlink()
            with pytest.raises((OSError, EOFError)):
                monitor.wait_for(Greeting)
        rig.plug()
        with Monitor(rig.port) as monitor:
            monitor.send(b"hello\n")
            assert monitor.wait_for(Greeting).sketch == "mq2_air_quality"
            assert monitor.wait_for(Sample).sequence <= 1  # the power was off
    assert not link.is_symlink()


def test_a_scenario_can_be_edited_while_it_plays(gas_sketch: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('[[pin]]\npin = "A3"\nvolts = 1.0\n')
    said: list[str] = []

    def is_near(volts: float) -> Callable[[Sample], bool]:
        return lambda sample: abs((sample.values[4] or 0) - volts) < 0.005

    with Rig(gas_sketch, scenario, tell=said.append) as rig, Monitor(rig.port) as monitor:
        monitor.meet()
        monitor.ask("interval 50")
        monitor.wait_for(Sample, is_near(1.0))
        scenario.write_text('[[pin]]\npin = "A3"\nvolts = 3.0\n')
        monitor.wait_for(Sample, is_near(3.0), 5)
        scenario.write_text('[[pin]]\npin = "A3"\nvolt = 4.0\n')
        eventually(lambda: any("did you mean 'volts'" in text for text in said))
        assert is_near(3.0)(monitor.wait_for(Sample))
        rig.set_voltage("A3", 2.0)
        monitor.wait_for(Sample, is_near(2.0), 5)
        scenario.unlink()  # some editors take a file away for a moment
        scenario.write_text('[[pin]]\npin = "A3"\nvolts = 4.5\n')
        monitor.wait_for(Sample, is_near(4.5), 5)


def test_a_scenario_types_at_the_board(gas_sketch: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('[[type]]\nat_s = 0.5\nline = "interval 70"\n')
    with Rig(gas_sketch, scenario) as rig, Monitor(rig.port) as monitor:
        assert monitor.wait_for(Answer) == Answer("interval", None)
        monitor.send(b"hello\n")
        assert monitor.wait_for(Greeting).interval_ms == 70


def test_a_scenario_with_a_fault_is_refused_at_the_start(gas_sketch: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('[[pin]]\npin = "A9"\nvolts = 1.0\n')
    with pytest.raises(SettingsRefused, match="no pin 'A9'"):
        Rig(gas_sketch, scenario)


def test_a_reader_that_does_not_read_does_not_hold_the_board_up(gas_sketch: Path) -> None:
    said: list[str] = []
    with Rig(gas_sketch, tell=said.append) as rig:
        reader = os.open(rig.port, os.O_RDWR | os.O_NOCTTY)
        rig.garbage(200_000)  # more than a pty holds
        eventually(lambda: any(text.startswith("dropped") for text in said))
        while select.select([reader], [], [], 0)[0]:  # what waited there is of before
            os.read(reader, 4096)
        with Monitor(rig.port) as monitor:
            monitor.meet()
            monitor.ask("interval 50")
            first, began = monitor.wait_for(Sample), time.monotonic()
            last = monitor.wait_for(Sample, lambda s: s.board_ms >= first.board_ms + 500)
            elapsed_ms = (time.monotonic() - began) * 1000
        os.close(reader)
    assert elapsed_ms == pytest.approx(last.board_ms - first.board_ms, abs=100)


def test_nothing_of_before_waits_for_whoever_opens_the_port_later(gas_sketch: Path) -> None:
    with Rig(gas_sketch) as rig:
        with Monitor(rig.port) as monitor:
            monitor.meet()
            monitor.ask("interval 50")
            seen = monitor.wait_for(Sample, lambda sample: sample.sequence >= 5)
        opened = time.monotonic()
        eventually(lambda: time.monotonic() > opened + 0.5)
        with Monitor(rig.port) as monitor:
            assert monitor.wait_for(Sample).board_ms >= seen.board_ms + 400


def test_an_idle_board_uses_little_of_a_core(gas_sketch: Path) -> None:
    """Processor time, not wall time; a board that spun would use all of it."""
    with Rig(gas_sketch) as rig, Monitor(rig.port) as monitor:
        rig.set_voltage("A3", 1.0)
        first, before = monitor.wait_for(Sample), cpu_seconds(rig.pid)
        monitor.wait_for(Sample, lambda sample: sample.board_ms >= first.board_ms + 3000)
        used = cpu_seconds(rig.pid) - before
    assert used < 0.2 * 3


def test_the_control_socket_tells_a_running_rig(gas_sketch: Path, link: Path) -> None:
    with Rig(gas_sketch, link=link) as rig, Control(rig, control_path(link)):
        tell(link, "unplug")
        assert not link.is_symlink()
        tell(link, "plug")
        with Monitor(rig.port) as monitor:
            tell(link, "volts A3 2.5")
            monitor.wait_for(Sample, lambda sample: abs((sample.values[4] or 0) - 2.5) < 0.005)
            tell(link, "type hello")
            monitor.wait_for(Greeting)
            tell(link, "reset")
            monitor.wait_for(Greeting)
        for line in ("jump", "garbage many", "volts A3", "volts A3 9", "level 99 1", ""):
            with pytest.raises(ControlFailed):
                tell(link, line)
    with pytest.raises(ControlFailed, match="no rig answers"):
        tell(link, "reset")


def test_a_simulator_that_ends_is_told_of(gas_sketch: Path) -> None:
    with Rig(gas_sketch) as rig:
        os.kill(rig.pid, 9)
        with pytest.raises(RigStopped):
            rig.wait(60)


def test_what_is_no_sketch_is_refused(gas_sketch: Path, tmp_path: Path) -> None:
    with pytest.raises(NotBuilt, match=r"python -m firmware\.arduino\.build"):
        Rig(tmp_path / "nothing.elf")
    (tmp_path / "text.elf").write_text("no ELF file")
    with pytest.raises(RigStopped, match=r"text\.elf"), Rig(tmp_path / "text.elf"):
        pass


@pytest.fixture
def running(gas_sketch: Path, link: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "firmware.arduino.rig",
         "--sketch", "mq2_air_quality", "--link", str(link)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


def test_the_command_runs_the_sketchs_own_scenario_until_it_is_stopped(
    running: subprocess.Popen[str], link: Path
) -> None:
    eventually(lambda: control_path(link).is_socket(), 30)
    with Monitor(str(link)) as monitor:
        # Warm after 3 s, calibrated 2 s later: readings within seconds of the start.
        sample = monitor.wait_for(Sample, lambda sample: sample.values[0] is not None, 20)
        assert sample.values[3] == pytest.approx(9.83, abs=0.8)
    running.terminate()
    assert running.wait(60) == 0
    assert list(link.parent.iterdir()) == []
