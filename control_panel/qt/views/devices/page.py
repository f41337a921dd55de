"""One device: how it is, what it measures, what it should do, what was done with it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from control_panel.client.api import route
from control_panel.client.errors import ClientError
from control_panel.model.actions import may
from control_panel.model.places import Place
from control_panel.model.things import Device, Event, Revoked
from control_panel.qt import words
from control_panel.qt.dashboards import DashboardButton
from control_panel.qt.inline import Confirmation, Said
from control_panel.qt.marks import Mark
from control_panel.qt.panel import Panel
from control_panel.qt.sentences import heard
from control_panel.qt.statuses import MARKS, status_word
from control_panel.qt.tabs import tabbed
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS
from control_panel.qt.views.devices import wording
from control_panel.qt.views.devices.channels import Channels
from control_panel.qt.views.devices.commands import Commands
from control_panel.qt.views.devices.configuration import ConfigurationOf
from control_panel.qt.views.devices.describe import Describe
from control_panel.qt.views.devices.past import Audit, StatusHistory

_REFRESH_MS = 1_000
_DASHBOARD_SPAN = timedelta(hours=6)


class DevicePage(QWidget):
    """The page of a device, as long as it is open."""

    back = Signal()
    replace = Signal(str)
    """Another device is to take its place."""
    enrol = Signal(str)
    """It was registered and has not joined; a new code is wanted."""

    def __init__(self, panel: Panel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self.name = name
        self._back = QPushButton(tr("← All devices"))
        self._back.setAccessibleName(tr("Back to all devices"))
        self._back.clicked.connect(self.back)
        self.title = QLabel()
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * 1.4)
        font.setBold(True)
        self.title.setFont(font)
        self.title.setWordWrap(True)
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._mark = Mark()
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.said = Said()
        self.confirmation = Confirmation()
        self.confirmation.confirmed.connect(self._revoke)
        self.describe = Describe(panel)
        self.describe.hide()
        self.describe.done.connect(self.describe.hide)
        self._edit = self._button(tr("Edit …"), self._describe)
        self._code = self._button(tr("Join …"), lambda: self.enrol.emit(name))
        self._replace = self._button(tr("Replace …"), lambda: self.replace.emit(name))
        self._revoking = self._button(tr("Revoke …"), self._ask_revoke)
        self._restoring = self._button(tr("Restore"), self._restore)
        self._live = QPushButton(tr("Show live"))
        self._live.setAccessibleName(tr("Show this device's channels as charts"))
        self._live.clicked.connect(lambda: panel.goto(Place("live", name)))
        self._dashboard = DashboardButton(panel.dashboards, tr("Dashboard"), self._open_dashboard)
        self._dashboard.setAccessibleName(tr("Open this device's dashboard in Grafana"))
        self.channels = Channels(panel, name)
        self.configuration = ConfigurationOf(panel, name)
        self.commands = Commands(panel, name)
        self.history = StatusHistory(panel, name)
        self.audit = Audit(panel, name)
        self._parts = (
            self.channels, self.configuration, self.commands, self.history, self.audit,
        )  # fmt: skip
        titles = tr("Channels"), tr("What it should do"), tr("Commands"), tr("Status"), tr("Audit")
        self.tabs = tabbed(tr("Parts of the page"), *zip(self._parts, titles, strict=True))
        self.tabs.currentChanged.connect(self._turned)
        self._lay_out()
        self._ends = [
            panel.fleet.listen(self._fleet_changed),
            panel.events.listen(("device", "command", "configuration"), self._event),
        ]
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self._show()
        self._turned()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leads back."""
        if event.key() == Qt.Key.Key_Escape:
            self.back.emit()
        else:
            super().keyPressEvent(event)

    def close_down(self) -> None:
        """Listen no more."""
        self._timer.stop()
        for end in self._ends:
            end()
        for part in self._parts:
            part.close_down()

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.addWidget(self._back)
        first.addSpacing(8)
        first.addWidget(self.title, 1)
        for button in (self._live, self._dashboard, self._edit, self._code, self._replace,
                       self._revoking, self._restoring):  # fmt: skip
            first.addWidget(button)
        second = QHBoxLayout()
        second.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignVCenter)
        second.addWidget(self.status, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(*MARGINS)
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(self.about)
        column.addWidget(self.said)
        column.addWidget(self.confirmation)
        column.addWidget(self.describe)
        column.addWidget(self.tabs, 1)

    def _button(self, text: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text)
        button.clicked.connect(act)
        if not may(self._panel.role, "admin"):
            button.setEnabled(False)
            button.setToolTip(wording.need(self._panel.role, "admin"))
        return button

    def _device(self) -> Device | None:
        return self._panel.fleet.devices.get(self.name)

    def _show(self) -> None:
        device = self._device()
        if device is None or device.state == "gone":
            known = self._panel.fleet.known
            self.title.setText(self.name)
            self._mark.show_state("over")
            self.status.setText(
                tr("There is no such device.") if known else tr("Asking the server …")
            )
            for button in (self._edit, self._code, self._replace, self._revoking, self._restoring):
                button.hide()
            return
        self.title.setText(f"{device.label} ({self.name})" if device.label else self.name)
        self._mark.show_state(MARKS.get(device.status, "over"))
        state = status_word(device.status)
        why = heard(device.status_reason)
        self.status.setText(f"{state}: {why}" if why else state)
        self.about.setText("   ·   ".join(self._facts(device)))
        revoked, agent = device.state == "revoked", device.kind == "agent"
        self._edit.setVisible(not revoked)
        self._code.setVisible(device.state == "registered" and agent)
        self._replace.setVisible(device.state == "enrolled" and agent)
        self._revoking.setVisible(device.state == "enrolled")
        self._restoring.setVisible(revoked)

    def _facts(self, device: Device) -> list[str]:
        facts = [device.site] if device.site else []
        if device.latitude is not None and device.longitude is not None:
            facts.append(f"{words.number(device.latitude)}°, {words.number(device.longitude)}°")
        if device.kind == "foreign":
            facts.append(tr("a device of another make"))
        if device.last_seen is not None:
            age = (self._panel.clock() - device.last_seen).total_seconds()
            facts.append(tr("last seen {ago}").format(ago=words.ago(age)))
        if device.restorable_until is not None:
            until = words.moment(device.restorable_until)
            facts.append(tr("can be restored until {moment}").format(moment=until))
        return facts

    def _open_dashboard(self) -> None:
        """Open it, at the channel that is chosen if one is."""
        now = self._panel.clock()
        key = self.channels.channels.chosen() if self.channels.isVisible() else None
        channel = key[1] if isinstance(key, tuple) else ""
        self._panel.dashboards.open_device(self.name, now - _DASHBOARD_SPAN, now, channel)

    def _turned(self, _: int = 0) -> None:
        part = self._parts[self.tabs.currentIndex()]
        part.ask()
        part.refresh()

    def _tick(self) -> None:
        if self.isVisible():
            self._parts[self.tabs.currentIndex()].refresh()

    def _fleet_changed(self, names: frozenset[str]) -> None:
        if self.name in names:
            self._show()

    def _event(self, event: Event) -> None:
        if event.subject in {self.name, ""}:
            self._turned()

    def _describe(self) -> None:
        device = self._device()
        if device is not None:
            self.describe.edit(device)
            self.describe.show()

    def _ask_revoke(self) -> None:
        self.confirmation.ask(
            tr("Revoke {device}?").format(device=self.name),
            [
                tr("It is told to stop, and cannot send any more; what it holds stays on it."),
                tr("Its history stays. For 30 days it can be restored as it was."),
            ],
            tr("Revoke"),
        )

    def _revoke(self) -> None:
        path, name = route("devices", self.name, "revocation"), self.name

        def revoked(what: Revoked) -> None:
            self._panel.fleet.take([what.device])
            told = (
                tr("{device} is revoked, and has been told.")
                if what.told
                else tr("{device} is revoked; it is away, and finds out when it comes back.")
            )
            self.said.say(told.format(device=name), "good")
            self._panel.history.add(
                tr("{device} was revoked").format(device=name), self._restore
            )  # fmt: skip

        self._panel.door.ask(
            partial(self._panel.api.post, path, Revoked, {"reason": ""}),
            revoked,
            self.said.fail,
            self,
        )

    def _restore(self) -> None:
        # The undo may come when the page is closed long since: the door outlives it.
        panel, name = self._panel, self.name
        path = route("devices", name, "revocation")

        def restored() -> Device:
            panel.api.delete(path)
            return panel.api.get(route("devices", name), Device)

        def done(device: Device) -> None:
            panel.fleet.take([device])

        panel.door.ask(restored, done, self._not_restored, panel.door)
        if isValid(self.said):
            self.said.clear()

    def _not_restored(self, error: ClientError) -> None:
        if isValid(self.said):
            self.said.fail(error)
