"""The chart: curves of channels over time, painted when something visible has changed."""

import math
from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from control_panel.model.drawing import Finest, Statistics, Stretch, decimals, local, value_range
from control_panel.model.layouts import Arrangement, ChartLayout, Threshold
from control_panel.model.live import Live
from control_panel.model.span import Span
from control_panel.model.units import written
from control_panel.qt import words
from control_panel.qt.charts.colours import colours_of
from control_panel.qt.charts.paint import Axis, Drawn, Part, axis_of, paint_field, shade
from control_panel.qt.charts.traces import Trace
from control_panel.qt.texts import tr

NOTHING = "\N{EN DASH}"
"""Stands where there is no value."""
_PAN = 0.1
_AXES = 100
_SLOW_US, _PACE_US = 1_000_000, 500_000
_ZOOM = 1.25


class Chart(QWidget):
    """Channels of one layout; `tick` 30 times a second makes it look whether to paint.

    Wheel: zoom. Drag, or Left and Right: move in time. Plus, minus: zoom. Space: stand still or
    go on. End: now. Home: the oldest reading. Shift with Left or Right: cursor; Escape hides it.
    """

    span_changed = Signal()
    cursor_moved = Signal(object)
    """The share of the width that the cursor is at, None if it is hidden."""

    def __init__(
        self,
        live: Live,
        layout: ChartLayout,
        span: Span | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`span`: one that several charts share."""
        super().__init__(parent)
        self._live = live
        self.content = layout
        self.traces = [Trace(live, curve) for curve in layout.curves]
        self._unwatch = live.watch((curve.device, curve.channel) for curve in layout.curves)
        self.span = span or Span(round(layout.span_s * 1_000_000))
        self._rules: tuple[Threshold, ...] = ()
        self._now_utc = 0
        self._taken_before = 0
        self._followed = True
        self._shown: tuple[object, ...] = ()
        self._shown_utc = 0
        self._axes: dict[tuple[str, int], Axis] = {}
        self._field_axes: list[list[Axis]] = []
        self._fields: list[QRectF] = []
        self._cursor: float | None = None
        self._dragged: float | None = None
        self.axis_width = 8.0
        """How wide the values at the left are, in pixels."""
        self.least_left = 0.0
        """How much room they are given at least, so that charts stand in line."""
        self.paints = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        names = ", ".join(trace.name for trace in self.traces)
        self.setAccessibleName(tr("Chart of {names}").format(names=names or tr("no channel")))
        self.setAccessibleDescription(
            tr(
                "Left and right move in time, plus and minus zoom, space stands still or goes on, "
                "End shows now, Shift with left and right moves the cursor."
            )
        )

    def sizeHint(self) -> QSize:
        """Return a size at which axes can be read."""
        return QSize(480, 240)

    def minimumSizeHint(self) -> QSize:
        """Return the least size that shows anything."""
        return QSize(160, 90)

    # What is shown

    def close_down(self) -> None:
        """Let go of the channels: they are kept at length only for who watches them."""
        self._unwatch()

    def tick(self, now_utc: int) -> bool:
        """Take the time; ask for a repaint if what is visible has changed."""
        self._now_utc = now_utc
        if not self.isVisible():
            return False
        shown = (self.visible(), self.least_left, *(trace.version for trace in self.traces))
        if shown == self._shown or (
            # Of hours a reading is less than a pixel: it waits until there are some of them.
            self._shown
            and shown[0] == self._shown[0]
            and 0 <= now_utc - self._shown_utc < self._pace()
        ):
            return False
        self._shown, self._shown_utc = shown, now_utc
        self.update()
        return True

    def _pace(self) -> int:
        step_us = self.span.length_us // max(self._pixels(), 1)
        return min(step_us, _PACE_US) if step_us > _SLOW_US else 0

    def visible(self) -> Stretch:
        """Return the time that is shown."""
        return self.span.window(self._now_utc, max(self._pixels(), 1))

    def statistics(self) -> list[Statistics]:
        """Describe the visible part of each curve."""
        return [trace.statistics(self.visible()) for trace in self.traces]

    def readings_meanwhile(self) -> int:
        """Return how many readings have come since the chart stands still."""
        if self.span.follows:
            return 0
        return sum(trace.taken for trace in self.traces) - self._taken_before

    def cursor_values(self) -> list[tuple[Trace, tuple[int, float] | None]]:
        """Return the values at the cursor, if there is one."""
        at = self.cursor_utc()
        if at is None:
            return []
        visible = self.visible()
        return [(trace, trace.near(at, visible)) for trace in self.traces]

    def cursor_utc(self) -> int | None:
        """Return the time under the cursor."""
        if self._cursor is None:
            return None
        begin_utc, end_utc = self.visible()
        return begin_utc + round(self._cursor * (end_utc - begin_utc))

    # What the person does

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """Those set by hand, and those of alert rules."""
        own = self.content.thresholds
        lines = {(one.value, one.unit) for one in own}
        return own + tuple(one for one in self._rules if (one.value, one.unit) not in lines)

    def show_rules(self, rules: tuple[Threshold, ...]) -> None:
        """Draw the thresholds of alert rules, too."""
        if rules != self._rules:
            self._rules = rules
            self.update()

    def set_thresholds(self, thresholds: tuple[Threshold, ...]) -> None:
        """Draw these lines, which belong to the layout."""
        self.content = msgspec.structs.replace(self.content, thresholds=thresholds)
        self.update()

    def arrange(self, arrangement: Arrangement) -> None:
        """Draw the curves on one field, or each on its own."""
        self.content = msgspec.structs.replace(self.content, arrangement=arrangement)
        self.update()

    def axis_range(self, unit: str) -> tuple[float, float]:
        """Return the ends of the axis of a unit, as it is painted."""
        axes = [axis for field in self._field_axes for axis in field if axis.unit == unit]
        return (axes[0].low, axes[0].high) if axes else (0.0, 1.0)

    @property
    def waits(self) -> bool:
        """Whether something visible is being asked for."""
        return any(trace.asks for trace in self.traces)

    def value_under(self, point: QPointF) -> tuple[float, str] | None:
        """Return the value and unit of the first axis at a place in the chart."""
        for field, axes in zip(self._fields, self._field_axes, strict=True):
            if axes and field.contains(point):
                low, high = axes[0].low, axes[0].high
                return high - (point.y() - field.top()) / field.height() * (high - low), axes[
                    0
                ].unit
        return None

    def use_span(self, span: Span) -> None:
        """Show the time of another span."""
        self.span = span
        self.span_has_changed()

    def stand(self) -> None:
        """Stop moving; readings are still taken in."""
        if self.span.follows:
            self.span.stand(self._now_utc)
            self._moved()

    def follow(self) -> None:
        """Move with time again."""
        self.span.follow()
        self._moved()

    def show_span(self, length_us: int) -> None:
        """Show a window of this length."""
        self.span.show(length_us)
        self._moved()

    def zoom(self, factor: float, share: float = 0.5) -> None:
        """Show a window `factor` times as long, around a share of the width."""
        self.span.zoom(factor, share, self._now_utc)
        self._moved()

    def pan(self, share: float) -> None:
        """Move by a share of the width and stand still."""
        self.stand()
        self.span.pan(round(share * self.span.length_us), self._now_utc)
        self._moved()

    def show_oldest(self) -> None:
        """Go to the oldest reading in memory."""
        oldest = [at for trace in self.traces if (at := trace.oldest_utc) is not None]
        if oldest:
            self.stand()
            self.span.go_to(min(min(oldest) + self.span.length_us, self._now_utc))
            self._moved()

    def set_cursor(self, share: float | None) -> None:
        """Put the cursor at a share of the width, or hide it."""
        self.show_cursor(share)
        self.cursor_moved.emit(self._cursor)

    def show_cursor(self, share: float | None) -> None:
        """Show a cursor that somebody else has put there."""
        self._cursor = None if share is None else min(max(share, 0.0), 1.0)
        self.update()

    def span_has_changed(self) -> None:
        """Show it; somebody else may have changed a span that is shared."""
        if self._followed and not self.span.follows:
            self._taken_before = sum(trace.taken for trace in self.traces)
        self._followed = self.span.follows
        self.update()

    def _moved(self) -> None:
        self.span_has_changed()
        self.span_changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Everything the mouse can do."""
        key = event.key()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            sign = -1 if key == Qt.Key.Key_Left else 1
            if shift:
                self.set_cursor((0.5 if self._cursor is None else self._cursor) + sign * 0.01)
            else:
                self.pan(sign * _PAN)
        elif key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Up}:
            self.zoom(1 / _ZOOM)
        elif key in {Qt.Key.Key_Minus, Qt.Key.Key_Down}:
            self.zoom(_ZOOM)
        elif key == Qt.Key.Key_Space:
            self.stand() if self.span.follows else self.follow()
        elif key == Qt.Key.Key_End:
            self.follow()
        elif key == Qt.Key.Key_Home:
            self.show_oldest()
        elif key == Qt.Key.Key_Escape and self._cursor is not None:
            self.set_cursor(None)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer."""
        turns = event.angleDelta().y() / 120
        if turns:
            self.zoom(_ZOOM**-turns, self._share(event.position().x()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged = event.position().x()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the curves, or move the cursor."""
        x = event.position().x()
        if self._dragged is None:
            self.set_cursor(self._share(x))
        elif abs(x - self._dragged) >= 1:
            self.pan((self._dragged - x) / max(self._pixels(), 1))
            self._dragged = x

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End dragging."""
        self._dragged = None

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the cursor."""
        self.set_cursor(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that keys go here."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that keys go elsewhere."""
        self.update()

    def _share(self, x: float) -> float:
        if not self._fields:
            return 0.5
        field = self._fields[0]
        return min(max((x - field.left()) / max(field.width(), 1), 0.0), 1.0)

    def _pixels(self) -> int:
        return round(self._fields[0].width()) if self._fields else self.width()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint all of it."""
        painter = QPainter(self)
        self.paint(painter, QRectF(self.rect()))
        painter.end()
        self.paints += 1

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """Paint the chart into an area, of the widget or of a picture."""
        colours = colours_of(self.palette())
        painter.setFont(self.font())
        painter.fillRect(area, shade(colours.field))
        visible = self.visible()
        pixels = max(self._pixels(), 1)
        drawn = [
            Drawn(
                letter_of(number),
                colours.curves[number % len(colours.curves)],
                trace.unit,
                trace.view(visible, pixels),
            )
            for number, trace in enumerate(self.traces)
        ]
        together = self.content.arrangement is Arrangement.TOGETHER
        groups = [drawn] if together or not drawn else [[curve] for curve in drawn]
        height = area.height() / len(groups)
        fields = []
        all_axes = [self._axes_of(group, height, painter.fontMetrics()) for group in groups]
        self.axis_width = max((axes[0].width for axes in all_axes if axes), default=8.0)
        left = max(self.axis_width, self.least_left)
        thresholds = self.thresholds
        for number, (group, axes) in enumerate(zip(groups, all_axes, strict=True)):
            part = QRectF(area.left(), area.top() + number * height, area.width(), height)
            last = number == len(groups) - 1
            fields.append(
                paint_field(
                    painter, part, Part(visible, axes, group, thresholds, last, left), colours
                )
            )
        self._field_axes = all_axes
        self._fields = fields
        if not any(not math.isnan(curve.view.low) for curve in drawn):
            painter.setPen(shade(colours.faint))
            painter.drawText(
                fields[0].adjusted(8, 0, -8, 0),
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                self._why_empty() if drawn else tr("Choose a channel to draw."),
            )
        if any(curve.view.uncertain for curve in drawn):
            painter.setPen(shade(colours.faint))
            painter.drawText(
                fields[0].adjusted(0, -painter.fontMetrics().height() - 4, 0, 0),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop,
                tr("dashed: time uncertain"),
            )
        self._paint_cursor(painter, drawn)
        if self.hasFocus():
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area.adjusted(1, 1, -1, -1))

    def _why_empty(self) -> str:
        if any(trace.is_missing(self.visible()) for trace in self.traces):
            return tr("Older readings are being fetched …")
        return tr("No readings in this time.")

    def _axes_of(self, group: Sequence[Drawn], height: float, metrics: QFontMetrics) -> list[Axis]:
        """Return an axis a unit, which follows its curves without trembling."""
        axes = []
        for unit in dict.fromkeys(curve.unit for curve in group):
            those = [curve for curve in group if curve.unit == unit]
            low, high = value_range(
                [curve.view.low for curve in those], [curve.view.high for curve in those]
            )
            key = f"{group[0].letter} {unit}", round(height)
            before = self._axes.get(key)
            if before is not None and (
                before.low <= low <= high <= before.high
                and high - low > 0.7 * (before.high - before.low)
            ):
                axes.append(before)
                continue
            if key not in self._axes and len(self._axes) > _AXES:
                self._axes.clear()
            self._axes[key] = axis_of(unit, low, high, height, metrics)
            axes.append(self._axes[key])
        return axes

    def _paint_cursor(self, painter: QPainter, drawn: Sequence[Drawn]) -> None:
        at = self.cursor_utc()
        if at is None or self._cursor is None or not self._fields or not drawn:
            return
        colours = colours_of(self.palette())
        metrics = painter.fontMetrics()
        first = self._fields[0]
        x = round(first.left() + self._cursor * first.width())
        painter.setPen(shade(colours.faint))
        for field in self._fields:
            painter.drawLine(QPointF(x, field.top()), QPointF(x, field.bottom()))
        lines = [(colours.faint, words.clock(local(at), Finest.MILLISECOND))]
        for curve, (_trace, found) in zip(drawn, self.cursor_values(), strict=True):
            text = NOTHING if found is None else in_words(found[1], curve.view.low, curve.view.high)
            lines.append((curve.colour, f"{curve.letter}  {text} {written(curve.unit)}"))
        width = max(metrics.horizontalAdvance(text) for _, text in lines) + 16
        height = metrics.height() * len(lines) + 10
        left = x + 8 if x + 8 + width < first.right() else x - 8 - width
        box = QRectF(left, first.top() + 6, width, height)
        background = QColor(colours.field)
        background.setAlpha(235)
        painter.setBrush(background)
        painter.setPen(shade(colours.frame))
        painter.drawRoundedRect(box, 4, 4)
        for number, (colour, text) in enumerate(lines):
            painter.setPen(shade(colour))
            y = box.top() + 5 + metrics.ascent() + number * metrics.height()
            painter.drawText(QPointF(box.left() + 8, y), text)


def letter_of(number: int) -> str:
    """Return A to Z, then A1 …: how a curve is called on its chart."""
    letter = chr(ord("A") + number % 26)
    return letter if number < 26 else f"{letter}{number // 26}"


def in_words(value: float, low: float, high: float) -> str:
    """Return a value with as many decimals as the visible range needs."""
    if math.isnan(value):
        return NOTHING
    return words.decimal(value, decimals(low, high))
