"""The page of keys (F1): made from the registry, like the menus and the palette."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.actions import Registry
from control_panel.qt.texts import tr


def rows(registry: Registry) -> list[tuple[str, str]]:
    """Return what each key does, the registry's first, then those of single controls."""
    found = [
        (QKeySequence(one.shortcut).toString(QKeySequence.SequenceFormat.NativeText), one.text)
        for one in registry.actions
        if one.shortcut
    ]
    native = QKeySequence.SequenceFormat.NativeText
    own = (
        ("Tab", tr("To the next control")),
        ("Shift+Tab", tr("To the control before")),
        ("Esc", tr("In a filter: show everything again")),
        ("Space", tr("In a chart: stand still or go on")),
        ("End", tr("In a chart: show now")),
        ("+", tr("In a chart: zoom in")),
        ("-", tr("In a chart: zoom out")),
        ("Left", tr("In a chart: earlier")),
        ("Right", tr("In a chart: later")),
        ("Shift+Left", tr("In a chart: move the cursor")),
    )
    return found + [(QKeySequence(key).toString(native), text) for key, text in own]


class KeysPage(QDialog):
    """A table of keys and what they do."""

    def __init__(self, registry: Registry, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keys"))
        known = rows(registry)
        self.table = QTableWidget(len(known), 2)
        self.table.setAccessibleName(tr("Keys and what they do"))
        self.table.setHorizontalHeaderLabels([tr("Key"), tr("What it does")])
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        for row, (key, text) in enumerate(known):
            self.table.setItem(row, 0, QTableWidgetItem(key))
            self.table.setItem(row, 1, QTableWidgetItem(text))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        keys = QKeySequence("Ctrl+K").toString(QKeySequence.SequenceFormat.NativeText)
        note = QLabel(tr("{keys} finds everything else that can be done.").format(keys=keys))
        note.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.table)
        column.addWidget(note)
        column.addWidget(buttons)
        self.resize(560, 520)
        self.table.setFocus()
