"""One instance a person: a second start brings the first window to the front."""

import hashlib
import os
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_WITHIN_MS = 500
_RAISE = b"raise\n"


class Single(QObject):
    """Holds the name by which a second start finds the first."""

    def __init__(self, folder: str, parent: QObject | None = None) -> None:
        """`folder` is where this person's settings are: one instance for each."""
        super().__init__(parent)
        word = f"{getattr(os, 'getuid', lambda: 0)()} {folder}"
        self.name = f"fieldline-panel-{hashlib.sha256(word.encode()).hexdigest()[:16]}"
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._raise: Callable[[], None] = lambda: None
        self._server.newConnection.connect(self._asked)

    def is_first(self) -> bool:
        """Whether no other runs; one that does is told to come to the front."""
        other = QLocalSocket()
        other.connectToServer(self.name)
        if other.waitForConnected(_WITHIN_MS):
            other.write(_RAISE)
            other.waitForBytesWritten(_WITHIN_MS)
            other.disconnectFromServer()
            return False
        # Nobody answers: what is left there is of one that was killed.
        QLocalServer.removeServer(self.name)
        self._server.listen(self.name)
        return True

    def when_asked(self, bring_to_front: Callable[[], None]) -> None:
        """Call this when somebody starts the panel again."""
        self._raise = bring_to_front

    def _asked(self) -> None:
        while (asking := self._server.nextPendingConnection()) is not None:
            asking.disconnected.connect(asking.deleteLater)
            self._raise()
