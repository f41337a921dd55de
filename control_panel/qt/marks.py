"""Marks of states: each has a shape of its own, so that its colour is never the only sign."""

import msgspec
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QWidget


class Tints(msgspec.Struct, frozen=True):
    """Colours that mean something, of one scheme: at least 4.5:1 on windows and fields."""

    good: str
    notice: str
    warning: str
    bad: str
    off: str


LIGHT = Tints(good="#17663d", notice="#0a58a8", warning="#8a4b00", bad="#a8201a", off="#565e67")
DARK = Tints(good="#5fd096", notice="#79b8ff", warning="#f2b25c", bad="#ff8f86", off="#a4adb8")

_SHAPES = {
    "running": ("disc", "good"),
    "starting": ("half", "notice"),
    "stopped": ("square", "off"),
    "stalled": ("triangle", "warning"),
    "failed": ("cross", "bad"),
    "ok": ("disc", "good"),
    "done": ("tick", "good"),
    "pending": ("half", "notice"),
    "firing": ("triangle", "bad"),
    "acknowledged": ("tick", "warning"),
    "over": ("square", "off"),
    "unseen": ("ring", "off"),
    "critical": ("cross", "bad"),
    "warning": ("triangle", "warning"),
    "info": ("disc", "notice"),
}


def tints_of(palette: QPalette) -> Tints:
    """Return the tints that suit a palette."""
    return DARK if palette.color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def tint(state: str, palette: QPalette) -> QColor:
    """Return the colour of a state; grey for one that is not known."""
    return QColor(getattr(tints_of(palette), _SHAPES.get(state, ("", "off"))[1]))


def draw_mark(painter: QPainter, state: str, place: QRectF, palette: QPalette) -> None:
    """Draw the mark of a state into a square."""
    shape = _SHAPES.get(state, ("square", "off"))[0]
    colour = tint(state, palette)
    place = place.adjusted(1, 1, -1, -1)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if shape == "disc":
        painter.setBrush(colour)
        painter.drawEllipse(place)
    elif shape == "ring":
        painter.drawEllipse(place)
    elif shape == "half":
        painter.drawEllipse(place)
        painter.setBrush(colour)
        painter.drawPie(place, 90 * 16, -180 * 16)
    elif shape == "square":
        painter.drawRect(place.adjusted(1, 1, -1, -1))
    elif shape == "triangle":
        painter.setBrush(colour)
        painter.drawPolygon(
            QPolygonF([QPointF(place.center().x(), place.top()), place.bottomRight(),
                       place.bottomLeft()])
        )  # fmt: skip
    elif shape == "tick":
        painter.setPen(QPen(colour, 2.5))
        painter.drawPolyline(
            QPolygonF(
                [
                    QPointF(place.left(), place.center().y()),
                    QPointF(place.left() + place.width() * 0.4, place.bottom()),
                    place.topRight(),
                ]
            )
        )
    elif shape == "cross":
        painter.setPen(QPen(colour, 3))
        painter.drawLine(place.topLeft(), place.bottomRight())
        painter.drawLine(place.topRight(), place.bottomLeft())
    painter.restore()


class Mark(QWidget):
    """The mark of a state beside the word that says it; the word is for who cannot see it."""

    def __init__(self, state: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.setFixedSize(14, 14)

    def show_state(self, state: str) -> None:
        """Show another state."""
        if state != self._state:
            self._state = state
            self.update()

    def sizeHint(self) -> QSize:
        """Return its size."""
        return QSize(14, 14)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        with QPainter(self) as painter:
            draw_mark(painter, self._state, QRectF(self.rect()), self.palette())
