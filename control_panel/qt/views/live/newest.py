"""A plain table of newest values, for those who want no chart."""

from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from control_panel.client.api import route
from control_panel.model.live import Changes, Key
from control_panel.model.newest_table import NewestTable
from control_panel.model.things import Channel
from control_panel.qt import words
from control_panel.qt.inline import Said
from control_panel.qt.panel import Panel, Place
from control_panel.qt.readings import newest_columns
from control_panel.qt.rows import Rows, Table
from control_panel.qt.texts import tr

_REFRESH_MS = 500


class Newest(QWidget):
    """All channels of all devices; Enter opens the device of one."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._newest = NewestTable(panel.live)
        self._changed: set[Key] = {*panel.live.newest, *panel.live.described}
        self.said = Said()
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Filter by device, channel, label or unit"))
        self.filter.setAccessibleName(tr("Filter newest values"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(460)
        self.filter.textChanged.connect(lambda _: self._show())
        self.count = QLabel()
        above = QHBoxLayout()
        above.addWidget(self.filter, 1)
        above.addStretch(1)
        above.addWidget(self.count)
        self.table = Table(
            Rows(newest_columns(self._newest, panel.clock, device=True), lambda row: row.key),
            tr("Newest values"),
        )
        self.table.opened.connect(self._open)
        self.empty = QLabel()
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        column = QVBoxLayout(self)
        column.addLayout(above)
        column.addWidget(self.said)
        column.addWidget(self.table, 1)
        column.addWidget(self.empty, 1)
        self._end = panel.live.listen(self._heard)
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self._show()

    def refresh(self) -> None:
        """Show what has come; ages grow also when nothing comes."""
        if self.isVisible():
            if self._changed:
                self._newest.look(self._changed)
                self._changed.clear()
                self._show()
            self.table.viewport().update()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what is stored of channels that are silent now."""
        super().showEvent(event)
        self._panel.door.ask(
            partial(self._panel.api.every, route("channels"), Channel),
            self._stored,
            self.said.fail,
            self,
        )
        self.refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape empties the filter."""
        if event.key() == Qt.Key.Key_Escape and self.filter.text():
            self.filter.clear()
        else:
            super().keyPressEvent(event)

    def close_down(self) -> None:
        """Listen no more."""
        self._timer.stop()
        self._end()

    def _heard(self, changes: Changes) -> None:
        self._changed |= changes.channels | changes.added

    def _stored(self, channels: list[Channel]) -> None:
        self.said.clear()
        self._newest.take(channels)
        self._show()

    def _show(self) -> None:
        rows = self._newest.rows(self.filter.text())
        self.table.show_rows(rows)
        self.table.setVisible(bool(rows))
        self.empty.setVisible(not rows)
        self.empty.setText(
            tr("No channel is like that. Escape shows all of them again.")
            if self.filter.text()
            else tr("No reading has come yet. Channels appear here with the first one.")
        )
        self.count.setText(tr("Channels: {n}").format(n=words.count(len(rows))))

    def _open(self, key: object) -> None:
        if isinstance(key, tuple):
            self._panel.goto(Place("devices", str(key[0])))
