"""A board on this computer: its serial monitor."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.serial_monitor import Monitor, Port, PortFailed
from control_panel.model.boards import Said, Talk, meaning
from control_panel.model.units import written
from control_panel.qt import inline, words
from control_panel.qt.panel import Panel
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.texts import tr
from wire.serial_line import Answer, ChannelLine, Sample

_DRAIN_MS = 100
_MOST_LINES = 2_000
_CHANGING = tuple(Answer(command, None) for command in ("interval", "start", "stop"))
_HELLO_EVERY = 10  # drains: a board misses what it is told in its first moments


class OnThisComputer(QWidget):
    """Opens a port, shows what the board says, and tells it things."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._monitor: Monitor | None = None
        self._drains = 0
        self.talk = Talk()
        self.said = inline.Said()
        self.port = QComboBox()
        self.port.setEditable(True)
        self.port.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.port.setMinimumWidth(320)
        self.port.setAccessibleName(tr("Serial port"))
        path = QLineEdit()
        path.setPlaceholderText(tr("a port, for example /dev/ttyACM0"))
        path.setAccessibleName(tr("Serial port"))
        path.returnPressed.connect(self.begin)
        self.port.setLineEdit(path)
        self.look = QPushButton(tr("Look again"))
        self.look.setAccessibleName(tr("Look for ports again"))
        self.look.clicked.connect(self.look_for_ports)
        self.open = QPushButton(tr("Open"))
        self.open.setAccessibleName(tr("Open the port"))
        self.open.setToolTip(tr("Opening a port restarts most boards"))
        self.open.clicked.connect(self._toggle)
        self.about = QLabel(tr("Choose the port of a board and open it. Most boards restart then."))
        self.about.setWordWrap(True)
        self.channels = Table(Rows(self._columns(), lambda one: one.index), tr("Channels"))
        self.lines = QPlainTextEdit()
        self.lines.setReadOnly(True)
        self.lines.setTabChangesFocus(True)
        self.lines.setMaximumBlockCount(_MOST_LINES)
        self.lines.setAccessibleName(tr("What the board says"))
        self.lines.setPlaceholderText(tr("What the board says appears here."))
        self.lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.raw = QCheckBox(tr("Lines as they come"))
        self.raw.toggled.connect(lambda _: self._write_anew())
        self.samples = QCheckBox(tr("Samples"))
        self.samples.setChecked(True)
        self.samples.setToolTip(tr("Show samples among the lines"))
        self.samples.toggled.connect(lambda _: self._write_anew())
        self.counts = QLabel()
        self.command = QLineEdit()
        self.command.setAccessibleName(tr("Command to the board"))
        self.command.setPlaceholderText(tr("a command, for example interval 500"))
        self.command.returnPressed.connect(self._send_typed)
        self.send = QPushButton(tr("Send"))
        self.send.setAccessibleName(tr("Send the command"))
        self.send.clicked.connect(self._send_typed)
        self.quick = []
        for word in ("hello", "start", "stop", "identify"):
            button = QPushButton(word)
            button.setAccessibleName(tr("Send: {command}").format(command=word))
            button.clicked.connect(lambda _=False, word=word: self.tell(word))
            self.quick.append(button)
        self._lay_out()
        self._timer = QTimer(self, interval=_DRAIN_MS)
        self._timer.timeout.connect(self.drain)
        self._show_open(is_open=False)

    def look_for_ports(self) -> None:
        """Look for ports in a worker."""
        self._panel.door.ask(self._panel.serial.ports, self._found, self.said.fail, self)

    def begin(self) -> None:
        """Open the port that is chosen."""
        # A chosen entry shows more than the path; what is typed is the path itself.
        index = self.port.currentIndex()
        chosen = index >= 0 and self.port.itemText(index) == self.port.currentText()
        path = str(self.port.itemData(index)) if chosen else self.port.currentText().strip()
        if not path:
            self.said.say(tr("Choose a port first."), "notice")
            self.port.setFocus()
            return
        self.end()
        self.said.clear()
        self.talk = Talk()
        self.lines.clear()
        self._drains = 0
        self._monitor = self._panel.serial.open(path)
        self._timer.start()
        self.about.setText(tr("Waiting for the board on {port} …").format(port=path))
        self._show_open(is_open=True)

    def end(self) -> None:
        """Close the port."""
        self._timer.stop()
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
        self._show_open(is_open=False)

    def tell(self, command: str) -> None:
        """Send a command to the board."""
        if self._monitor is None:
            return
        try:
            self._monitor.send(command)
        except PortFailed as error:
            self.said.fail(error)
            return
        self._append([self.talk.told(command)])

    def drain(self) -> None:
        """Take in what came."""
        monitor = self._monitor
        if monitor is None:
            return
        heard = monitor.take()
        lines = [self.talk.hear(line) for line in heard.lines]
        self._append(lines)
        if any(one.line in _CHANGING for one in lines):
            monitor.send("hello")  # how often it samples now, and whether
        self.talk.foreign += heard.garbage
        if heard.failed is not None:
            self.end()
            self.said.fail(heard.failed)
        elif heard.is_open and self.talk.greeting is None and self._drains % _HELLO_EVERY == 5:
            monitor.send("hello")
        self._drains += 1
        if heard.lines or heard.failed:
            self._show()

    def close_down(self) -> None:
        """Give the port free."""
        self.end()

    def _toggle(self) -> None:
        if self._monitor is None:
            self.begin()
        else:
            self.end()

    def _send_typed(self) -> None:
        if command := self.command.text().strip():
            self.tell(command)
            self.command.clear()

    def _found(self, found: list[Port]) -> None:
        typed = self.port.currentText()
        self.port.clear()
        for port in found:
            text = f"{port.path}   {port.what}" if port.what else port.path
            self.port.addItem(text, port.path)
        if typed:
            self.port.setEditText(typed)
        if not found:
            self.about.setText(
                tr("This computer has no serial port now. Plug a board in, then look again.")
            )

    def _show_open(self, *, is_open: bool) -> None:
        self.open.setText(tr("Close") if is_open else tr("Open"))
        self.open.setAccessibleName(tr("Close the port") if is_open else tr("Open the port"))
        self.port.setEnabled(not is_open)
        self.look.setEnabled(not is_open)
        fields: tuple[QWidget, ...] = (self.command, self.send, *self.quick)
        for field in fields:
            field.setEnabled(is_open)
            field.setToolTip("" if is_open else tr("Open a port first."))

    def _show(self) -> None:
        talk = self.talk
        if talk.greeting is not None:
            one = talk.greeting
            state = tr("sampling") if one.running else tr("stopped")
            self.about.setText(
                tr("{sketch} {version} on {board}: a sample every {ms} ms, {state}").format(
                    sketch=one.sketch, version=one.version, board=one.board,
                    ms=words.count(one.interval_ms), state=state,
                )
            )  # fmt: skip
        self.channels.show_rows([talk.channels[index] for index in sorted(talk.channels)])
        self.channels.viewport().update()
        self.counts.setText(
            tr("Samples: {n}   Lost lines: {lost}   Damaged: {bad}   Others: {foreign}").format(
                n=words.count(talk.samples), lost=words.count(talk.lost),
                bad=words.count(talk.damaged), foreign=words.count(talk.foreign),
            )
        )  # fmt: skip

    def _append(self, lines: list[Said]) -> None:
        texts = [self._text(one) for one in lines if self._is_shown(one)]
        if texts:
            bar = self.lines.verticalScrollBar()
            follows = bar.value() >= bar.maximum() - 2
            self.lines.appendPlainText("\n".join(texts))
            if follows:
                bar.setValue(bar.maximum())

    def _write_anew(self) -> None:
        self.lines.clear()
        self._append(list(self.talk.lines))

    def _is_shown(self, one: Said) -> bool:
        return self.samples.isChecked() or not isinstance(one.line, Sample)

    def _text(self, one: Said) -> str:
        if one.sent:
            return f"> {one.text}"
        if self.raw.isChecked():
            return one.text
        if one.fault and not one.fault.startswith("form"):
            return tr("! {why}: {line}").format(why=one.fault, line=one.text)
        return meaning(one, self.talk.channels)

    def _columns(self) -> list[Column]:
        def value(one: ChannelLine) -> str:
            sample = self.talk.newest
            if sample is None or one.index >= len(sample.values):
                return words.number(None)
            return words.number(sample.values[one.index])

        return [
            Column("name", tr("Channel"), lambda one: one.name, 130),
            Column("value", tr("Value"), value, 90, right=True),
            Column("unit", tr("Unit"), lambda one: written(one.unit), 60),
            Column("label", tr("Label"), lambda one: one.label, 150),
        ]

    def _lay_out(self) -> None:
        top, tools, talk = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.port)
        top.addWidget(self.look)
        top.addWidget(self.open)
        top.addStretch(1)
        for part in (self.samples, self.raw):
            tools.addWidget(part)
        tools.addStretch(1)
        tools.addWidget(self.counts)
        talk.addWidget(self.command, 1)
        talk.addWidget(self.send)
        for button in self.quick:
            talk.addWidget(button)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(tools)
        column.addWidget(self.lines, 1)
        column.addLayout(talk)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.channels)
        splitter.addWidget(right)
        splitter.setSizes([440, 700])
        splitter.setStretchFactor(1, 1)
        whole = QVBoxLayout(self)
        whole.addLayout(top)
        whole.addWidget(self.said)
        whole.addWidget(self.about)
        whole.addWidget(splitter, 1)
