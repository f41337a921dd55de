"""What goes over a connection, in which order, and what a broker's refusal does."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from edge_agent.buffer import Buffer, NewPack, Quota
from edge_agent.sinks.mqtt.link import Acknowledged, Event, Received, Subscribed, Waker
from edge_agent.sinks.mqtt.sender import _Session
from wire import topics
from wire.ranges import RangeSet
from wire.receipt import Receipt, encode_receipt
from wire.topics import Kind


class FakeLink:
    """Takes messages and lets the test answer them."""

    in_flight = 5
    largest = 10_000

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.sent: list[tuple[str, bytes]] = []
        self.events: list[Event] = []
        self.mid = 0

    def subscribe(self, *topics: str) -> None:
        self.asked.append(topics)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        self.sent.append((topic.rpartition("/")[2], payload))
        self.mid += 1
        return self.mid

    def poll(self, timeout: float) -> Iterable[Event]:
        events, self.events = self.events, []
        return events


class FakeReport:
    def version(self) -> int:
        return 0

    def status(self, state: str, reason: str) -> bytes:
        return b"status"

    def substance(self) -> object:
        return 0

    def meta(self) -> bytes:
        return b"meta"


class FakeRemote:
    kinds = (Kind.CMD,)
    revoked = False

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []

    @property
    def has_message(self) -> bool:
        return bool(self.messages)

    def connected(self) -> None: ...

    def take(self, kind: Kind, payload: bytes) -> None: ...

    def next_message(self) -> tuple[str, bytes, bool] | None:
        return self.messages.pop(0) if self.messages else None


def a_session(folder: Path, packs: int) -> tuple[_Session, FakeLink, Buffer, list[int]]:
    buffer, link = Buffer(folder, Quota(10**8)), FakeLink()
    buffer.put([NewPack(1, str(n).encode()) for n in range(packs)], {})
    live: list[int] = []
    epoch = buffer.identity[0]

    def next_live() -> tuple[str, int, bytes] | None:
        return (epoch, live[0], str(live.pop(0)).encode()) if live else None

    session = _Session(link, "pi-7", buffer, FakeReport(), remote=FakeRemote(), next_live=next_live)  # type: ignore[arg-type]
    session.turn()  # says status and meta
    nothing = encode_receipt(Receipt("a", epoch, RangeSet(), RangeSet()))
    link.events = [Acknowledged(mid, 0, "") for mid in range(1, link.mid + 1)]
    link.events.append(Received(topics.receipt("pi-7"), nothing))
    session.turn()
    link.sent.clear()
    return session, link, buffer, live


def test_new_packs_go_before_the_backlog_and_no_more_than_the_broker_takes(tmp_path: Path) -> None:
    session, link, buffer, live = a_session(tmp_path, 20)
    buffer.sent(RangeSet(((18, 19),)))
    live += [18, 19]
    session.turn()
    assert [topic for topic, _ in link.sent] == ["data", "data", "backfill", "backfill", "backfill"]
    session.turn()
    assert len(link.sent) == 5
    buffer.close()


@pytest.mark.parametrize(
    ("code", "words"),
    [(16, "is the bridge running"), (135, "refuses packs"), (151, "refuses packs")],
)
def test_what_the_broker_did_not_take_is_due_again_after_a_pause(
    tmp_path: Path, code: int, words: str
) -> None:
    session, link, buffer, _ = a_session(tmp_path, 3)
    session.turn()
    assert len(link.sent) == 3
    link.events = [Acknowledged(mid, code, "Refused") for mid in range(link.mid - 2, link.mid + 1)]
    session.turn()
    assert buffer.under_way() == 0
    assert words in session.problem
    session.turn()
    assert len(link.sent) == 3, "it waits before it tries again"
    buffer.close()


def test_a_pack_larger_than_the_broker_takes_is_kept_and_the_others_pass(tmp_path: Path) -> None:
    session, link, buffer, _ = a_session(tmp_path, 1)
    buffer.put([NewPack(1, b"x" * 20_000), NewPack(1, b"small")], {})
    session.turn()
    assert [payload for _, payload in link.sent] == [b"0", b"small"]
    assert "more than the broker takes" in session.problem
    assert buffer.is_held(buffer.identity[0], 1)
    buffer.close()


def test_a_topic_that_the_broker_refuses_is_asked_for_again_until_it_is_granted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    session, link, buffer, _ = a_session(tmp_path, 0)
    receipt, command = topics.receipt("pi-7"), f"{topics.ROOT}/pi-7/cmd"
    everything = (receipt, command)
    assert link.asked == [everything]
    link.events = [Subscribed({receipt: "Not authorized", command: "Not authorized"})]
    session.turn()
    assert "refuses to pass on receipts" in session.problem
    session.turn()
    assert link.asked == [everything], "it waits before it asks again"
    now += 1.1
    session.turn()
    assert link.asked == [everything, everything]
    link.events = [Subscribed({command: "Not authorized"})]
    session.turn()
    assert session.problem == ""
    now += 2.1
    session.turn()
    assert link.asked == [everything, everything, (command,)]
    link.events = [Subscribed({})]
    session.turn()
    now += 60
    session.turn()
    assert len(link.asked) == 3
    buffer.close()


def test_who_wakes_what_has_ended_writes_to_nobody_elses_file(tmp_path: Path) -> None:
    waker = Waker()
    waker.wake()
    waker.close()
    with (tmp_path / "other").open("wb", buffering=0) as first, (tmp_path / "b").open("wb") as _:
        waker.wake()
        assert first.tell() == 0
    assert (tmp_path / "other").read_bytes() == b""
