"""Work that leaves the window's thread, and its answers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from control_panel.client.errors import ClientError, NotReached
from control_panel.qt.door import Door


@pytest.fixture
def door(qtbot: QtBot) -> Iterator[Door]:
    made = Door()
    yield made
    assert made.close(5)


def test_an_answer_comes_back_into_the_windows_thread(door: Door, qtbot: QtBot) -> None:
    here, worked, came = threading.get_ident(), list[int](), list[tuple[int, int]]()

    def work() -> int:
        worked.append(threading.get_ident())
        return 7

    def failed(error: ClientError) -> None:
        raise AssertionError(error)

    door.ask(work, lambda answer: came.append((answer, threading.get_ident())), failed, door)
    qtbot.waitUntil(lambda: bool(came))
    assert came == [(7, here)]
    assert worked != [here]


def test_what_the_server_refuses_is_told_as_it_was_said(door: Door, qtbot: QtBot) -> None:
    failures: list[ClientError] = []

    def work() -> None:
        raise NotReached("nobody answers", "Start it")

    door.ask(work, lambda _: failures.clear(), failures.append, door)
    qtbot.waitUntil(lambda: bool(failures))
    assert (failures[0].said, failures[0].fix) == ("nobody answers", "Start it")


def test_an_answer_for_a_view_that_is_gone_is_dropped(door: Door, qtbot: QtBot) -> None:
    going, gone, came = threading.Event(), QObject(), list[str]()
    door.ask(lambda: going.wait(5), lambda _: came.append("gone"), lambda _: None, gone)
    with qtbot.waitSignal(gone.destroyed, timeout=5000):
        gone.deleteLater()
    going.set()
    door.ask(lambda: None, lambda _: came.append("there"), lambda _: None, door)
    qtbot.waitUntil(lambda: bool(came))
    assert came == ["there"]


def test_a_fault_of_ours_is_reported(
    door: Door, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: reported.append(kind))

    def work() -> None:
        raise ZeroDivisionError

    door.ask(work, lambda _: None, lambda _: None, door)
    qtbot.waitUntil(lambda: bool(reported))
    assert reported == [ZeroDivisionError]


def test_after_its_end_nothing_is_asked_or_answered(qtbot: QtBot) -> None:
    door, came, going = Door(), list[int](), threading.Event()
    door.ask(lambda: going.wait(5), lambda _: came.append(1), lambda _: None, door)
    going.set()
    assert door.close(5)
    door.ask(lambda: None, lambda _: came.append(2), lambda _: None, door)
    qtbot.wait(0)
    assert came == []


def test_what_a_question_holds_is_let_go_of_in_the_windows_thread(door: Door, qtbot: QtBot) -> None:
    let_go: list[int] = []

    class Held:
        def __del__(self) -> None:
            let_go.append(threading.get_ident())

    def ask() -> None:
        held, owner = Held(), QObject(door)
        door.ask(lambda: held, lambda _, it=held: None, lambda _: None, owner)  # type: ignore[misc]

    for number in range(1, 200):
        ask()
        qtbot.waitUntil(lambda number=number: len(let_go) == number)  # type: ignore[misc]
    assert set(let_go) == {threading.get_ident()}
