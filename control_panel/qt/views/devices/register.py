"""Registers a device: its name and place, then the code by which it joins."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.client.errors import ClientError, Refused
from control_panel.model.registration import name_fault, name_fault_words
from control_panel.model.things import EnrolmentToken, Registered
from control_panel.qt.forms import primary
from control_panel.qt.inline import Said, heading
from control_panel.qt.panel import Panel
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS
from control_panel.qt.views.devices.describe import Fields
from control_panel.qt.views.devices.joining import Joining, enrolment_path


class Register(QWidget):
    """Two steps; Escape leads back."""

    back = Signal()
    opened = Signal(str)

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self.said = Said()
        self.name = QLineEdit()
        self.name.setAccessibleName(tr("Name"))
        self.name.setPlaceholderText(tr("for example pi-7"))
        self.name.setMaximumWidth(420)
        self.name.textChanged.connect(self._judge)
        self.name.returnPressed.connect(self._register)
        self.fault = QLabel()
        self.fault.setWordWrap(True)
        self.agent = QRadioButton(tr("A computer that runs Fieldline's agent, such as a Pi"))
        self.foreign = QRadioButton(tr("A device of another make that speaks MQTT itself"))
        self.agent.setChecked(True)
        kinds = QButtonGroup(self)
        kinds.addButton(self.agent)
        kinds.addButton(self.foreign)
        self.fields = Fields(panel.fleet.sites())
        self.fields.changed.connect(self._judge)
        self.register = primary(QPushButton(tr("Register")))
        self.register.setAccessibleName(tr("Register the device"))
        self.register.setDefault(True)
        self.register.clicked.connect(self._register)
        self.joining = Joining(panel)
        self.joining.finished.connect(self.opened)
        self.joining.again.connect(self.draw)
        self._replaces: set[str] = set()
        self._lay_out()
        self._judge()

    def begin(self) -> None:
        """Begin with empty fields."""
        self.said.clear()
        for field in (self.name, self.fields.label, self.fields.site, self.fields.latitude,
                      self.fields.longitude):  # fmt: skip
            field.clear()
        self.agent.setChecked(True)
        self._stack.setCurrentIndex(0)
        self.name.setFocus()

    def replace(self, name: str) -> None:
        """Draw a code for a device that takes the place of another."""
        self._replaces.add(name)
        self.draw(name)

    def invite(self, name: str) -> None:
        """Draw a code for a device that was registered and has not joined."""
        self._replaces.discard(name)
        self.draw(name)

    def draw(self, name: str) -> None:
        """Draw a code, of the same sort as before."""
        self.said.clear()
        path = enrolment_path(name, replace=name in self._replaces)
        self._panel.door.ask(
            partial(self._panel.api.post, path, EnrolmentToken),
            self._show_token,
            self.said.fail,
            self,
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leads back."""
        if event.key() == Qt.Key.Key_Escape:
            self.back.emit()
        else:
            super().keyPressEvent(event)

    def close_down(self) -> None:
        """Wait no more."""
        self.joining.close_down()

    def _lay_out(self) -> None:
        back = QPushButton(tr("← All devices"))
        back.setAccessibleName(tr("Back to all devices"))
        back.clicked.connect(self.back)
        top = QHBoxLayout()
        top.addWidget(back)
        top.addSpacing(8)
        top.addWidget(heading(tr("Register a device")))
        top.addStretch(1)
        first = QWidget()
        form = self.fields.form
        name = QVBoxLayout()
        name.addWidget(self.name)
        name.addWidget(self.fault)
        form.insertRow(0, tr("Name"), name)
        kinds = QVBoxLayout()
        kinds.addWidget(self.agent)
        kinds.addWidget(self.foreign)
        form.insertRow(1, tr("Kind"), kinds)
        hint = QLabel(
            tr("The name is the device's identity, in its topics and its history; it never "
               "changes. The label can be changed at any time.")
        )  # fmt: skip
        hint.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.register)
        buttons.addStretch(1)
        inner = QVBoxLayout(first)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(hint)
        inner.addSpacing(8)
        inner.addWidget(self.fields)
        inner.addLayout(buttons)
        inner.addStretch(1)
        self._stack = QStackedLayout()
        self._stack.addWidget(first)
        self._stack.addWidget(self.joining)
        column = QVBoxLayout(self)
        column.setContentsMargins(*MARGINS)
        column.addLayout(top)
        column.addWidget(self.said)
        column.addLayout(self._stack, 1)

    def _judge(self, _: str = "") -> None:
        taken = dict.fromkeys(self._panel.fleet.devices)
        fault = name_fault(self.name.text().strip(), taken)
        place = self.fields.fault()
        text = "" if fault is None or fault.why == "empty" else _capital(name_fault_words(fault))
        self.fault.setText(text or place)
        self.fault.setAccessibleName(self.fault.text())
        self.register.setEnabled(fault is None and not place)

    def _register(self) -> None:
        if not self.register.isEnabled():
            return
        kind = "foreign" if self.foreign.isChecked() else "agent"
        name = self.name.text().strip()
        asked = {"name": name, "kind": kind, **self.fields.said()}
        api = self._panel.api

        def register() -> tuple[Registered, EnrolmentToken | None]:
            made = api.post(route("devices"), Registered, asked)
            if made.login is not None:
                return made, None
            return made, api.post(enrolment_path(name, replace=False), EnrolmentToken)

        self.register.setEnabled(False)
        self._panel.door.ask(register, self._registered, self._failed, self)

    def _registered(self, answer: tuple[Registered, EnrolmentToken | None]) -> None:
        made, token = answer
        self.said.clear()
        self._panel.fleet.take([made.device])
        self._replaces.discard(made.device.name)
        if made.login is not None:
            self.joining.show_login(made.login)
            self._stack.setCurrentIndex(1)
        elif token is not None:
            self._show_token(token)

    def _show_token(self, token: EnrolmentToken) -> None:
        self.joining.show_token(token)
        self._stack.setCurrentIndex(1)
        self.joining.copy.setFocus()

    def _failed(self, error: ClientError) -> None:
        self.said.fail(error)
        self._judge()
        if isinstance(error, Refused) and error.status == 409:
            self.name.setFocus()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
