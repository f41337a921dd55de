"""The view of devices: the table of all of them, the page of one, and what registers new ones."""

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtWidgets import QStackedLayout, QWidget

from control_panel.model.actions import Action
from control_panel.qt.panel import Panel, Place
from control_panel.qt.texts import tr
from control_panel.qt.views.devices.bulk import Bulk
from control_panel.qt.views.devices.page import DevicePage
from control_panel.qt.views.devices.register import Register
from control_panel.qt.views.devices.table import FleetTable

_STATUS = "status:"


class DevicesView(QWidget):
    """One of its parts at a time; `state` and `restore` are what is remembered of it."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self.page: DevicePage | None = None
        self.fleet = FleetTable(panel)
        self.register = Register(panel)
        self.bulk = Bulk(panel)
        self._stack = QStackedLayout(self)
        for part in (self.fleet, self.register, self.bulk):
            self._stack.addWidget(part)
        self.fleet.opened.connect(self.show_place)
        self.fleet.register_one.connect(self.show_register)
        self.fleet.register_many.connect(self.show_bulk)
        self.register.back.connect(self.show_all)
        self.register.opened.connect(self.show_place)
        self.bulk.back.connect(self.show_all)
        self._remove = panel.registry.add(
            Action("devices.register", tr("Register a device"), self._front(self.show_register),
                   role="admin", words=tr("new add token QR code")),
            Action("devices.register-many", tr("Register many devices"),
                   self._front(self.show_bulk), role="admin", words=tr("import CSV bulk")),
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Return what is to be remembered, as plain values."""
        return self.fleet.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what was remembered."""
        self.fleet.restore(state)

    def shown(self) -> None:
        """It comes to the front."""
        self.fleet.refresh()

    def show_place(self, name: str) -> None:
        """Show a device; `status:late` shows all of that status (no device's name has a colon)."""
        if name.startswith(_STATUS):
            self.show_all()
            self.fleet.only([name.removeprefix(_STATUS)])
            return
        if self.page is None or self.page.name != name:
            self._close_page()
            self.page = DevicePage(self._panel, name)
            self.page.back.connect(self.show_all)
            self.page.replace.connect(self._replace)
            self.page.enrol.connect(self._enrol)
            self._stack.addWidget(self.page)
        self._stack.setCurrentWidget(self.page)
        self.page.tabs.tabBar().setFocus()

    def show_all(self) -> None:
        """Show the table; the device that was open is selected."""
        name = self.page.name if self.page is not None else None
        self._stack.setCurrentWidget(self.fleet)
        self._close_page()
        if name is not None:
            self.fleet.table.choose(name)
        self.fleet.table.setFocus()

    def show_register(self) -> None:
        """Show what registers a device."""
        self._stack.setCurrentWidget(self.register)
        self.register.begin()

    def show_bulk(self) -> None:
        """Show what registers many."""
        self._stack.setCurrentWidget(self.bulk)
        self.bulk.begin()
        self.bulk.choose.setFocus()

    def close_down(self) -> None:
        """Listen no more."""
        self._remove()
        self._close_page()
        self.register.close_down()
        self.fleet.close_down()

    def _front(self, show: Callable[[], None]) -> Callable[[], None]:
        def act() -> None:
            self._panel.goto(Place("devices"))
            show()

        return act

    def _replace(self, name: str) -> None:
        self._stack.setCurrentWidget(self.register)
        self.register.replace(name)

    def _enrol(self, name: str) -> None:
        self._stack.setCurrentWidget(self.register)
        self.register.invite(name)

    def _close_page(self) -> None:
        if self.page is not None:
            self._stack.removeWidget(self.page)
            self.page.close_down()
            self.page.deleteLater()
            self.page = None
