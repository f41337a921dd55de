"""The live view: charts of chosen channels, newest values, raw messages."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QWidget

from control_panel.qt.panel import Panel
from control_panel.qt.tabs import tabbed
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS
from control_panel.qt.views.live.charts import Charts
from control_panel.qt.views.live.messages import MessagesView
from control_panel.qt.views.live.newest import Newest

FRAME_MS = 33


class LiveView(QWidget):
    """Three ways to look at what devices say."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self.charts = Charts(panel)
        self.newest = Newest(panel)
        self.messages = MessagesView(panel)
        self.tabs = tabbed(
            tr("Ways to look at it"),
            (self.charts, tr("Charts")),
            (self.newest, tr("Newest values")),
            (self.messages, tr("Messages")),
        )
        whole = QHBoxLayout(self)
        whole.setContentsMargins(*MARGINS)
        whole.addWidget(self.tabs)
        self._timer = QTimer(self, interval=FRAME_MS)
        self._timer.timeout.connect(self.tick)
        self._timer.start()

    def tick(self) -> None:
        """Let each chart look whether something visible has changed."""
        if self.charts.isVisible():
            self.charts.tick(round(self._panel.clock().timestamp() * 1e6))

    def shown(self) -> None:
        """It comes to the front."""
        self.charts.shown()

    def show_place(self, device: str) -> None:
        """Show the channels of a device."""
        self.newest.filter.setText(device)
        self.messages.filter.setText(device)
        self.tabs.setCurrentWidget(self.charts)
        self.charts.show_device(device)

    def state(self) -> dict[str, Any]:
        """Return what is to be remembered, as plain values."""
        return {**self.charts.state(), "tab": self.tabs.currentIndex()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what was remembered."""
        tab = state.get("tab")
        if isinstance(tab, int) and 0 <= tab < self.tabs.count():
            self.tabs.setCurrentIndex(tab)
        self.charts.restore(state)

    def close_down(self) -> None:
        """Stop the clock, and forget what was listened to."""
        self._timer.stop()
        self.charts.close_down()
        self.newest.close_down()
        self.messages.close_down()
