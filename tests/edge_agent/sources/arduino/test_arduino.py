"""The source against a board that the test plays on a pty."""

import fcntl
import os
import stat
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.sources.api import Board, Channel, SourceFailed
from edge_agent.sources.arduino import Settings, source
from edge_agent.sources.arduino import open as open_source
from edge_agent.sources.arduino.port import Port
from tests.edge_agent.sources.arduino.bench import BoardOnPty
from tests.edge_agent.sources.fakes import FakeContext, Running, running
from wire.serial_line import encode_line

CO = "co,ppm,0,1000,Carbon monoxide"
TEMPERATURE = "temperature,Cel,,,"


@pytest.fixture
def board() -> Iterator[BoardOnPty]:
    board = BoardOnPty()
    yield board
    board.close()


@pytest.fixture
def context() -> FakeContext:
    return FakeContext()


@pytest.fixture
def run(board: BoardOnPty, context: FakeContext) -> Iterator[Running]:
    with running(open_source(Settings("gas", board.port)), context) as run:
        run.until(lambda: board.heard("hello"))
        yield run


def greeted(run: Running, board: BoardOnPty, *channels: str) -> None:
    board.greet(*(channels or (CO,)))
    run.until(lambda: len(run.context.channels) == max(len(channels), 1))


def test_a_board_is_described_as_it_describes_itself(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board, CO, TEMPERATURE)
    assert list(context.channels.values()) == [
        Channel("gas/co", "Carbon monoxide", "ppm", 0, 1000),
        Channel("gas/temperature", "", "Cel"),
    ]
    assert context.board == Board("test", "1.0", "uno")


def test_a_sample_becomes_a_reading_a_value_and_an_empty_one_none(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board, CO, TEMPERATURE)
    before = context.now_utc()
    board.line("S,0,100,1.5,")
    board.line("S,1,200,2.5,21")
    run.until(lambda: len(context.readings) == 3)
    assert context.values("gas/co") == [1.5, 2.5]
    assert context.values("gas/temperature") == [21.0]
    assert {r.unit for r in context.readings} == {"ppm", "Cel"}
    first, second = context.times("gas/co")
    assert before - 1000 <= first < second <= context.now_utc()


def test_lines_that_are_missing_are_counted(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board)
    for sequence in (5, 6, 9, 10):
        board.line(f"S,{sequence},{sequence * 100},1")
    run.until(lambda: len(context.readings) == 4)
    assert context.counters == {"lost_lines": 2}


def test_sequence_and_milliseconds_may_run_over(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board)
    board.line(f"S,{2**32 - 1},{2**32 - 50},1")
    board.line("S,0,50,2")
    run.until(lambda: len(context.readings) == 2)
    assert not context.counters
    first, second = context.times("gas/co")
    assert first < second <= context.now_utc()


def test_damage_is_counted_and_what_follows_is_read(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board)
    board.line("S,0,100,1")
    board.write(encode_line("S,1,200,2").replace(b",2*", b",3*"))
    board.write(b"\xff\xfe\x00 noise\n")
    board.write(b"S,1,2")
    board.line("S,2,300,3")
    board.write(b"12.5\n")
    board.line("S,3,400,4")
    run.until(lambda: 4.0 in context.values("gas/co"))
    assert context.values("gas/co") == [1.0, 4.0]
    assert context.counters == {"bad_crc": 2, "garbage": 2, "lost_lines": 2}


def test_a_reset_in_mid_line_is_counted_and_its_lost_lines_too(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board)
    for sequence in range(10):
        board.line(f"S,{sequence},{60_000 + sequence * 100},1")
    board.write(b"S,10,610")
    board.greet(CO)
    board.line("S,2,300,7")
    run.until(lambda: 7.0 in context.values("gas/co"))
    assert context.counters == {"bad_crc": 1, "resets": 1, "lost_lines": 2}
    times = context.times("gas/co")
    assert times == sorted(set(times))
    assert times[-1] <= context.now_utc()


