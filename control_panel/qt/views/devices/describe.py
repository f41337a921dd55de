"""What people say of a device: label, site and place; as fields, and as what edits them."""

from typing import Any

from PySide6.QtCore import QLocale, Signal
from PySide6.QtWidgets import (
    QCompleter,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from control_panel.client.api import route
from control_panel.client.errors import ClientError, Refused
from control_panel.model.registration import text_fault
from control_panel.model.things import Device
from control_panel.qt.inline import Said
from control_panel.qt.panel import Panel
from control_panel.qt.texts import tr


class Fields(QWidget):
    """Label, site, latitude and longitude; `fault` says in words what cannot be."""

    changed = Signal()

    def __init__(self, sites: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = _field(tr("Label"), tr("how people call it, for example “Boiler room”"))
        self.site = _field(tr("Site"), tr("for example “Hall 2”"))
        self.site.setCompleter(QCompleter(sites, self))
        self.latitude = _field(tr("Latitude"), tr("degrees, -90 to 90"))
        self.longitude = _field(tr("Longitude"), tr("degrees, -180 to 180"))
        place = QHBoxLayout()
        place.setContentsMargins(0, 0, 0, 0)
        place.addWidget(self.latitude)
        place.addWidget(self.longitude)
        self.form = QFormLayout(self)
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.addRow(tr("Label"), self.label)
        self.form.addRow(tr("Site"), self.site)
        self.form.addRow(tr("Place"), place)
        for field in (self.label, self.site, self.latitude, self.longitude):
            field.textChanged.connect(lambda _: self.changed.emit())

    def show_device(self, device: Device) -> None:
        """Show what is said of a device now."""
        locale = QLocale()
        self.label.setText(device.label)
        self.site.setText(device.site)
        for field, value in (
            (self.latitude, device.latitude),
            (self.longitude, device.longitude),
        ):
            field.setText("" if value is None else locale.toString(value, "g", 10))

    def fault(self) -> str:
        """Return what is wrong; empty: nothing."""
        for name, field in ((tr("Label"), self.label), (tr("Site"), self.site)):
            match text_fault(field.text()):
                case "long":
                    return tr("{field}: at most 128 characters.").format(field=name)
                case "unseen":
                    return tr("{field}: only characters that can be seen.").format(field=name)
        for name, field, most in (
            (tr("Latitude"), self.latitude, 90),
            (tr("Longitude"), self.longitude, 180),
        ):
            if field.text().strip() and degrees(field.text(), most) is None:
                return tr("{field}: a number from -{most} to {most}.").format(field=name, most=most)
        if bool(self.latitude.text().strip()) != bool(self.longitude.text().strip()):
            return tr("Latitude and longitude go together.")
        return ""

    def said(self) -> dict[str, Any]:
        """Return it as the API takes it."""
        return {
            "label": self.label.text().strip(),
            "site": self.site.text().strip(),
            "latitude": degrees(self.latitude.text(), 90),
            "longitude": degrees(self.longitude.text(), 180),
        }


def degrees(text: str, most: float) -> float | None:
    """Return degrees as the user's locale, or everybody's, writes them; None if they are none."""
    text = text.strip().removesuffix("°").strip().replace("−", "-")  # noqa: RUF001 -- as pasted
    for locale in (QLocale(), QLocale.c()):
        value, good = locale.toDouble(text)
        if good and abs(value) <= most:
            return float(value)
    return None


class Describe(QFrame):
    """Edits what is said of a device."""

    done = Signal()

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._panel = panel
        self._device: Device | None = None
        self.said = Said()
        self.fields = Fields(panel.fleet.sites())
        self.fields.changed.connect(self._judge)
        self.fault = QLabel()
        self.save = QPushButton(tr("Save"))
        self.save.setAccessibleName(tr("Save label, site and place"))
        self.save.clicked.connect(self._save)
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setAccessibleName(tr("Cancel"))
        self.cancel.clicked.connect(self.done)
        for field in (self.fields.label, self.fields.site):
            field.returnPressed.connect(self._save)
        buttons = QHBoxLayout()
        buttons.addWidget(self.save)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.fault, 1)
        column = QVBoxLayout(self)
        column.addWidget(self.said)
        column.addWidget(self.fields)
        column.addLayout(buttons)

    def edit(self, device: Device) -> None:
        """Begin with what is said now."""
        self._device = device
        self.said.clear()
        self.fields.show_device(device)
        self.fields.label.setFocus()

    def _judge(self) -> None:
        fault = self.fields.fault()
        self.fault.setText(fault)
        self.save.setEnabled(not fault)

    def _save(self) -> None:
        device = self._device
        if device is None or self.fields.fault():
            return
        said, panel = self.fields.said(), self._panel
        before = {key: getattr(device, key) for key in said}

        def saved(now: Device) -> None:
            panel.fleet.take([now])
            panel.history.add(
                tr("{device} was described anew").format(device=now.name),
                lambda: _take_back(panel, now.name, before, self.said),
            )
            self.done.emit()

        def failed(error: ClientError) -> None:
            if isinstance(error, Refused) and error.changed_meanwhile:
                now = panel.fleet.devices.get(device.name)
                self.said.say(
                    tr("Somebody else has changed this meanwhile; nothing was saved."), "warning"
                )
                self._device = now or device
            else:
                self.said.fail(error)

        path = route("devices", device.name)
        panel.door.ask(
            lambda: panel.api.put(path, Device, said, seen=device.version), saved, failed, self
        )


def _take_back(panel: Panel, name: str, before: dict[str, Any], said: Said) -> None:
    path = route("devices", name)

    def put_back() -> Device:
        now = panel.api.get(path, Device)
        return panel.api.put(path, Device, before, seen=now.version)

    def failed(error: ClientError) -> None:
        if isValid(said):
            said.fail(error)

    panel.door.ask(put_back, lambda now: panel.fleet.take([now]), failed, panel.door)


def _field(name: str, example: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(example)
    field.setMaximumWidth(420)
    return field
