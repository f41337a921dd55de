"""The code by which a device joins, and what comes of it: it arrives, and its readings come."""

from datetime import datetime

from PySide6.QtCore import QByteArray, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontDatabase, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.model.live import Changes
from control_panel.model.newest_table import NewestTable
from control_panel.model.registration import enrol_command
from control_panel.model.things import DeviceLogin, EnrolmentToken, Event
from control_panel.qt import words
from control_panel.qt.forms import primary
from control_panel.qt.inline import Said, heading
from control_panel.qt.marks import Mark
from control_panel.qt.panel import Panel
from control_panel.qt.readings import newest_columns
from control_panel.qt.rows import Rows, Table
from control_panel.qt.texts import tr

_QR = 270


class QrCode(QWidget):
    """A QR code from SVG, drawn in whole pixels; black on white in every scheme, to be read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renderer = QSvgRenderer(self)
        self.setAccessibleName(tr("QR code of the same text"))

    def show_svg(self, svg: str) -> None:
        """Show another one; nothing if the text is empty."""
        self._renderer.load(QByteArray(svg.encode()))
        self.setVisible(bool(svg))
        modules = self._renderer.viewBox().width()
        if modules > 0:  # each module takes the same number of the screen's pixels
            ratio = self.devicePixelRatioF()
            side = modules * max(1, round(_QR * ratio / modules)) / ratio
            self.setFixedSize(round(side), round(side))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor("white"))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            self._renderer.render(painter, QRectF(self.rect()))


class Joining(QWidget):
    """Shows a token with its QR code and command, or a foreign device's login, and waits."""

    finished = Signal(str)
    """Somebody wants to see the device."""
    again = Signal(str)
    """The code is too old; another is wanted."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._name = ""
        self._expires: datetime | None = None
        self._joined = False
        self._enrolled_before: datetime | None = None
        self._newest = NewestTable(panel.live)
        self.said = Said()
        self.title = heading("")
        self.steps = QLabel()
        self.steps.setWordWrap(True)
        self.steps.setTextFormat(Qt.TextFormat.PlainText)
        self.qr = QrCode()
        self.command = _exact(tr("Command to paste on the device"))
        self.copy = primary(QPushButton(tr("Copy")))
        self.copy.setAccessibleName(tr("Copy the command"))
        self.copy.clicked.connect(lambda: self._copy(self.command.text(), self.copy))
        self.left = QLabel()
        self.login = QGridLayout()
        self._mark = Mark("pending")
        self.waiting = QLabel()
        self.waiting.setWordWrap(True)
        self.readings = Table(
            Rows(newest_columns(self._newest, panel.clock, device=False), lambda row: row.key),
            tr("First readings"),
        )
        self.readings.hide()
        self.open = QPushButton(tr("Show the device"))
        self.open.setAccessibleName(self.open.text())
        self.open.clicked.connect(lambda: self.finished.emit(self._name))
        self.renew = QPushButton(tr("New code"))
        self.renew.setAccessibleName(tr("Ask for a new code"))
        self.renew.clicked.connect(lambda: self.again.emit(self._name))
        self.renew.hide()
        self._lay_out()
        self._ends = [
            panel.events.listen(("device",), self._event),
            panel.fleet.listen(self._fleet_changed),
            panel.live.listen(self._heard),
        ]
        self._timer = QTimer(self, interval=1000)
        self._timer.timeout.connect(self._tick)

    def show_token(self, token: EnrolmentToken) -> None:
        """Show what an agent needs, and wait for it."""
        self._begin(token.device, token.expires)
        self.title.setText(tr("{device} is registered. Now let it join.").format(device=self._name))
        steps = [
            tr("1. On the device, install Fieldline's agent (the package fieldline-agent)."),
            tr("2. Open a terminal there, paste this command and press Enter:"),
        ]
        if token.local_only:
            steps.insert(
                0,
                tr("This server is reached from its own machine alone. For other devices, set "
                   "bind in the part [mqtt] of fieldline.toml first."),
            )  # fmt: skip
        self.steps.setText("\n".join(steps))
        self.command.setText(enrol_command(token.text))
        self.command.setCursorPosition(0)
        self.qr.show_svg(token.svg)
        self._show_login({})
        self._tick()

    def show_login(self, login: DeviceLogin) -> None:
        """Show what a device of another make logs in with, once, and wait for it."""
        self._begin(login.device, None)
        self.title.setText(
            tr("{device} is registered. Give it this login.").format(device=self._name)
        )
        self.steps.setText(
            tr("Publish readings over MQTT with TLS. The password is shown only now; copy it.")
        )
        self.command.clear()
        self.qr.show_svg("")
        self._show_login({
            tr("Server"): f"{login.host}:{login.port}", tr("User name"): login.username,
            tr("Password"): login.password, tr("Topic"): login.topic,
            tr("CA certificate"): login.ca,
        })  # fmt: skip
        self._tick()

    def close_down(self) -> None:
        """Wait no more."""
        self._timer.stop()
        for end in self._ends:
            end()

    def has_joined(self) -> bool:
        """Whether the device has arrived."""
        return self._joined

    def _begin(self, name: str, expires: datetime | None) -> None:
        self._name, self._expires, self._joined = name, expires, False
        self._enrolled_before = self._enrolled()
        self._newest = NewestTable(self._panel.live)
        self.readings.rows.columns = tuple(
            newest_columns(self._newest, self._panel.clock, device=False)
        )
        self.readings.show_rows([])
        self.readings.hide()
        self.said.clear()
        self.renew.hide()
        self.command.setVisible(expires is not None)
        self.copy.setVisible(expires is not None)
        self._mark.show_state("pending")
        self.waiting.setText(tr("Waiting for {device} …").format(device=name))
        self.open.setText(tr("Show the device"))
        self._timer.start()

    def _event(self, event: Event) -> None:
        if event.subject == self._name and event.what == "enrolled":
            self._arrive()

    def _fleet_changed(self, names: frozenset[str]) -> None:
        # The event may have been missed: then the list says it, which is asked for anew.
        if self._name in names and self._enrolled() not in {None, self._enrolled_before}:
            self._arrive()

    def _enrolled(self) -> datetime | None:
        device = self._panel.fleet.devices.get(self._name)
        return device.enrolled if device is not None else None

    def _arrive(self) -> None:
        """It has joined; what it measures comes next."""
        if self._joined or self._expires is None:
            return
        self._joined = True
        self._mark.show_state("running")
        self.waiting.setText(
            tr("{device} has joined. Its first readings appear here.").format(device=self._name)
        )
        self.waiting.setAccessibleName(self.waiting.text())
        self.left.setText("")
        self.renew.hide()

    def _heard(self, changes: Changes) -> None:
        mine = [key for key in changes.channels if key[0] == self._name]
        # A device that is to be replaced may still send: of an agent only who has joined counts.
        if not mine or not (self._joined or self._expires is None):
            return
        self._mark.show_state("running")
        self._newest.look(mine)
        rows = self._newest.rows()
        self.readings.show_rows(rows)
        self.readings.show()
        self.waiting.setText(
            tr("{device} is there. Channels: {n}.").format(
                device=self._name, n=words.count(len(rows))
            )
        )

    def _tick(self) -> None:
        self.readings.viewport().update()
        if self._joined or self._expires is None:
            self.left.setText("")
            return
        left_s = (self._expires - self._panel.clock()).total_seconds()
        if left_s > 0:
            self.left.setText(tr("Good once, for another {span}.").format(span=words.span(left_s)))
            return
        self.left.setText(tr("This code is too old."))
        self._mark.show_state("stopped")
        self.waiting.setText(tr("Nobody has come with it."))
        self.renew.show()

    def _show_login(self, facts: dict[str, str]) -> None:
        while (item := self.login.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for number, (name, text) in enumerate(facts.items()):
            field = _exact(name)
            field.setText(text.replace("\n", " ") if text.startswith("-----") else text)
            field.setCursorPosition(0)
            copy = QPushButton(tr("Copy"))
            copy.setAccessibleName(tr("Copy: {what}").format(what=name))
            copy.clicked.connect(
                lambda _=False, text=text, button=copy: self._copy(text, button)
            )  # fmt: skip
            self.login.addWidget(QLabel(name), number, 0)
            self.login.addWidget(field, number, 1)
            self.login.addWidget(copy, number, 2)

    def _copy(self, text: str, button: QPushButton) -> None:
        QGuiApplication.clipboard().setText(text)
        button.setText(tr("Copied"))
        QTimer.singleShot(2000, button, lambda: button.setText(tr("Copy")))

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.addWidget(self.command, 1)
        line.addWidget(self.copy)
        under = QHBoxLayout()
        under.addWidget(self.left)
        under.addWidget(self.renew)
        under.addStretch(1)
        wait = QHBoxLayout()
        wait.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignVCenter)
        wait.addWidget(self.waiting, 1)
        wait.addWidget(self.open)
        texts = QVBoxLayout()
        texts.addWidget(self.title)
        texts.addWidget(self.steps)
        texts.addLayout(line)
        texts.addLayout(under)
        texts.addLayout(self.login)
        texts.addSpacing(12)
        texts.addLayout(wait)
        texts.addStretch(1)
        top = QHBoxLayout()
        top.addLayout(texts, 1)
        top.addSpacing(16)
        top.addWidget(self.qr, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.said)
        column.addLayout(top)
        column.addWidget(self.readings, 1)
        column.addStretch(0)


def enrolment_path(name: str, *, replace: bool) -> str:
    """Return where a code is drawn, for a new device or for one in the place of another."""
    return route("devices", name, "replacement" if replace else "enrolment")


def _exact(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setReadOnly(True)
    field.setAccessibleName(name)
    field.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    return field
