"""A board's silence, played without waiting for it."""

from collections import Counter

import pytest

from edge_agent.sources.api import SourceFailed
from edge_agent.sources.arduino import Settings, connection
from edge_agent.sources.arduino.connection import Connection
from tests.edge_agent.sources.fakes import FakeContext
from wire.serial_line import encode_line


class Line:
    """A port whose other end the test writes and reads."""

    path = "/dev/it"

    def __init__(self) -> None:
        self.coming = b""
        self.sent: list[str] = []

    def read(self, seconds: float) -> bytes:
        data, self.coming = self.coming, b""
        return data

    def write(self, data: bytes) -> None:
        self.sent.append(data.partition(b"*")[0].decode())


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    now = Counter({"us": 1_000_000_000})
    monkeypatch.setattr(connection, "_monotonic", lambda: now["us"])
    return now


def test_a_board_that_falls_silent_is_asked_and_then_given_up(now: Counter[str]) -> None:
    line = Line()
    it = Connection(line, Settings("gas"), FakeContext())  # type: ignore[arg-type]
    line.coming = encode_line("F,1,t,1,uno,100,1,1") + encode_line("C,0,co,ppm,,,")
    it.step(0)
    assert line.sent == ["hello"]
    now["us"] += 9_000_000
    it.step(0)
    assert line.sent == ["hello"]
    now["us"] += 2_000_000
    it.step(0)
    assert line.sent == ["hello", "hello"]
    now["us"] += 10_000_000
    with pytest.raises(SourceFailed, match="silent for 21 s"):
        it.step(0)


def test_a_board_with_a_long_interval_is_given_its_time(now: Counter[str]) -> None:
    line = Line()
    it = Connection(line, Settings("gas"), FakeContext())  # type: ignore[arg-type]
    line.coming = encode_line("F,1,t,1,uno,60000,1,1") + encode_line("C,0,co,ppm,,,")
    it.step(0)
    now["us"] += 299_000_000
    it.step(0)
    assert line.sent == ["hello"]


def test_a_command_that_is_never_answered_is_given_up_after_three_times(
    now: Counter[str],
) -> None:
    line, context = Line(), FakeContext()
    it = Connection(line, Settings("gas", interval_ms=50), context)  # type: ignore[arg-type]
    line.coming = encode_line("F,1,t,1,uno,100,1,1") + encode_line("C,0,co,ppm,,,")
    it.step(0)
    for _ in range(5):
        now["us"] += 2_000_000
        line.coming = encode_line("L,1,info,alive")
        it.step(0)
    assert line.sent == ["hello"] + ["interval 50"] * 3
    assert context.counters == {"unanswered_commands": 1}


GREETING = encode_line("F,1,t,1,uno,100,1,1") + encode_line("C,0,co,ppm,,,")
DAMAGED = encode_line("A,?,error,the CRC is wrong")


def test_a_hello_that_came_before_the_board_listened_is_no_fault(now: Counter[str]) -> None:
    line, context = Line(), FakeContext()
    it = Connection(line, Settings("gas", interval_ms=50), context)  # type: ignore[arg-type]
    line.coming = GREETING + DAMAGED
    it.step(0)
    line.coming = encode_line("A,interval,ok")
    it.step(0)
    now["us"] += 3_000_000
    it.step(0)
    assert line.sent == ["hello", "interval 50"]
    assert context.counters == {}


def test_a_command_that_arrived_damaged_is_sent_again_at_once(now: Counter[str]) -> None:
    line, context = Line(), FakeContext()
    it = Connection(line, Settings("gas", interval_ms=50), context)  # type: ignore[arg-type]
    line.coming = GREETING + encode_line("A,hello,ok")
    it.step(0)
    line.coming = DAMAGED
    it.step(0)
    it.step(0)
    assert line.sent == ["hello", "interval 50", "interval 50"]
    line.coming = encode_line("A,interval,ok")
    it.step(0)
    now["us"] += 3_000_000
    it.step(0)
    assert line.sent == ["hello", "interval 50", "interval 50"]
    assert context.counters == {"damaged_commands": 1}


def test_a_line_that_damages_every_command_is_not_flooded(now: Counter[str]) -> None:
    line, context = Line(), FakeContext()
    it = Connection(line, Settings("gas", interval_ms=50), context)  # type: ignore[arg-type]
    line.coming = GREETING + encode_line("A,hello,ok")
    for _ in range(6):
        it.step(0)
        line.coming = DAMAGED
    assert line.sent == ["hello"] + ["interval 50"] * 3
    assert context.counters["unanswered_commands"] == 1
    line.coming = GREETING  # it has started anew, and is told anew
    it.step(0)
    it.step(0)
    assert line.sent[4:] == ["interval 50"]


def test_a_reset_whose_greeting_was_lost_is_followed_by_a_hello(now: Counter[str]) -> None:
    line, context = Line(), FakeContext()
    it = Connection(line, Settings("gas", interval_ms=50), context)  # type: ignore[arg-type]
    line.coming = GREETING + encode_line("A,hello,ok")
    it.step(0)
    line.coming = encode_line("A,interval,ok") + encode_line("S,7,9000,1")
    it.step(0)
    now["us"] += 3_000_000
    line.coming = encode_line("S,0,20,1")
    it.step(0)
    it.step(0)
    assert line.sent == ["hello", "interval 50", "hello"]
    line.coming = GREETING
    it.step(0)
    it.step(0)
    assert line.sent[3:] == ["interval 50"]
