"""Cyclic garbage is collected in the window's thread alone.

Python collects in whichever thread happens to allocate. If that is a worker, Qt's objects in the
garbage are destroyed in it, with their timers and connections in the window's: Qt forbids that.
"""

import gc

from PySide6.QtCore import QObject, QTimer

_OFTEN_MS = 1000
_ALL_EVERY = 60


class Collector(QObject):
    """Collects once a second what is young, once a minute everything; Python itself no more."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._times = 0
        self._timer = QTimer(self, interval=_OFTEN_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect, now."""
        self._times += 1
        gc.collect(1 if self._times % _ALL_EVERY else 2)

    def stop(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        if self._was_enabled:
            gc.enable()
