from pathlib import Path

from cloud.control.pipeline.logs import ErrorCount, tail


def test_the_tail_is_what_was_said_last(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"".join(b"line %d\n" % n for n in range(200_000)) + b"\x1b[31mred \xff\n")
    assert tail(log, 2) == ["line 199999", "·[31mred \N{REPLACEMENT CHARACTER}"]
    assert len(tail(log, 1000)) == 1000


def test_lines_that_report_an_error_are_counted_for_an_hour(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("2026 ERROR before\n")
    count = ErrorCount(log)
    assert count.look(0) == 0
    with log.open("a") as file:
        file.write('x ERROR one ERROR\nfine\n17: Error: two\n{"level":"CRITICAL"}\nFATAL half')
        file.flush()
        assert count.look(10) == 3
        file.write(" a line\nan error in small letters\n")
    assert count.look(20) == 4
    assert count.look(3611) == 1
    assert count.look(3621) == 0


def test_a_rotated_log_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("ok\n" * 100)
    count = ErrorCount(log)
    count.look(0)
    log.rename(tmp_path / "x.log.1")
    assert count.look(1) == 0
    log.write_text("ERROR\n")
    assert count.look(2) == 1
