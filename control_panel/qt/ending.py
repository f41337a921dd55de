"""The system and a terminal may ask the panel to end, too: what is remembered is kept then."""

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier

_ASKED_BY = ("SIGTERM", "SIGINT", "SIGHUP")  # not every system has each of them


class Ending(QObject):
    """Has the window's thread end the panel once a signal came.

    Python runs its handlers only when it has the word, which with Qt is some time or other, and
    then in the middle of whatever it does: so a signal is a byte in a socket that Qt waits for.
    """

    def __init__(self, end: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._there.setblocking(False)
        came = QSocketNotifier(self._here.fileno(), QSocketNotifier.Type.Read, self)
        came.activated.connect(lambda: self._asked(end))

    def listen(self) -> None:
        """Take the signals; to be called in the main thread."""
        signal.set_wakeup_fd(self._there.fileno(), warn_on_full_buffer=False)
        for name in _ASKED_BY:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda *_: None)

    def _asked(self, end: Callable[[], object]) -> None:
        self._here.recv(64)
        end()
