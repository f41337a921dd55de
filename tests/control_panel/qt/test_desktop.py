"""Notifications of the desktop."""

from __future__ import annotations

from PySide6.QtWidgets import QSystemTrayIcon, QWidget
from pytestqt.qtbot import QtBot

from control_panel.qt.desktop import Desktop


def test_the_icon_is_there_from_the_first_notification_on_and_leads_to_the_alerts(
    qtbot: QtBot,
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    desktop = Desktop(window)
    assert window.findChildren(QSystemTrayIcon) == []
    desktop.notify("gas fires", "pi-1 gas/co: 86.8")
    icons = window.findChildren(QSystemTrayIcon)
    # The virtual screen has no place for icons, a desktop does.
    assert len(icons) == int(QSystemTrayIcon.isSystemTrayAvailable())
    icon = desktop.make()
    with qtbot.waitSignal(desktop.opened, timeout=1000):
        icon.messageClicked.emit()
    desktop.hide()
    qtbot.waitUntil(lambda: window.findChildren(QSystemTrayIcon) == [])
