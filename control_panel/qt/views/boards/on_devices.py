"""Boards on devices: what each says it is, its channels, and what was lost on its line."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QLineEdit, QSplitter, QVBoxLayout, QWidget

from control_panel.model.boards import BoardRow, board_rows
from control_panel.model.live import Changes
from control_panel.model.newest_table import NewestTable
from control_panel.qt import words
from control_panel.qt.inline import heading
from control_panel.qt.panel import Panel, Place
from control_panel.qt.readings import newest_columns
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr

_REFRESH_MS = 1_000
_MARKS = {"running": "running", "failing": "failed", "finished": "over", "stopped": "stopped"}


class OnDevices(QWidget):
    """A row for each board; below it the channels of the selected one."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._newest = NewestTable(panel.live)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Filter by device, sketch or board"))
        self.filter.setAccessibleName(tr("Filter boards"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(460)
        self.filter.textChanged.connect(lambda _: self.refresh())
        self.boards = Table(Rows(_columns(), lambda row: row.key), tr("Boards on devices"))
        self.boards.opened.connect(lambda key: panel.goto(Place("devices", key[0])))
        self.boards.selected.connect(self._show_channels)
        self.channels = Table(
            Rows(newest_columns(self._newest, panel.clock, device=False), lambda row: row.key),
            tr("Channels of the selected board"),
        )
        self.counters = QLabel()
        self.counters.setWordWrap(True)
        below = QWidget()
        under = QVBoxLayout(below)
        under.setContentsMargins(0, 0, 0, 0)
        under.addWidget(heading(tr("Channels of the selected board")))
        under.addWidget(self.channels, 1)
        under.addWidget(self.counters)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(self.boards)
        self.splitter.addWidget(below)
        self.empty = QLabel()
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        column = QVBoxLayout(self)
        column.addWidget(self.filter)
        column.addWidget(self.splitter, 1)
        column.addWidget(self.empty, 1)
        self._end = panel.live.listen(self._heard)
        self._newest.look({*panel.live.newest, *panel.live.described})
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self.refresh()

    def refresh(self) -> None:
        """Show what is known now."""
        rows = board_rows(self._panel.live)
        found = [row for row in rows if _has(row, self.filter.text())]
        self.boards.show_rows(found)
        if found and self.boards.chosen() is None:
            self.boards.choose(found[0].key)
        self.splitter.setVisible(bool(found))
        self.empty.setVisible(not found)
        self.empty.setText(
            tr("No board is like that.")
            if rows
            else tr("No device has a board yet. Plug an Arduino with Fieldline's sketch into a "
                    "device, or into this computer to try it.")
        )  # fmt: skip
        self._show_channels()

    def close_down(self) -> None:
        """Listen no more."""
        self._timer.stop()
        self._end()

    def _tick(self) -> None:
        if self.isVisible():
            self.refresh()

    def _heard(self, changes: Changes) -> None:
        self._newest.look(changes.channels | changes.added)

    def _show_channels(self) -> None:
        chosen = self.boards.chosen()
        row = next((row for row in self.boards.rows.rows if row.key == chosen), None)
        if row is None:
            self.channels.show_rows([])
            self.counters.clear()
            return
        self.channels.show_rows(
            [one for one in self._newest.rows(device=row.device) if one.source == row.source]
        )
        self.channels.viewport().update()
        self.counters.setText(
            "   ·   ".join(
                f"{name.replace('_', ' ')}: {words.count(n)}"
                for name, n in sorted(row.counters.items())
            )
        )


def _has(row: BoardRow, text: str) -> bool:
    inside = f"{row.device}\n{row.source}\n{row.sketch}\n{row.board}\n{row.state}".casefold()
    return all(word in inside for word in text.casefold().split())


def _columns() -> list[Column]:
    names = {
        "running": tr("Running"),
        "failing": tr("Failing"),
        "finished": tr("Finished"),
        "stopped": tr("Stopped"),
    }
    return [
        Column("state", tr("State"), lambda row: names.get(row.state, row.state), 110,
               mark=lambda row: _MARKS.get(row.state, "over")),
        Column("device", tr("Device"), lambda row: row.device, 130),
        Column("source", tr("Source"), lambda row: row.source, 110),
        Column("board", tr("Board"), lambda row: row.board, 90),
        Column("sketch", tr("Sketch"), lambda row: f"{row.sketch} {row.version}".strip(), 170),
        Column("channels", tr("Channels"), lambda row: words.count(row.channels), 80, right=True),
        Column("readings", tr("Readings"), lambda row: words.count(row.readings), 90, right=True,
               tip=lambda _: tr("since the agent was started")),
        Column("lost", tr("Lost lines"), lambda row: words.count(row.lost_lines), 90, right=True,
               mark=lambda row: "warning" if row.lost_lines else None,
               tip=lambda _: tr("Samples that the board sent and that did not come")),
        Column("resets", tr("Restarts"), lambda row: words.count(row.resets), 80, right=True),
        Column("reason", tr("Reason"), lambda row: heard(row.reason), 160),
    ]  # fmt: skip
