"""A panel against the real API: what a view is given, with events and workers, and no window."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QAccessible, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from control_panel.client.api import Api as Client
from control_panel.client.events import Events
from control_panel.client.inbox import Inbox
from control_panel.model.actions import Registry
from control_panel.model.broadcast import Broadcast
from control_panel.model.fleet import Fleet
from control_panel.model.history import History
from control_panel.model.live import Live
from control_panel.model.places import Place
from control_panel.qt.dashboards import Dashboards
from control_panel.qt.door import Door
from control_panel.qt.panel import Panel
from control_panel.qt.theme import DARK, dress, palette_of
from tests.cloud.control.api import Api


class Rig(QObject):
    """One person's panel; `places` are those that views have led to."""

    def __init__(self, api: Api, role: str = "admin", token: str = "", url: str = "") -> None:
        super().__init__()
        self.ahead = timedelta()
        """By how much the panel's clock is ahead."""
        ca = api.certificates.ca.read_text()
        self.client = Client(url or api.url, ca, token or api.local_token)
        self.places: list[Place] = []
        door = Door(self)
        self.panel = Panel(
            api=self.client, live=Live(), fleet=Fleet(), events=Broadcast(),
            registry=Registry(role), history=History(), door=door,
            dashboards=Dashboards(self.client, door),
            clock=lambda: datetime.now(UTC) + self.ahead, goto=self.places.append, role=role,
        )  # fmt: skip
        self._inbox = Inbox()
        self._events: Events | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._drain)

    def listen(self) -> None:
        """Hear the API's events from now on."""
        self._events = Events(self.client, self._inbox)
        self._events.start()
        self._timer.start(30)

    def close(self) -> None:
        """End."""
        self._timer.stop()
        if self._events is not None:
            self._events.stop()
        self.panel.door.close(5)
        self.client.close()

    def _drain(self) -> None:
        taken = self._inbox.take()
        if taken.look_anew:
            self.panel.events.look_anew()
        for event in taken.events:
            self.panel.events.tell(event)


def dark() -> QPalette:
    """A dark palette."""
    return palette_of(DARK)


def nameless(widget: QWidget) -> list[str]:
    """Return what can have the focus and says nothing to who cannot see it."""
    found = []
    for one in widget.findChildren(QWidget):
        if one.focusPolicy() == Qt.FocusPolicy.NoFocus or not one.isVisibleTo(widget):
            continue
        if one.objectName().startswith("qt_"):
            continue
        if not QAccessible.queryAccessibleInterface(one).text(QAccessible.Text.Name):
            found.append(f"{type(one).__name__} in {type(one.parentWidget()).__name__}")
    return found


def picture(widget: QWidget, name: str) -> None:
    """Save how a widget looks, if FIELDLINE_PICTURES names a folder for that."""
    folder = os.environ.get("FIELDLINE_PICTURES")
    if not folder:
        return
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for scheme in ("dark", "light"):
        dress(app, scheme)
        app.processEvents()
        widget.grab().save(str(Path(folder) / f"{name}-{scheme}.png"))
    app.setStyleSheet("")
