"""The view of boards: on devices, and on this computer."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from control_panel.qt.panel import Panel
from control_panel.qt.tabs import tabbed
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS
from control_panel.qt.views.boards.here import OnThisComputer
from control_panel.qt.views.boards.on_devices import OnDevices


class BoardsView(QWidget):
    """Two tabs."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.on_devices = OnDevices(panel)
        self.here = OnThisComputer(panel)
        self.tabs = tabbed(
            tr("Where boards are"),
            (self.on_devices, tr("On devices")),
            (self.here, tr("On this computer")),
        )
        whole = QVBoxLayout(self)
        whole.setContentsMargins(*MARGINS)
        whole.addWidget(self.tabs)

    def shown(self) -> None:
        """Look at what is there now."""
        self.on_devices.refresh()
        self.here.look_for_ports()

    def show_place(self, device: str) -> None:
        """Show the boards of a device."""
        self.tabs.setCurrentWidget(self.on_devices)
        self.on_devices.filter.setText(device)

    def close_down(self) -> None:
        """Give the port free, and listen no more."""
        self.on_devices.close_down()
        self.here.close_down()
