"""The icons of the bar, drawn in the colour of the text beside them."""

import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPen, QPixmap, QPolygonF

_GRID = 24.0


def icon(name: str, colour: QColor, size: int = 20) -> QIcon:
    """Draw an icon; one that is not known is a ring."""
    ratio = max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(size / _GRID, size / _GRID)
        pen = QPen(colour, 1.8)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        _DRAWN.get(name, _ring)(painter)
    return QIcon(picture)


def _line(painter: QPainter, *points: tuple[float, float]) -> None:
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))


def _dot(painter: QPainter, x: float, y: float, radius: float = 1.6) -> None:
    painter.save()
    painter.setBrush(painter.pen().color())
    painter.drawEllipse(QPointF(x, y), radius, radius)
    painter.restore()


def _ring(painter: QPainter) -> None:
    painter.drawEllipse(QPointF(12, 12), 8, 8)


def _overview(painter: QPainter) -> None:
    for x, y, width, height in (
        (4, 4, 7, 9), (13.5, 4, 6.5, 5), (4, 15.5, 7, 4.5), (13.5, 11.5, 6.5, 8.5),
    ):  # fmt: skip
        painter.drawRoundedRect(QRectF(x, y, width, height), 1.5, 1.5)


def _devices(painter: QPainter) -> None:
    painter.drawRoundedRect(QRectF(6, 6, 12, 12), 2, 2)
    painter.drawRect(QRectF(10, 10, 4, 4))
    for at in (9.0, 15.0):
        for begin, end in (((at, 3), (at, 6)), ((at, 18), (at, 21))):
            _line(painter, begin, end)
            _line(painter, (begin[1], begin[0]), (end[1], end[0]))


def _live(painter: QPainter) -> None:
    _line(painter, (2.5, 13), (7, 13), (10, 5), (14, 19), (17, 11), (18.5, 13), (21.5, 13))


def _pipeline(painter: QPainter) -> None:
    for x in (5.0, 12.0, 19.0):
        painter.drawEllipse(QPointF(x, 12), 2.6, 2.6)
    _line(painter, (8, 12), (9, 12))
    _line(painter, (15, 12), (16, 12))


def _alerts(painter: QPainter) -> None:
    _line(painter, (5, 17), (7, 14), (7, 10))
    painter.drawArc(QRectF(7, 4, 10, 12), 0, 180 * 16)
    _line(painter, (17, 10), (17, 14), (19, 17), (5, 17))
    painter.drawArc(QRectF(9.5, 15.5, 5, 5), 180 * 16, 180 * 16)


def _completeness(painter: QPainter) -> None:
    painter.drawRoundedRect(QRectF(4, 4, 16, 16), 2.5, 2.5)
    _line(painter, (8, 12.5), (11, 15.5), (16.5, 8.5))


def _boards(painter: QPainter) -> None:
    painter.drawRoundedRect(QRectF(3, 6, 18, 12), 2, 2)
    for x in (7.0, 11.0, 15.0):
        _dot(painter, x, 9.5, 0.7)
    painter.drawEllipse(QPointF(8, 14), 1.6, 1.6)
    painter.drawEllipse(QPointF(14, 14), 1.6, 1.6)


def fieldline(size: int = 128) -> QIcon:
    """Draw the sign of Fieldline: lines of a field that pass through a point."""
    picture = QPixmap(size, size)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(size / _GRID, size / _GRID)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#0b62ba"))
        painter.drawRoundedRect(QRectF(0.5, 0.5, 23, 23), 5, 5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for height in (-6.0, 0.0, 6.0):
            painter.setPen(QPen(QColor("#ffffff"), 1.5))
            _line(
                painter,
                *((3.5 + x, 12 + height * math.cos(math.pi * (x - 8.5) / 22)) for x in range(18)),
            )
        painter.setPen(QColor("#ffffff"))
        _dot(painter, 12, 12, 2.4)
    return QIcon(picture)


_DRAWN: dict[str, Callable[[QPainter], None]] = {
    "overview": _overview,
    "devices": _devices,
    "live": _live,
    "pipeline": _pipeline,
    "alerts": _alerts,
    "completeness": _completeness,
    "boards": _boards,
}
