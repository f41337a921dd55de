"""Garbage with Qt's objects in it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from control_panel.qt.collector import Collector


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[Collector]:
    """As in the panel, where Python collected by itself before."""
    gc.enable()
    made = Collector()
    yield made
    made.stop()
    gc.disable()  # as it was


def test_it_is_collected_in_the_windows_thread_alone(collector: Collector, qtbot: QtBot) -> None:
    ended: list[int] = []

    class Knot(QObject):
        def __init__(self) -> None:
            super().__init__()
            self.itself = self

        def __del__(self) -> None:
            ended.append(threading.get_ident())

    def allocate() -> None:
        kept = [[number] for number in range(100_000)]  # Python itself would collect by then
        assert kept

    Knot()
    worker = threading.Thread(target=allocate)
    worker.start()
    worker.join()
    assert ended == []
    qtbot.waitUntil(lambda: bool(ended))
    assert ended == [threading.get_ident()]


def test_afterwards_it_is_as_it_was(qtbot: QtBot) -> None:
    assert not gc.isenabled()
    first = Collector()
    first.stop()
    assert not gc.isenabled()
    gc.enable()
    second = Collector()
    assert not gc.isenabled()
    second.stop()
    assert gc.isenabled()
    gc.disable()
