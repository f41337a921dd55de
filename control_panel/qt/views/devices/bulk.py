"""Registers the devices of a CSV file, after each of its lines was looked at."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from control_panel.client import files
from control_panel.client.api import route
from control_panel.client.errors import ClientError, NotKept
from control_panel.model.registration import COLUMNS, Line, Table, read_table, tokens_csv
from control_panel.model.things import Imported
from control_panel.qt import words
from control_panel.qt.forms import primary
from control_panel.qt.inline import Said, heading
from control_panel.qt.panel import Panel
from control_panel.qt.rows import Column, Rows
from control_panel.qt.rows import Table as RowsTable
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS


class Bulk(QWidget):
    """A file is chosen, its lines are shown with what is wrong, then all are registered or none."""

    back = Signal()

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._table = Table()
        self._drawn: bytes = b""
        self.said = Said()
        self.what = QLabel()
        self.what.setWordWrap(True)
        self.lines = RowsTable(Rows(_columns(), lambda line: line.number), tr("Lines of the file"))
        self.choose = QPushButton(tr("Choose a CSV file …"))
        self.choose.setAccessibleName(tr("Choose a CSV file"))
        self.choose.clicked.connect(self._choose)
        self.register = primary(QPushButton(tr("Register …")))
        self.register.clicked.connect(self._ask_where)
        back = QPushButton(tr("← All devices"))
        back.setAccessibleName(tr("Back to all devices"))
        back.clicked.connect(self.back)
        top = QHBoxLayout()
        top.addWidget(back)
        top.addSpacing(8)
        top.addWidget(heading(tr("Register many devices")))
        top.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.choose)
        buttons.addWidget(self.register)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(*MARGINS)
        column.addLayout(top)
        column.addWidget(self.said)
        column.addWidget(self.what)
        column.addLayout(buttons)
        column.addWidget(self.lines, 1)
        column.addStretch(0)
        self.begin()

    def begin(self) -> None:
        """Begin without a file; codes that were not saved stay until they are."""
        if not self._drawn:
            self.said.clear()
            self._show(Table())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leads back."""
        if event.key() == Qt.Key.Key_Escape:
            self.back.emit()
        else:
            super().keyPressEvent(event)

    def take(self, file: Path) -> None:
        """Read a file in a worker, and show what is in it."""
        taken = frozenset(self._panel.fleet.devices)

        def read() -> Table:
            content = files.read(file)
            if content is None:
                raise NotKept(f"{file} is not there", "Choose another file")
            return read_table(content, taken)

        self._panel.door.ask(read, self._show, self.said.fail, self)

    def send(self, file: Path) -> None:
        """Register all of them, and keep what was drawn in a file that only its owner can read."""
        api, text = self._panel.api, self._table.text
        self.register.setEnabled(False)
        self.said.say(tr("Registering …"))

        def register() -> tuple[int, bytes, ClientError | None]:
            imported = api.post(
                route("device-imports"), Imported, text, query={"tokens": True}, within_s=120
            )
            drawn = tokens_csv(imported).encode()
            try:
                files.write(file, drawn)
            except NotKept as error:
                return imported.registered, drawn, error  # they are shown once: never lose them
            return imported.registered, b"", None

        self._panel.door.ask(register, partial(self._registered, file), self._failed, self)

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Choose a CSV file"), "", tr("CSV files (*.csv);;All files (*)")
        )
        if path:
            self.take(Path(path))

    def _ask_where(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, tr("Where to keep the codes"), "device-codes.csv", "CSV (*.csv)"
        )
        if not path:
            return
        if self._drawn:
            self._save(Path(path))
        else:
            self.send(Path(path))

    def _save(self, file: Path) -> None:
        drawn = self._drawn

        def saved(_: None) -> None:
            self._drawn = b""
            self._saved(file, 0)

        self._panel.door.ask(lambda: files.write(file, drawn), saved, self.said.fail, self)

    def _registered(self, file: Path, came: tuple[int, bytes, ClientError | None]) -> None:
        count, self._drawn, error = came
        if error is None:
            self._saved(file, count)
            return
        self.said.fail(error)
        self.what.setText(
            tr("{n} devices are registered, but their codes are not saved yet. They are shown "
               "only this once: save them in another place.").format(n=words.count(count))
        )  # fmt: skip
        self.register.setText(tr("Save the codes …"))
        self.register.setAccessibleName(self.register.text())
        self.register.setEnabled(True)
        self.choose.setEnabled(False)

    def _saved(self, file: Path, count: int) -> None:
        self._show(Table())
        text = tr("{n} devices are registered.").format(n=words.count(count)) if count else ""
        kept = tr(
            "Their codes and logins are in {file}, which only you can read. An agent's code is "
            "good once, for 15 minutes; a new one can be drawn on the device's page."
        ).format(file=file)
        self.said.say(f"{text} {kept}".strip(), "good")

    def _failed(self, error: ClientError) -> None:
        self.said.fail(error)
        self.register.setEnabled(True)

    def _show(self, table: Table) -> None:
        self._table = table
        self.choose.setEnabled(True)
        good = bool(table.lines) and not table.faulty
        # What is wrong comes first: a table may have thousands of lines.
        self.lines.show_rows(sorted(table.lines, key=lambda line: (not line.fault, line.number)))
        self.lines.setVisible(bool(table.lines))
        if table.fault:
            text = tr("This is no table of devices: {why}.").format(why=table.fault)
        elif table.faulty:
            text = tr(
                "{faulty} of {all} lines cannot be registered; mend them in the file and choose "
                "it again. Nothing was sent."
            ).format(faulty=words.count(table.faulty), all=words.count(len(table.lines)))
        elif good:
            text = tr("All {n} devices can be registered.").format(n=words.count(len(table.lines)))
        else:
            text = tr(
                "The first line of the file names its columns: {columns}. Only “name” must be "
                "there. Each line is looked at before anything is sent."
            ).format(columns=", ".join(COLUMNS))
        self.what.setText(text)
        self.register.setText(tr("Register and save their codes …"))
        self.register.setAccessibleName(self.register.text())
        self.register.setEnabled(good)


def _columns() -> list[Column]:
    def field(name: str, title: str, width: int) -> Column:
        return Column(name, title, lambda line: line.fields.get(name, ""), width)

    def problem(line: Line) -> str:
        return line.fault or tr("can be registered")

    return [
        Column("number", tr("Line"), lambda line: words.count(line.number), 60, right=True),
        field("name", tr("Name"), 140),
        field("label", tr("Label"), 140),
        field("site", tr("Site"), 110),
        field("latitude", tr("Latitude"), 80),
        field("longitude", tr("Longitude"), 80),
        field("kind", tr("Kind"), 70),
        Column("fault", tr("What is wrong"), problem, 380,
               mark=lambda line: "failed" if line.fault else "running"),
    ]  # fmt: skip
