"""Bars of what is stored, on the device, lost and missing: each with a pattern of its own."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from control_panel.model.completeness import Tally, parts
from control_panel.qt.marks import tints_of
from control_panel.qt.rows import Rows
from control_panel.qt.views.completeness import wording

KINDS = ("stored", "on_device", "lost", "missing")
_LOOK = {
    "stored": ("good", Qt.BrushStyle.SolidPattern),
    "on_device": ("notice", Qt.BrushStyle.BDiagPattern),
    "lost": ("warning", Qt.BrushStyle.DiagCrossPattern),
    "missing": ("bad", Qt.BrushStyle.HorPattern),
}


def draw_bar(painter: QPainter, tally: Tally, place: QRectF, palette: QPalette) -> None:
    """Draw a bar into a rectangle."""
    painter.save()
    tints = tints_of(palette)
    painter.fillRect(place, palette.color(QPalette.ColorRole.Base))
    for part in parts(tally):
        name, pattern = _LOOK[part.kind]
        colour = QColor(getattr(tints, name))
        piece = QRectF(
            place.left() + part.begin * place.width(), place.top(),
            (part.end - part.begin) * place.width(), place.height(),
        )  # fmt: skip
        painter.fillRect(piece, QBrush(colour, pattern))
        painter.setPen(QPen(colour, 1))
        painter.drawRect(piece)
    if not tally.made:
        painter.setPen(QPen(QColor(tints.off), 1, Qt.PenStyle.DotLine))
        painter.drawRect(place)
    painter.restore()


class Bar(QWidget):
    """One bar for all devices together."""

    def __init__(self) -> None:
        super().__init__()
        self._tally = Tally(0, 0, 0, 0)
        self.setFixedHeight(18)

    def show_tally(self, tally: Tally, said: str) -> None:
        """Show these numbers; `said` is for who cannot see the bar."""
        self._tally = tally
        self.setAccessibleName(said)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        with QPainter(self) as painter:
            place = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            draw_bar(painter, self._tally, place, self.palette())


class _Swatch(QWidget):
    def __init__(self, kind: str) -> None:
        super().__init__()
        counts = {name: int(name == kind) for name in KINDS}
        self._tally = Tally(**counts)
        self.setFixedSize(22, 12)

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            place = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            draw_bar(painter, self._tally, place, self.palette())


class Legend(QWidget):
    """What the pieces of a bar mean."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for kind in KINDS:
            row.addWidget(_Swatch(kind))
            row.addWidget(QLabel(wording.part_word(kind)))
            row.addSpacing(12)
        row.addStretch(1)


class BarDelegate(QStyledItemDelegate):
    """Draws the bar of a row; the cell's words are for who cannot see it."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw it, on the row's own ground."""
        box = QStyleOptionViewItem(option)
        self.initStyleOption(box, index)
        box.text = ""
        widget: QWidget = option.widget
        style: QStyle = widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, box, painter, widget)
        model = index.model()
        if isinstance(model, Rows):
            place = QRectF(option.rect).adjusted(6, 6, -6, -6)
            draw_bar(painter, model.rows[index.row()].tally, place, widget.palette())

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return a size with room for it."""
        return QSize(160, 22)
