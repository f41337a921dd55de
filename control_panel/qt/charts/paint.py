"""How a field of curves is painted: plain lines of width 1, which software renders quickly."""

import functools
import itertools
import math
from collections.abc import Sequence

import msgspec
import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPolygonF
from shiboken6 import VoidPtr

from control_panel.model.drawing import (
    Field,
    Finest,
    Line,
    Stretch,
    Tick,
    local,
    polyline,
    time_ticks,
    value_ticks,
)
from control_panel.model.layouts import Threshold
from control_panel.model.series import Times, Values
from control_panel.model.units import written
from control_panel.qt import words
from control_panel.qt.charts.colours import Colours
from control_panel.qt.charts.traces import View

_TICK = 4


class Drawn(msgspec.Struct, frozen=True):
    """A curve as it is painted: its letter, colour, axis and what it shows."""

    letter: str
    colour: str
    unit: str
    view: View


class Axis(msgspec.Struct, frozen=True):
    """The values of one unit; `width` of its texts, in pixels."""

    unit: str
    low: float
    high: float
    ticks: Sequence[Tick]
    width: float


class Part(msgspec.Struct, frozen=True):
    """What is painted on one field; `with_times`: the times stand below it."""

    span: Stretch
    axes: Sequence[Axis]
    curves: Sequence[Drawn]
    thresholds: Sequence[Threshold]
    with_times: bool
    left: float


@functools.cache
def shade(name: str) -> QColor:
    """Return a colour by its name; made once, since many are needed for each picture."""
    return QColor(name)


def axis_of(unit: str, low: float, high: float, height: float, metrics: QFontMetrics) -> Axis:
    """Return an axis with the marks that there is room for."""
    ticks = value_ticks(low, high, max(int(height / (metrics.height() * 2.4)), 2), words.decimal)
    widest = max((metrics.horizontalAdvance(tick.text) for tick in ticks), default=0)
    widest = max(widest, metrics.horizontalAdvance(written(unit)))
    step = metrics.averageCharWidth() * 2  # in steps, or the field would tremble
    return Axis(unit, low, high, ticks, math.ceil((widest + 3 * _TICK) / step) * step)


def paint_field(painter: QPainter, area: QRectF, part: Part, colours: Colours) -> QRectF:
    """Paint axes, thresholds and curves; return the rectangle that the curves are in."""
    span, axes = part.span, part.axes
    metrics = painter.fontMetrics()
    field = field_of(area, part, metrics)
    if field.width() < 8 or field.height() < 8:
        return field
    _paint_times(painter, field, span, colours, part.with_times)
    _paint_axes(painter, field, axes, colours)
    painter.save()
    painter.setClipRect(field)
    painter.translate(field.topLeft())
    for drawn in part.curves:
        axis = next(axis for axis in axes if axis.unit == drawn.unit)
        scale = Field(*span, axis.low, axis.high, round(field.width()), round(field.height()))
        _paint_curve(painter, drawn, scale)
    for threshold in part.thresholds:
        for axis in axes[:1] if not threshold.unit else axes:
            if threshold.unit in {"", axis.unit}:
                _paint_threshold(painter, field, axis, threshold, colours)
    painter.restore()
    painter.setPen(shade(colours.frame))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(field)
    return field


def field_of(area: QRectF, part: Part, metrics: QFontMetrics) -> QRectF:
    """Return what axes and their texts leave of an area."""
    line = metrics.height()
    right = sum(axis.width for axis in part.axes[1:]) + 2 * _TICK
    below = line + 2 * _TICK if part.with_times else _TICK
    return QRectF(area.adjusted(part.left, line + _TICK, -right, -below).toRect())


def _paint_axes(painter: QPainter, field: QRectF, axes: Sequence[Axis], colours: Colours) -> None:
    line = painter.fontMetrics().height()
    x = field.left()
    for number, axis in enumerate(axes):
        beside = Qt.AlignmentFlag.AlignRight if number == 0 else Qt.AlignmentFlag.AlignLeft
        beside |= Qt.AlignmentFlag.AlignVCenter
        scale = field.height() / (axis.high - axis.low)
        found = [
            (round(field.bottom() - (tick.at - axis.low) * scale), tick) for tick in axis.ticks
        ]
        marks = [one for one in found if field.top() - 1 <= one[0] <= field.bottom() + 1]
        painter.setPen(shade(colours.grid if number == 0 else colours.frame))
        for y, _ in marks:
            end = field.right() if number == 0 else x + _TICK
            painter.drawLine(QPointF(x, y), QPointF(end, y))
        painter.setPen(shade(colours.faint))
        for y, tick in marks:
            if y < field.top() + line / 2:
                continue  # there stands the unit
            left = field.left() - axis.width if number == 0 else x + 2 * _TICK
            box = QRectF(left, y - line, axis.width - 2 * _TICK, 2 * line)
            painter.drawText(box, beside, tick.text)
        painter.setPen(shade(colours.text))
        top = field.top() - line - _TICK / 2
        if number == 0:
            box = QRectF(field.left() - axis.width + _TICK, top, axis.width - 3 * _TICK, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, written(axis.unit))
            x = field.right()
        else:
            box = QRectF(x + 2 * _TICK, top, axis.width, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft, written(axis.unit))
            x += axis.width


