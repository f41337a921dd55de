"""Whether the window's thread was ever busy for long, and whether anything stood in the way."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

BEAT_MS = 10
Answer = TypeVar("Answer")


class Beat(QObject):
    """A timer in the window's thread that measures how late it is, from its making to `stop`.

    What the thread waited for a processor that other programs had is taken off (Linux tells it,
    sched-stats(7)): a busy machine is no fault of the window's.
    """

    def __init__(self, qtbot: QtBot) -> None:
        super().__init__()
        self.longest_ms = 0.0
        self.modal = ""
        self._qtbot = qtbot
        self._waits = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        self._timer = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._last: tuple[float, float] | None = None
        self._timer.start()

    def begin(self) -> None:
        """Forget what was measured so far."""
        self.longest_ms, self._last = 0.0, None

    def stop(self) -> None:
        """Measure no more."""
        self._timer.stop()
        os.close(self._waits)

    def meanwhile(self, work: Callable[[], Answer], within_s: float = 60) -> Answer:
        """Do in another thread what would hold up the window's, while the window goes on."""
        with ThreadPoolExecutor(1) as pool:
            doing = pool.submit(work)
            self._qtbot.waitUntil(doing.done, timeout=round(within_s * 1000))
            return doing.result()

    def until(self, condition: Callable[[], object], within_s: float = 20) -> None:
        """Let the window go on until that is so."""
        self._qtbot.waitUntil(lambda: bool(condition()), timeout=round(within_s * 1000))

    def _beat(self) -> None:
        now, waited = time.perf_counter(), self._waited()
        if self._last is not None:
            late = now - self._last[0] - BEAT_MS / 1000 - (waited - self._last[1])
            self.longest_ms = max(self.longest_ms, late * 1000)
        self._last = now, waited
        modal = QApplication.activeModalWidget()
        if modal is not None:
            self.modal = modal.windowTitle() or type(modal).__name__

    def _waited(self) -> float:
        return int(os.pread(self._waits, 100, 0).split()[1]) / 1e9
