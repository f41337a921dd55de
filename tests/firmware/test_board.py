"""The library on a simulated board: greeting, samples, commands, and what goes wrong."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.arduino.build import build_sketch
from firmware.arduino.rig import Rig
from tests.firmware.monitor import Monitor
from wire.serial_line import Answer, ChannelLine, Greeting, Log, Sample, crc
from wire.units import is_registered


def greeting_of(monitor: Monitor) -> tuple[Greeting, list[ChannelLine]]:
    greeting = monitor.wait_for(Greeting)
    return greeting, [monitor.wait_for(ChannelLine) for _ in range(greeting.channels)]


def test_the_greeting_describes_sketch_and_channels(monitor: Monitor) -> None:
    monitor.send(b"hello\n")
    greeting, channels = greeting_of(monitor)
    assert greeting == Greeting("mq2_air_quality", "1.0", "uno", 1000, 5, True)
    assert [(channel.index, channel.name, channel.unit) for channel in channels] == [
        (0, "co", "ppm"),
        (1, "lpg", "ppm"),
        (2, "smoke", "ppm"),
        (3, "ratio", "/"),
        (4, "voltage", "V"),
    ]
    assert channels[0] == ChannelLine(0, "co", "ppm", 0, 10000, "Carbon monoxide")
    assert channels[3].maximum is None
    assert all(is_registered(channel.unit) for channel in channels)


def test_a_board_greets_and_samples_unasked_after_a_reset(gas_board: Rig, monitor: Monitor) -> None:
    gas_board.reset()
    greeting, _ = greeting_of(monitor)
    assert greeting.running
    assert monitor.wait_for(Sample).sequence == 0


def test_samples_are_numbered_without_gaps_on_a_fixed_grid(monitor: Monitor) -> None:
    assert monitor.ask("interval 50").error is None
    monitor.wait_for(Sample)
    samples = [monitor.wait_for(Sample) for _ in range(40)]
    first = samples[0]
    assert [sample.sequence - first.sequence for sample in samples] == list(range(40))
    # A sample is late by what else the board was doing, but the delays do not add up.
    late = [sample.board_ms - first.board_ms - 50 * n for n, sample in enumerate(samples)]
    assert all(abs(ms) <= 5 for ms in late), late
    assert monitor.refused == []


def test_a_delay_does_not_shift_the_grid(monitor: Monitor) -> None:
    """Greeting takes 25 ms of the 20 that there are."""
    monitor.ask("interval 20")
    first = [monitor.wait_for(Sample) for _ in range(5)][-1]
    for _ in range(5):
        monitor.send(b"hello\n")
        monitor.wait_for(Answer)
    later = [monitor.wait_for(Sample) for _ in range(5)][-1]
    elapsed_ms = later.board_ms - first.board_ms
    assert elapsed_ms % 20 in {0, 1, 2, 18, 19}
    assert elapsed_ms >= 20 * (later.sequence - first.sequence) - 2  # no burst to make up for it


def test_board_milliseconds_keep_pace_with_the_wall_clock(monitor: Monitor) -> None:
    monitor.ask("interval 100")
    monitor.wait_for(Sample)
    begin, began = monitor.wait_for(Sample), time.monotonic()
    end = monitor.wait_for(Sample, lambda sample: sample.board_ms >= begin.board_ms + 4000)
    elapsed_ms = (time.monotonic() - began) * 1000
    assert elapsed_ms == pytest.approx(end.board_ms - begin.board_ms, rel=0.02)


def test_stop_and_start(monitor: Monitor) -> None:
    monitor.ask("interval 50")
    assert monitor.ask("stop") == Answer("stop", None)
    monitor.send(b"hello\n")
    greeting, _ = greeting_of(monitor)
    assert not greeting.running
    monitor.wait_for(Answer)
    with pytest.raises(AssertionError, match="said nothing"):
        monitor.next(0.5)  # ten intervals
    assert monitor.ask("start") == Answer("start", None)
    first = monitor.wait_for(Sample)
    assert monitor.wait_for(Sample).sequence == first.sequence + 1


def test_the_interval_outlives_a_reset(gas_board: Rig, monitor: Monitor) -> None:
    assert monitor.ask("interval 250") == Answer("interval", None)
    gas_board.reset()
    greeting, _ = greeting_of(monitor)
    assert greeting.interval_ms == 250
    first, second = monitor.wait_for(Sample), monitor.wait_for(Sample)
    assert second.board_ms - first.board_ms == pytest.approx(250, abs=30)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"interval 19", "20 to 3600000 ms"),
        (b"interval 3600001", "20 to 3600000 ms"),
        (b"interval 4294967316", "20 to 3600000 ms"),  # 20 modulo 2^32
        (b"interval", "20 to 3600000 ms"),
        (b"interval -50", "20 to 3600000 ms"),
        (b"interval 50 60", "20 to 3600000 ms"),
        (b"interval *100", "the CRC is wrong"),
        (b"hello*0000", "the CRC is wrong"),
        (b"hello*9", "the CRC is wrong"),
        (b"hello*%04x" % crc(b"hello"), "the CRC is wrong"),  # lower case
        (b"hello*%04X0" % crc(b"hello"), "the CRC is wrong"),
        (b"hello world", "no command of this board takes that"),
        (b"Hello", "this board has no such command"),
        (b"h\x80llo", "the line is garbled"),
        (b"\x00", "the line is garbled"),
        (b"x" * 48, "the line is too long"),
        (b"hello" * 300, "the line is too long"),
        (b"\xff" * 300, "the line is too long"),
    ],
)
def test_a_bad_line_is_answered_with_its_error(
    shared_monitor: Monitor, line: bytes, error: str
) -> None:
    shared_monitor.send(line + b"\n")
    assert shared_monitor.wait_for(Answer).error == error
    assert shared_monitor.ask("hello") == Answer("hello", None)


@pytest.fixture(scope="module")
def shared_monitor(gas_sketch: Path) -> Iterator[Monitor]:
    with Rig(gas_sketch) as rig, Monitor(rig.port) as monitor:
        rig.set_voltage("A3", 1.0)
        monitor.meet()
        monitor.ask("stop")
        yield monitor


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\n\r\n"])
def test_every_end_of_line_will_do(shared_monitor: Monitor, end: bytes) -> None:
    shared_monitor.send(b"stop" + end)
    assert shared_monitor.wait_for(Answer) == Answer("stop", None)
    assert shared_monitor.ask("hello") == Answer("hello", None)


def test_every_line_has_a_crc_that_holds(shared_monitor: Monitor) -> None:
    for _ in range(5):
        assert shared_monitor.ask("hello") == Answer("hello", None)
    assert shared_monitor.refused == []
    assert shared_monitor.garbage == 0


def test_a_reset_in_mid_line_costs_that_line_and_no_other(gas_board: Rig, monitor: Monitor) -> None:
    monitor.ask("interval 20")
    for _ in range(10):
        monitor.wait_for(Sample)
        gas_board.reset()
        assert monitor.wait_for(Greeting).sketch == "mq2_air_quality"
        assert monitor.wait_for(Sample).sequence == 0
    # What was cut off runs into the greeting: at worst one line is lost at each reset.
    assert len(monitor.refused) <= 10


def test_noise_on_the_line_is_told_from_lines(gas_board: Rig, monitor: Monitor) -> None:
    monitor.wait_for(Sample)
    gas_board.garbage(500)
    monitor.wait_for(Sample)  # the first line after the noise may be lost with it
    monitor.send(b"hello\n")
    assert monitor.wait_for(Greeting).channels == 5
    assert monitor.garbage > 0


def test_all_counters_and_clocks_may_wrap(rig_binary: Path, tmp_path: Path) -> None:
    """With the clock three seconds before its wrap, and a sensor warm-up across it."""
    folder = Path(__file__).parent / "sketches" / "wraparound"
    sketch = build_sketch(folder, tmp_path)
    assert sketch.warnings == ""
    with Rig(sketch.elf) as rig, Monitor(rig.port) as monitor:
        monitor.meet()
        monitor.ask("interval 100")
        assert monitor.ask("warmup 4").error is None
        monitor.wait_for(Sample)
        samples = [monitor.wait_for(Sample) for _ in range(35)]
        steps = [
            (later.board_ms - sample.board_ms) % 2**32
            for sample, later in itertools.pairwise(samples)
        ]
        assert samples[0].board_ms > 2**31 > samples[-1].board_ms
        assert all(90 <= step <= 110 for step in steps), steps
        assert samples[0].values[1] is None  # warming up
        doors = {s.values[6] for s in samples if (s.board_ms + 3001) % 2**32 <= 4000}
        assert doors == {0}  # it bounces
        monitor.wait_for(Sample, lambda sample: sample.values[6] == 1)
        monitor.wait_for(Log, lambda log: log.text.startswith("calibrated"))
        voltage, ratio, unused, huge, small, negative, _ = monitor.wait_for(Sample).values
    assert voltage == pytest.approx(2.5024, abs=1e-4)  # the middle of the step 512 of 1024
    assert ratio == pytest.approx(9.83, abs=1e-3)
    assert (huge, small, negative) == (None, 0, -12.35)
    assert unused is not None
    assert unused > 1000
