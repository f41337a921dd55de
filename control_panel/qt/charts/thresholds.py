"""Where a person sets lines across a chart."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QDoubleValidator, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.layouts import Threshold
from control_panel.model.units import written
from control_panel.qt import words
from control_panel.qt.flow import Flow
from control_panel.qt.texts import tr


class Thresholds(QFrame):
    """Above the chart: a value, its unit and a word for it; behind them, those that are set."""

    changed = Signal(object)
    """The thresholds that there are now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._set: tuple[Threshold, ...] = ()
        self.value = QLineEdit()
        self.value.setPlaceholderText(tr("Value"))
        self.value.setAccessibleName(tr("Value of the threshold"))
        self.value.setMaximumWidth(90)
        self.value.setValidator(QDoubleValidator(self.value))
        self.value.returnPressed.connect(self._add)
        self.unit = QComboBox()
        self.unit.setAccessibleName(tr("Unit of the threshold"))
        self.word = QLineEdit()
        self.word.setPlaceholderText(tr("What it means, e.g. too warm"))
        self.word.setAccessibleName(tr("What the threshold means"))
        self.word.setMinimumWidth(190)
        self.word.setMaximumWidth(240)
        self.word.returnPressed.connect(self._add)
        self.add = QPushButton(tr("Draw it"))
        self.add.clicked.connect(self._add)
        self.done = QPushButton(tr("Close"))
        self.done.setAccessibleName(tr("Close the thresholds"))
        self.done.clicked.connect(self.hide)
        self._standing: list[QPushButton] = []
        self._new = [QLabel(tr("Threshold")), self.value, self.unit, self.word, self.add]
        self._row = Flow([*self._new, self.done])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._row)
        self.hide()

    def open(self, standing: tuple[Threshold, ...], units: Sequence[str]) -> None:
        """Show what is set, for axes of these units."""
        chosen = self.unit.currentData()
        self.unit.clear()
        for unit in units:
            self.unit.addItem(written(unit) or tr("no unit"), unit)
        self.unit.setCurrentIndex(max(self.unit.findData(chosen), 0))
        self.unit.setVisible(len(units) > 1)
        self._set = standing
        self._show_standing()
        self.show()
        self.value.setFocus()

    def put(self, threshold: Threshold) -> None:
        """Add a line, or give the one that is there its word."""
        others = [
            one for one in self._set if (one.value, one.unit) != (threshold.value, threshold.unit)
        ]
        self._become((*others, threshold))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes it."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def _add(self) -> None:
        value, sound = QLocale().toDouble(self.value.text())
        if sound and math.isfinite(value):
            self.put(Threshold(value, self.unit.currentData() or "", self.word.text().strip()))
            self.value.clear()
            self.word.clear()
        self.value.setFocus()

    def _become(self, thresholds: tuple[Threshold, ...]) -> None:
        self._set = thresholds
        self._show_standing()
        self.changed.emit(thresholds)

    def _show_standing(self) -> None:
        for gone in self._standing:
            gone.hide()
            gone.deleteLater()
        self._standing = []
        for one in self._set:
            text = f"{one.text} {words.number(one.value)} {written(one.unit)}".strip()
            button = QPushButton(f"✕ {text}")
            button.setAccessibleName(tr("Take the threshold {text} away").format(text=text))
            button.setToolTip(button.accessibleName())
            button.clicked.connect(
                lambda _=False, gone=one: self._become(tuple(o for o in self._set if o != gone))
            )
            self._standing.append(button)
        self._row.hold([*self._new, *self._standing, self.done])
