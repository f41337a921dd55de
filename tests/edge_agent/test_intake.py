from __future__ import annotations

import threading

from edge_agent.intake import EARLY, FULL, Entry, Intake
from tests.waiting import eventually
from wire.reading import Reading, TimeQuality


def entry(n: int = 1) -> Entry:
    return Entry("s", [Reading("c", 1, 1.0)] * n, TimeQuality.SYNCED, None)


def never() -> bool:
    return False


def test_what_comes_after_a_pause_is_due_at_once_and_the_rest_in_groups() -> None:
    now = [100.0]
    intake = Intake(1.0, monotonic=lambda: now[0])
    intake.put(entry(), give_up=never)
    assert len(intake.take(0.0)) == 1
    intake.put(entry(), give_up=never)
    now[0] += 0.9
    assert intake.take(0.0) == []
    intake.put(entry(), give_up=never)
    now[0] += 0.1
    assert len(intake.take(0.0)) == 2


def test_much_is_due_early() -> None:
    now = [100.0]
    intake = Intake(1.0, monotonic=lambda: now[0])
    intake.put(entry(), give_up=never)
    intake.take(0.0)
    intake.put(entry(EARLY), give_up=never)
    assert len(intake.take(0.0)) == 1


def test_a_source_waits_while_there_is_no_room_and_may_give_up() -> None:
    intake = Intake(60.0)
    intake.put(entry(), give_up=never)
    intake.take(0.0)
    intake.put(entry(FULL), give_up=never)
    assert not intake.put(entry(), give_up=lambda: True)
    taken: list[bool] = []
    waiting = threading.Thread(target=lambda: taken.append(intake.put(entry(), give_up=never)))
    waiting.start()
    assert not taken
    intake.take(0.0)
    eventually(lambda: taken == [True])
    waiting.join()


def test_it_is_settled_only_when_what_was_taken_is_done() -> None:
    intake = Intake(1.0)
    intake.put(entry(), give_up=never)
    assert not intake.is_settled()
    intake.take(0.0)
    assert not intake.is_settled()
    intake.done()
    assert intake.is_settled()
