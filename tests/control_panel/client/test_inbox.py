"""What is heard until the window takes it in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from control_panel.client.inbox import EVENTS, Heard, Inbox, Link
from control_panel.model.things import Event


def heard(number: int, size: int = 1) -> Heard:
    return Heard("pi", "data", b"x" * size, number)


def test_what_is_taken_is_gone() -> None:
    inbox = Inbox()
    inbox.hear(heard(1))
    inbox.tell(Event(kind="device"))
    inbox.link(Link("live", up=False))
    inbox.link(Link("live", up=True))
    inbox.missed()
    taken = inbox.take()
    assert taken.messages == [heard(1)]
    assert taken.events == [Event(kind="device")]
    assert taken.links == [Link("live", up=True)]
    assert taken.look_anew
    assert inbox.take() == ([], [], [], 0, False)


@given(st.lists(st.integers(0, 50)))
def test_the_newest_stay_within_the_room_and_the_others_are_counted(sizes: list[int]) -> None:
    inbox = Inbox(messages=10, octets=100)
    for number, size in enumerate(sizes):
        inbox.hear(heard(number, size))
    taken = inbox.take()
    assert len(taken.messages) + taken.dropped == len(sizes)
    assert len(taken.messages) <= 10
    assert sum(len(one.payload) for one in taken.messages) <= 100
    kept = [one.received_utc for one in taken.messages]
    assert kept == list(range(len(sizes)))[len(sizes) - len(kept) :]


def test_too_many_events_are_one_word_to_look_anew() -> None:
    inbox = Inbox()
    for number in range(EVENTS + 1):
        inbox.tell(Event(kind="device", number=number))
    taken = inbox.take()
    assert len(taken.events) == EVENTS
    assert taken.look_anew
