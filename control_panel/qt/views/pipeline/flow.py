"""The stages drawn as a flow: a card each, and arrows with what passes."""

from itertools import pairwise

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QWidget

from control_panel.model.pipeline import DEVICES, Arrow, Flow, Passage, Spot, layout
from control_panel.model.things import Pipeline, Stage
from control_panel.qt import words
from control_panel.qt.marks import draw_mark, tint, tints_of
from control_panel.qt.texts import tr
from control_panel.qt.views.pipeline import wording

_CARD_HEIGHT, _ROW_GAP = 84, 44
_LEAST_CARD, _MOST_CARD, _LEAST_GAP = 112, 190, 58
_MARGIN = 4
_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class Card(QAbstractButton):
    """One stage: its mark, name, state as a word, and what waits; it can have the focus."""

    moved_on = Signal(int, int)

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.name = name
        self.stage: Stage | None = None
        self.stale = False
        self.setCheckable(name != DEVICES)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setText(wording.stage_name(name))
        self.setToolTip(wording.purpose(name))
        self.setAccessibleName(
            tr("Devices: opens the list of devices") if name == DEVICES else self.text()
        )
        self.setAccessibleDescription(wording.purpose(name))

    def show_stage(self, stage: Stage, stale: bool) -> None:
        """Show how the stage is; `stale`: as it was when the server was heard last."""
        if stage == self.stage and stale == self.stale:
            return
        self.stage, self.stale = stage, stale
        self.setAccessibleName(wording.description(stage))
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size with room for its words."""
        return QSize(150, _CARD_HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys go to the neighbour, Enter and Space pick the card."""
        if (step := _STEPS.get(Qt.Key(event.key()))) is not None:
            self.moved_on.emit(*step)
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_frame(painter)
            self._paint_words(painter)

    def _paint_frame(self, painter: QPainter) -> None:
        palette, state = self.palette(), self.stage.state if self.stage else ""
        frame = QRectF(self.rect()).adjusted(2.5, 2.5, -2.5, -2.5)
        fill = palette.color(QPalette.ColorRole.Base)
        pen = QPen(_faint(palette), 1)
        if state in {"stalled", "failed"} and not self.stale:
            pen = QPen(tint(state, palette), 2)
        elif state == "stopped":
            pen = QPen(tint(state, palette), 1.5, Qt.PenStyle.DashLine)
            fill = palette.color(QPalette.ColorRole.Window)
        painter.setPen(pen)
        painter.setBrush(fill)
        painter.drawRoundedRect(frame, 6, 6)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if state == "stalled":  # a second line: it was meant to run
            painter.drawRoundedRect(frame.adjusted(4, 4, -4, -4), 4, 4)
        if self.isChecked() or self.hasFocus():
            accent = palette.color(QPalette.ColorRole.Highlight)
            painter.setPen(QPen(accent, 3 if self.hasFocus() else 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), 7, 7)

    def _paint_words(self, painter: QPainter) -> None:
        palette, stage = self.palette(), self.stage
        inner = self.rect().adjusted(12, 10, -10, -9)
        line = inner.height() // 3
        rows = [QRect(inner.x(), inner.y() + line * n, inner.width(), line) for n in range(3)]
        bold = painter.font()
        bold.setBold(True)
        plain = painter.font()
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        text = palette.color(QPalette.ColorRole.WindowText)
        grey = QColor(tints_of(palette).off)
        painter.setFont(bold)
        painter.setPen(grey if self.stale else text)
        self._line(painter, rows[0], left, self.text())
        painter.setFont(plain)
        if self.name == DEVICES:
            painter.setPen(grey)
            self._line(painter, rows[1], left, tr("show them"))
            return
        if stage is None:
            return
        mark = QRectF(rows[1].x(), rows[1].center().y() - 5.5, 12, 12)
        draw_mark(painter, "stopped" if self.stale else stage.state, mark, palette)
        painter.setPen(grey if self.stale else tint(stage.state, palette))
        said = wording.busy_word(stage.busy) if stage.busy else wording.state_word(stage.state)
        self._line(painter, rows[1].adjusted(18, 0, 0, 0), left, said)
        painter.setPen(grey)
        self._line(painter, rows[2], left, wording.waiting(stage))

    def _line(self, painter: QPainter, where: QRect, how: Qt.AlignmentFlag, text: str) -> None:
        metrics = QFontMetrics(painter.font())
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, where.width())
        painter.drawText(where, how, shown)