def test_a_reset_that_the_numbers_do_not_show_is_known_by_the_greeting(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board)
    board.line("S,0,100,1")
    board.greet(CO)
    board.line("S,3,500,2")
    run.until(lambda: len(context.readings) == 2)
    assert context.counters == {"resets": 1, "lost_lines": 3}


def test_a_reset_of_which_only_the_milliseconds_tell_is_counted(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board)
    board.line("S,3,60000,1")
    board.line("S,5,500,2")
    run.until(lambda: len(context.readings) == 2)
    assert context.counters == {"resets": 1, "lost_lines": 5}


def test_samples_that_come_before_the_description_wait_for_it(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    board.line("S,40,4000,1")
    board.line("S,41,4100,1,2,3")
    greeted(run, board)
    board.line("S,42,4200,2")
    run.until(lambda: len(context.readings) == 2)
    assert context.values("gas/co") == [1.0, 2.0]
    assert context.counters == {"unnamed_samples": 1}


def test_a_description_of_which_a_line_was_lost_is_asked_for_again(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    board.line("F,1,test,1.0,uno,100,2,1")
    board.line(f"C,0,{CO}")
    run.until(lambda: board.listen().count("hello") >= 2)
    greeted(run, board, CO, TEMPERATURE)


def test_a_unit_that_nobody_knows_is_kept_and_noted(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board, "wind,knots,0,100,Wind")
    assert context.channels["gas/wind"].unit == "knots"
    assert context.counters == {"unknown_units": 1}


def test_a_board_that_rests_is_started(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    board.greet(CO, running=0)
    run.until(lambda: board.heard("start"))
    board.line("A,start,ok")


def test_a_board_is_told_its_interval_until_it_answers(
    board: BoardOnPty, context: FakeContext
) -> None:
    with running(open_source(Settings("gas", board.port, interval_ms=250)), context) as run:
        run.until(lambda: board.heard("hello"))
        board.greet(CO, interval=1000)
        run.until(lambda: board.listen().count("interval 250") == 2)
        board.line("A,interval,ok")
        board.line("S,0,100,1")
        run.until(lambda: context.readings)
    assert not context.counters


def test_a_board_that_has_its_interval_already_is_not_told(
    board: BoardOnPty, context: FakeContext
) -> None:
    with running(open_source(Settings("gas", board.port, interval_ms=250)), context) as run:
        run.until(lambda: board.heard("hello"))
        board.greet(CO, interval=250)
        board.line("S,0,100,1")
        run.until(lambda: context.readings)
    assert set(board.listen()) == {"hello"}


def test_a_command_that_is_refused_is_counted(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    board.greet(CO, running=0)
    run.until(lambda: board.heard("start"))
    board.line("A,start,error,too hot")
    run.until(lambda: context.counters["refused_commands"])


def test_unplugging_is_a_failure_that_says_so(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board)
    board.let_go()
    board.unplug()
    failure = run.ended()
    assert isinstance(failure, SourceFailed)
    assert "unplugged" in failure.reason


def test_the_wall_clock_being_set_moves_times_and_nothing_else(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    greeted(run, board)
    board.line("S,0,100,1")
    run.until(lambda: len(context.readings) == 1)
    context.clock_offset = 86_400_000_000
    board.line("S,1,101,1")
    run.until(lambda: len(context.readings) == 2)
    first, second = context.times("gas/co")
    assert 86_399_000_000 < second - first < 86_410_000_000
    assert not context.counters


def test_what_a_sketch_without_the_library_prints_is_read(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    board.write(b"9.5\n")  # may be the tail of 19.5
    board.write(b"Humidity: 55.0 %, Temperature: 24.5 \xc2\xb0C\n")
    board.write(b'{"door": {"open": true}}\nhello world\n')
    run.until(lambda: context.counters["words"])
    assert context.values("gas/Humidity") == [55.0]
    assert context.values("gas/Temperature") == [24.5]
    assert context.values("gas/door/open") == [True]
    assert context.channels["gas/Temperature"].unit == "Cel"
    assert len(context.readings) == 3


def test_a_board_found_in_the_middle_of_its_lines_is_not_taken_for_a_sketch(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    board.line("S,7,700,1")
    board.write(b"8,800\n")
    greeted(run, board)
    board.line("S,9,900,2")
    run.until(lambda: len(context.readings) == 2)
    assert context.values("gas/co") == [1.0, 2.0]
    assert context.counters == {"garbage": 1, "lost_lines": 1}


def test_noise_alone_is_a_failure_that_names_the_speed(
    run: Running, board: BoardOnPty, context: FakeContext
) -> None:
    board.write(b"\x00\xf8\x80\n" * 150)
    failure = run.ended()
    assert isinstance(failure, SourceFailed)
    assert "baud" in failure.advice


@pytest.mark.parametrize("how", ["TIOCEXCL", "lock"])
def test_a_port_that_another_program_holds_is_refused(
    how: str, board: BoardOnPty, context: FakeContext
) -> None:
    other = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    try:
        if how == "TIOCEXCL":
            fcntl.ioctl(other, termios.TIOCEXCL)
        else:
            fcntl.flock(other, fcntl.LOCK_EX)
        with running(open_source(Settings("gas", board.port)), context) as run:
            failure = run.ended(5)
        assert isinstance(failure, SourceFailed)
        assert "another program has" in failure.reason
    finally:
        os.close(other)


def test_a_port_is_free_again_when_its_holder_was_killed(board: BoardOnPty) -> None:
    """A pty outlives whoever had it open, and so would an exclusive mode set on it."""
    holds = "import sys, time; from edge_agent.sources.arduino.port import Port; "
    holds += "port = Port(sys.argv[1], 115200); print('open', flush=True); time.sleep(600)"
    killed = subprocess.Popen(
        [sys.executable, "-c", holds, board.port], stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    with killed.stdout as said:
        assert said.readline() == "open\n"
        with pytest.raises(SourceFailed, match="another program"):
            Port(board.port, 115_200)
        killed.kill()
        killed.wait()
    Port(board.port, 115_200).close()


def test_what_is_no_serial_port_is_refused(tmp_path: Path, context: FakeContext) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceFailed, match="is no serial port"):
        open_source(Settings("gas", str(tmp_path / "file"))).run(context)


def test_without_permission_it_says_which_group(
    board: BoardOnPty, context: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Played, because tests may run as root, whom no permission stops."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    assert stat.S_ISCHR(Path(board.port).stat().st_mode)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(SourceFailed, match="group dialout"):
            open_source(Settings("gas", board.port)).run(context)


def test_auto_takes_the_port_that_answers(
    board: BoardOnPty, context: FakeContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "usb-board").symlink_to(board.port)
    monkeypatch.setattr(source, "BY_ID", tmp_path)
    with running(open_source(Settings("gas")), context) as run:
        run.until(lambda: board.heard("hello"))
        greeted(run, board)
        board.line("S,0,100,1")
        run.until(lambda: context.readings)


def test_auto_reads_no_port_that_does_not_answer_and_says_what_it_tried(
    board: BoardOnPty, context: FakeContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "usb-other").symlink_to(board.port)
    monkeypatch.setattr(source, "BY_ID", tmp_path)
    monkeypatch.setattr(source, "_BOOT_S", 0.5)
    with running(open_source(Settings("gas")), context) as run:
        board.write(b"first\n12.5\n13.5\n")
        failure = run.ended()
    assert isinstance(failure, SourceFailed)
    assert "usb-other did not answer" in failure.reason
    assert not context.readings


def test_auto_without_any_port_says_to_plug_the_board_in(
    context: FakeContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "BY_ID", tmp_path)
    with pytest.raises(SourceFailed, match="Plug the board in"):
        open_source(Settings("gas")).run(context)
