"""Notifications of the desktop itself, seen while another program is in front."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from control_panel.qt.icons import fieldline
from control_panel.qt.texts import tr

_SHOWN_MS = 10_000


class Desktop(QObject):
    """Shows notifications by an icon beside the clock, which is there from the first one on.

    Where the desktop has no such place, the window asks for attention in the list of windows.
    """

    opened = Signal()
    """A notification was clicked."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._icon: QSystemTrayIcon | None = None

    def notify(self, title: str, text: str) -> None:
        """Show one."""
        if QSystemTrayIcon.isSystemTrayAvailable():
            icon = self.make()
            icon.showMessage(title, text, fieldline(64), _SHOWN_MS)
        QApplication.alert(self._window)

    def hide(self) -> None:
        """Take the icon away."""
        if self._icon is not None:
            self._icon.hide()
            self._icon.deleteLater()
            self._icon = None

    def make(self) -> QSystemTrayIcon:
        """Return the icon, which is there from now on."""
        if self._icon is not None:
            return self._icon
        icon = self._icon = QSystemTrayIcon(fieldline(64), self)
        icon.setToolTip(tr("Fieldline"))
        icon.messageClicked.connect(self.opened)
        icon.activated.connect(lambda _: self.opened.emit())
        icon.show()
        return icon
