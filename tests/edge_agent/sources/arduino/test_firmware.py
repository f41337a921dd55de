"""The source against the real firmware in a simulated microcontroller."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from edge_agent.sources.api import Board, Channel, Identifiable, SourceFailed
from edge_agent.sources.arduino import Settings, source
from edge_agent.sources.arduino import open as open_source
from firmware.arduino.build import SKETCHES, build_rig, build_sketch
from firmware.arduino.rig import Rig
from tests.edge_agent.sources.fakes import FakeContext, running


@pytest.fixture(scope="module")
def sketch() -> Path:
    build_rig()
    return build_sketch(SKETCHES / "environment").elf


@pytest.fixture
def rig(sketch: Path, tmp_path: Path) -> Iterator[Rig]:
    with Rig(sketch, link=tmp_path / "by-id" / "usb-board") as rig:
        rig.set_voltage("A0", 2.5)
        rig.set_voltage("A1", 1.25)
        rig.set_voltage("VCC", 5.0)
        rig.set_level("2", high=True)
        yield rig


def test_a_board_says_what_it_measures_and_measures_it(rig: Rig) -> None:
    context = FakeContext()
    with running(open_source(Settings("room", rig.port, interval_ms=50)), context) as run:
        run.until(lambda: len(context.values("room/temperature")) >= 20)
        rig.set_voltage("A1", 2.5)
        run.until(lambda: 49 < context.values("room/light")[-1] < 51)  # type: ignore[operator]
    assert context.board is not None
    assert context.board == Board("environment", "1.0", context.board.board)
    assert context.channels["room/temperature"] == Channel(
        "room/temperature", "Temperature", "Cel", -40, 125
    )
    # 10 kOhm at 25 degrees below 10 kOhm: half the supply.
    assert context.values("room/temperature")[-1] == pytest.approx(25, abs=0.5)
    assert context.values("room/door")[-1] == 1.0
    assert context.values("room/supply")[-1] == pytest.approx(5.0, abs=0.1)
    assert context.counters == {}
    times = context.times("room/temperature")
    assert times == sorted(set(times))
    # After the interval was set: 50 ms by the board, whatever the machine's other work.
    gaps = [b - a for a, b in pairwise(times[-12:])]
    assert sum(gaps) / len(gaps) == pytest.approx(50_000, rel=0.2)


def test_a_reset_is_counted_and_the_interval_is_set_again(rig: Rig) -> None:
    context = FakeContext()
    with running(open_source(Settings("room", rig.port, interval_ms=50)), context) as run:
        run.until(lambda: len(context.values("room/door")) >= 10)
        rig.reset()
        run.until(lambda: context.counters["resets"])
        seen = len(context.values("room/door"))
        run.until(lambda: len(context.values("room/door")) >= seen + 10)
    assert context.counters["resets"] == 1
    times = context.times("room/door")
    assert times == sorted(set(times))


def test_noise_on_the_line_is_counted_and_reading_goes_on(rig: Rig) -> None:
    context = FakeContext()
    with running(open_source(Settings("room", rig.port, interval_ms=50)), context) as run:
        run.until(lambda: len(context.values("room/door")) >= 5)
        rig.garbage(200)
        run.until(lambda: context.counters)
        seen = len(context.values("room/door"))
        run.until(lambda: len(context.values("room/door")) >= seen + 5)
    assert set(context.counters) <= {"garbage", "bad_crc", "bad_fields", "lost_lines"}
    assert {r.value for r in context.readings if r.channel == "room/door"} == {1.0}


def test_a_board_that_was_unplugged_is_read_again_when_it_is_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "BY_ID", Path(rig.port).parent)
    context = FakeContext()
    with running(open_source(Settings("room")), context) as run:
        run.until(lambda: context.readings)
        rig.unplug()
        failure = run.ended()
    assert isinstance(failure, SourceFailed)
    assert "unplugged" in failure.reason

    without = FakeContext()
    with pytest.raises(SourceFailed, match="no serial port"):
        open_source(Settings("room")).run(without)

    rig.plug()
    again = FakeContext()
    with running(open_source(Settings("room")), again) as run:
        run.until(lambda: again.readings)
    assert set(again.channels) == set(context.channels)


def test_a_board_blinks_for_ten_seconds_and_measures_on(sketch: Path, tmp_path: Path) -> None:
    said: list[str] = []
    context = FakeContext()
    with Rig(sketch, link=tmp_path / "by-id" / "usb-board", tell=said.append) as rig:
        source_of_board = open_source(Settings("room", rig.port, interval_ms=50))
        assert isinstance(source_of_board, Identifiable)
        with pytest.raises(SourceFailed, match="no board"):
            source_of_board.identify()
        with running(source_of_board, context) as run:
            run.until(lambda: context.readings)
            source_of_board.identify()
            run.until(lambda: said.count("led on") >= 4)
            seen = len(context.readings)
            run.until(lambda: len(context.readings) > seen + 20)
            run.until(lambda: said.count("led on") >= 20, seconds=30)
            run.until(lambda: said[-1] == "led off")
            seen = len(context.readings)
            run.until(lambda: len(context.readings) > seen + 60)
    assert said.count("led on") == 20