def _paint_times(
    painter: QPainter, field: QRectF, span: Stretch, colours: Colours, texts: bool
) -> None:
    metrics = painter.fontMetrics()
    widest = words.clock(local(round(span.end_utc)), Finest.MILLISECOND)
    width = metrics.horizontalAdvance(widest) + 16
    bottom, half = field.bottom() + _TICK, width / 2
    scale = field.width() / (span.end_utc - span.begin_utc)
    marks = [
        (round(field.left() + (tick.at - span.begin_utc) * scale), tick.text)
        for tick in time_ticks(*span, max(int(field.width() / width), 1), words.clock)
    ]
    painter.setPen(shade(colours.grid))
    for x, _ in marks:
        painter.drawLine(QPointF(x, field.top()), QPointF(x, field.bottom()))
    if not texts:
        return
    painter.setPen(shade(colours.faint))
    for x, text in marks:
        if x + metrics.averageCharWidth() * len(text) / 2 <= field.right() + _TICK:
            box = QRectF(x - half, bottom, width, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, text)


def _paint_curve(painter: QPainter, drawn: Drawn, scale: Field) -> None:
    colour = shade(drawn.colour)
    older = drawn.view.older
    if older is not None and len(older.band_times):
        band = QColor(colour)
        band.setAlpha(48)
        x, high = polyline(Line(older.band_times, older.highs), scale)
        _, low = polyline(Line(older.band_times, older.lows), scale)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(band)
        for begin, end in _pieces(older.band_times):
            outline = zip(
                (*x[begin:end].tolist(), *x[begin:end][::-1].tolist()),
                (*high[begin:end].tolist(), *low[begin:end][::-1].tolist()),
                strict=True,
            )
            painter.drawPolygon(QPolygonF([QPointF(*point) for point in outline]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        _paint_line(painter, older.line, scale, QPen(colour))
    _paint_line(painter, drawn.view.picture.sure, scale, QPen(colour))
    if len(drawn.view.picture.uncertain.times):
        dashed = QPen(colour)
        dashed.setStyle(Qt.PenStyle.DashLine)
        _paint_line(painter, drawn.view.picture.uncertain, scale, dashed)
    _paint_letter(painter, drawn, scale, colour)


def _pieces(times: Times) -> list[tuple[int, int]]:
    """Split the band where a bucket does not begin at the end of the one before."""
    holes = np.flatnonzero(times[2::2] > times[1:-1:2]) * 2 + 2
    edges = [0, *holes.tolist(), len(times)]
    return list(itertools.pairwise(edges))


def _paint_line(painter: QPainter, line: Line, scale: Field, pen: QPen) -> None:
    if not len(line.times):
        return
    painter.setPen(pen)
    x, y = polyline(line, scale)
    broken = np.isnan(y)
    if not broken.any():
        _paint_piece(painter, x, y, pen)
        return
    edges = [-1, *np.flatnonzero(broken).tolist(), len(y)]
    for before, after in itertools.pairwise(edges):
        if after - before > 1:
            _paint_piece(painter, x[before + 1 : after], y[before + 1 : after], pen)


def _paint_piece(painter: QPainter, x: Values, y: Values, pen: QPen) -> None:
    if len(x) == 1:  # which no line shows
        painter.fillRect(QRectF(round(x[0]) - 1, round(y[0]) - 1, 3, 3), pen.color())
    else:
        painter.drawPolyline(_polygon(x, y))


def _polygon(x: Values, y: Values) -> QPolygonF:
    """Write the points where Qt keeps them, two doubles each; one by one takes 100 times as long.

    As PythonQwt and pyqtgraph do it (`array2d_to_qpolygonf`, `arrayToQPolygonF`).
    """
    polygon = QPolygonF()
    polygon.resize(len(x))
    # the stub of VoidPtr knows neither size nor that it is a buffer
    held = VoidPtr(polygon.data(), len(x) * 2 * 8, True)  # type: ignore[call-arg, arg-type]
    points = np.frombuffer(held, dtype=np.float64).reshape(-1, 2)  # type: ignore[call-overload]
    points[:, 0], points[:, 1] = x, y
    return polygon


def _paint_letter(painter: QPainter, drawn: Drawn, scale: Field, colour: QColor) -> None:
    """Put the curve's letter at its end: colour is never the only sign."""
    older = drawn.view.older
    lines = [drawn.view.picture.sure, drawn.view.picture.uncertain]
    if older is not None and not any(len(line.times) for line in lines):
        lines = [older.line]
    for line in lines:
        if len(line.times) and not math.isnan(line.values[-1]):
            metrics = painter.fontMetrics()
            x = (line.times[-1] - scale.begin_utc) * scale.width / (scale.end_utc - scale.begin_utc)
            y = (scale.high - line.values[-1]) * scale.height / (scale.high - scale.low)
            left = min(float(x), scale.width) - metrics.horizontalAdvance(drawn.letter) - 4
            top = min(max(float(y) - 4, metrics.ascent()), scale.height - 2)
            painter.setPen(colour)
            painter.drawText(QPointF(left, top), drawn.letter)


def _paint_threshold(
    painter: QPainter, field: QRectF, axis: Axis, threshold: Threshold, colours: Colours
) -> None:
    metrics = painter.fontMetrics()
    text = f"{threshold.text} {words.number(threshold.value)} {written(axis.unit)}".strip()
    painter.setPen(QPen(shade(colours.threshold), 1, Qt.PenStyle.DashDotLine))
    share = (axis.high - threshold.value) / (axis.high - axis.low)
    if share < 0 or share > 1:
        text = f"{'▲' if share < 0 else '▼'} {text}"
        y = metrics.ascent() + 2.0 if share < 0 else field.height() - metrics.descent() - 2.0
        painter.drawText(QPointF(6, y), text)
        return
    y = round(share * field.height())
    painter.drawLine(QPointF(0, y), QPointF(field.width(), y))
    below = y < metrics.height() + 4
    painter.drawText(QPointF(6, y + metrics.ascent() + 2 if below else y - 4), text)