class FlowPicture(QWidget):
    """All cards in their places, and the arrows between them."""

    picked = Signal(str)
    devices_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow: Flow = layout([])
        self._stale = False
        self.cards: dict[str, Card] = {}
        self.setAccessibleName(tr("The pipeline as a flow"))

    def show_pipeline(self, pipeline: Pipeline, stale: bool) -> None:
        """Draw the stages as they are; what is old is grey."""
        self._flow, self._stale = layout(pipeline.stages), stale
        stages = {stage.name: stage for stage in pipeline.stages}
        for name in [name for name in self.cards if name not in self._flow.spots]:
            self.cards.pop(name).deleteLater()
        for name in self._flow.spots:
            card = self.cards.get(name) or self._add(name)
            if name in stages:
                card.show_stage(stages[name], stale)
        self._place()
        self.updateGeometry()
        self.update()

    def pick(self, name: str) -> None:
        """Mark a card as the one whose details are shown."""
        for one, card in self.cards.items():
            card.setChecked(one == name)

    def minimumSizeHint(self) -> QSize:
        """Return the size below which words would be cut."""
        columns, rows = self._flow.columns, self._flow.rows
        width = columns * _LEAST_CARD + (columns - 1) * _LEAST_GAP + 2 * _MARGIN
        return QSize(width, rows * _CARD_HEIGHT + (rows - 1) * _ROW_GAP + 2 * _MARGIN)

    def sizeHint(self) -> QSize:
        """Return the least: it takes the width that there is."""
        return self.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the cards in their places."""
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the arrows."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for arrow in self._flow.arrows:
                if arrow.carries:
                    self._paint_way(painter, arrow)
                elif not self._far(arrow):
                    self._paint_need(painter, arrow)

    def _add(self, name: str) -> Card:
        card = self.cards[name] = Card(name, self)
        if name == DEVICES:
            card.clicked.connect(self.devices_wanted)
        else:
            card.clicked.connect(lambda: self.picked.emit(name))
        card.moved_on.connect(lambda across, down: self._go(name, across, down))
        card.show()
        return card

    def _go(self, name: str, across: int, down: int) -> None:
        """Give the focus to the nearest card in a direction."""
        spot = self._flow.spots[name]
        there = [
            (abs(other.column - spot.column) + 10 * abs(other.row - spot.row) * (not down), one)
            for one, other in self._flow.spots.items()
            if (across and other.row == spot.row and (other.column - spot.column) * across > 0)
            or (down and (other.row - spot.row) * down > 0)
        ]
        if there:
            self.cards[min(there)[1]].setFocus(Qt.FocusReason.OtherFocusReason)

    def _place(self) -> None:
        width = self._card_width()
        for name, spot in self._flow.spots.items():
            if name in self.cards:
                self.cards[name].setGeometry(self._where(spot, width))
        ordered = sorted(self._flow.spots, key=lambda one: self._flow.spots[one][::-1])
        cards = [self.cards[name] for name in ordered if name in self.cards]
        for first, second in pairwise(cards):
            QWidget.setTabOrder(first, second)

    def _card_width(self) -> int:
        columns = self._flow.columns
        room = self.width() - 2 * _MARGIN - (columns - 1) * _LEAST_GAP
        return max(_LEAST_CARD, min(_MOST_CARD, room // columns))

    def _where(self, spot: Spot, width: int) -> QRect:
        columns = self._flow.columns
        room = self.width() - 2 * _MARGIN - columns * width
        gap = max(_LEAST_GAP, room // (columns - 1)) if columns > 1 else 0
        return QRect(
            _MARGIN + spot.column * (width + gap),
            _MARGIN + spot.row * (_CARD_HEIGHT + _ROW_GAP),
            width,
            _CARD_HEIGHT,
        )

    def _far(self, arrow: Arrow) -> bool:
        """Whether a line would cross other cards: its need is said in words instead."""
        begin, end = self._flow.spots[arrow.begin], self._flow.spots[arrow.end]
        return abs(begin.column - end.column) > 1 or abs(begin.row - end.row) > 1

    def _paint_way(self, painter: QPainter, arrow: Arrow) -> None:
        begin = QRectF(self.cards[arrow.begin].geometry())
        end = QRectF(self.cards[arrow.end].geometry())
        colour = self._colour(arrow)
        left = QPointF(begin.right() + 3, begin.center().y())
        right = QPointF(end.left() - 3, end.center().y())
        style = Qt.PenStyle.SolidLine if arrow.passage is Passage.FLOWS else Qt.PenStyle.DashLine
        painter.setPen(QPen(colour, 2, style))
        if arrow.passage is Passage.BLOCKED:
            middle = (left + right) / 2
            painter.drawLine(left, middle - QPointF(9, 0))
            painter.drawLine(middle + QPointF(9, 0), right - QPointF(6, 0))
            painter.setPen(QPen(colour, 2))
            painter.drawLine(middle - QPointF(5, 5), middle + QPointF(5, 5))
            painter.drawLine(middle - QPointF(5, -5), middle + QPointF(5, -5))
        else:
            painter.drawLine(left, right - QPointF(6, 0))
        self._head(painter, right, colour)
        painter.setPen(colour)
        room = QRectF(left.x() - 6, left.y() - 26, right.x() - left.x() + 12, 20)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, words.rate(arrow.rate))

    def _paint_need(self, painter: QPainter, arrow: Arrow) -> None:
        needed = QRectF(self.cards[arrow.begin].geometry())
        stage = QRectF(self.cards[arrow.end].geometry())
        colour = self._colour(arrow)
        painter.setPen(QPen(colour, 1.2, Qt.PenStyle.DotLine))
        down = QPointF(needed.center().x(), needed.bottom() + 2)
        up = QPointF(stage.center().x(), stage.top() - 3)
        if abs(up.x() - down.x()) < 2:
            painter.drawLine(down, up - QPointF(0, 5))
        else:  # around the corner, half way between the rows
            level = (down.y() + up.y()) / 2
            bend = QPointF(needed.left() + needed.width() / 4, needed.bottom() + 2)
            painter.drawPolyline(
                QPolygonF([bend, QPointF(bend.x(), level), QPointF(up.x(), level),
                           up - QPointF(0, 5)])
            )  # fmt: skip
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([up, up - QPointF(4, 6), up - QPointF(-4, 6)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _head(self, painter: QPainter, tip: QPointF, colour: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([tip, tip - QPointF(8, 5), tip - QPointF(8, -5)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _colour(self, arrow: Arrow) -> QColor:
        tints = tints_of(self.palette())
        if self._stale or arrow.passage is Passage.QUIET or not arrow.carries:
            return QColor(tints.off)
        return QColor(tints.good if arrow.passage is Passage.FLOWS else tints.warning)


def _faint(palette: QPalette) -> QColor:
    colour = QColor(tints_of(palette).off)
    colour.setAlpha(150)
    return colour
