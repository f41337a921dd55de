"""The raw messages as they come, decoded and as bytes."""

import copy

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontDatabase, QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.decoding import decoded, dump
from control_panel.model.drawing import Finest
from control_panel.model.messages import Message
from control_panel.qt import words
from control_panel.qt.panel import Panel
from control_panel.qt.readings import moment_utc
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.texts import tr
from wire.errors import WireError

_REFRESH_MS = 250


class MessagesView(QWidget):
    """The newest message first; while it is paused, nothing that is shown changes."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._version = -1
        self._rows: list[Message] = []
        self._shown: Message | None = None
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Filter by device, kind or what is in it"))
        self.filter.setAccessibleName(tr("Filter messages"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(460)
        self.filter.textChanged.connect(lambda _: self._show())
        self.faults = QCheckBox(tr("Only garbage"))
        self.faults.setToolTip(tr("Messages that are not sound, each with the reason"))
        self.faults.toggled.connect(lambda _: self._show())
        self.pause = QPushButton(tr("Pause"))
        self.pause.setCheckable(True)
        self.pause.setAccessibleName(tr("Pause"))
        self.pause.toggled.connect(self._paused)
        self.count = QLabel()
        above = QHBoxLayout()
        above.addWidget(self.filter, 1)
        above.addWidget(self.faults)
        above.addWidget(self.pause)
        above.addStretch(1)
        above.addWidget(self.count)
        self.table = Table(Rows(_columns(), lambda one: one.number), tr("Messages"))
        self.table.selected.connect(self._show_one)
        self.meaning, self.octets = _reader(tr("What it says")), _reader(tr("Its bytes"))
        self.parts = QTabWidget()
        self.parts.setAccessibleName(tr("The message that is chosen"))
        self.parts.addTab(self.meaning, tr("What it says"))
        self.parts.addTab(self.octets, tr("Bytes"))
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.table)
        splitter.addWidget(self.parts)
        splitter.setSizes([420, 240])
        self.empty = QLabel()
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._splitter = splitter
        column = QVBoxLayout(self)
        column.addLayout(above)
        column.addWidget(splitter, 1)
        column.addWidget(self.empty, 1)
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self._show()

    def refresh(self) -> None:
        """Show what has come since the last time."""
        messages = self._panel.live.messages
        if self.isVisible() and not self.pause.isChecked() and messages.version != self._version:
            self._version = messages.version
            # Copies: a folded row changes while it is looked at.
            self._rows = [copy.copy(one) for one in reversed(messages.rows())]
            self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape empties the filter."""
        if event.key() == Qt.Key.Key_Escape and self.filter.text():
            self.filter.clear()
        else:
            super().keyPressEvent(event)

    def close_down(self) -> None:
        """Look no more."""
        self._timer.stop()

    def _paused(self, paused: bool) -> None:
        self.pause.setText(tr("Go on") if paused else tr("Pause"))
        self.refresh()
        self._count()

    def _show(self) -> None:
        rows = self._rows
        if self.faults.isChecked():
            rows = [one for one in rows if one.fault]
        for word in self.filter.text().casefold().split():
            octets = word.encode()
            rows = [
                one
                for one in rows
                if word in one.topic.casefold()
                or word in one.fault.casefold()
                or octets in one.payload.lower()
            ]
        self.table.show_rows(rows)
        self._splitter.setVisible(bool(rows))
        self.empty.setVisible(not rows)
        self.empty.setText(
            tr("No message is like that.")
            if self._rows
            else tr("No message has come yet. Each one appears here as it comes.")
        )
        self._count()
        self._show_one()

    def _count(self) -> None:
        messages = self._panel.live.messages
        text = tr("Messages: {n}, garbage: {faults}").format(
            n=words.count(messages.messages), faults=words.count(messages.faults)
        )
        self.count.setText(
            tr("Paused. {text}").format(text=text) if self.pause.isChecked() else text
        )

    def _show_one(self) -> None:
        chosen = self.table.chosen()
        one = next((one for one in self.table.rows.rows if one.number == chosen), None)
        if one == self._shown and one is not None:
            return
        self._shown = one
        if one is None:
            self.meaning.clear()
            self.octets.clear()
            return
        try:
            meaning = decoded(one.device, one.kind, one.payload, one.received_utc)
        except WireError as error:
            meaning = tr("This is garbage: {why}").format(why=error)
        self.meaning.setPlainText(meaning or tr("It is empty: what was retained is taken back."))
        self.octets.setPlainText(dump(one.payload))


def _columns() -> list[Column]:
    def time(one: Message) -> str:
        at = moment_utc(one.received_utc)
        return "" if at is None else words.clock(at.astimezone(), Finest.MILLISECOND)

    def begin(one: Message) -> str:
        return one.fault or one.payload[:160].decode("utf-8", "replace").replace("\n", " ")

    def fold(one: Message) -> str:
        return tr("{n} times").format(n=words.count(one.folded + 1)) if one.folded else ""

    return [
        Column("time", tr("Received"), time, 150,
               mark=lambda one: "failed" if one.fault else "running"),
        Column("device", tr("Device"), lambda one: one.device, 130),
        Column("kind", tr("Kind"), lambda one: one.kind, 110),
        Column("size", tr("Bytes"), lambda one: words.count(len(one.payload)), 70, right=True),
        Column("folded", tr("Folded"), fold, 95,
               tip=lambda _: tr("A topic that says very much has one row: its newest message")),
        Column("begin", tr("Begins with, or why it is garbage"), begin, 300, exact=True),
    ]  # fmt: skip


def _reader(name: str) -> QPlainTextEdit:
    text = QPlainTextEdit()
    text.setReadOnly(True)
    text.setTabChangesFocus(True)
    text.setAccessibleName(name)
    text.setPlaceholderText(tr("Select a message to see it whole."))
    text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    return text
