"""A chart with what belongs to it: its window, legend and the statistics of the visible part."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.drawing import Statistics, Stretch, decimals
from control_panel.model.layouts import Arrangement, ChartLayout, Threshold
from control_panel.model.live import Live
from control_panel.model.span import Span
from control_panel.model.units import written
from control_panel.qt import words
from control_panel.qt.charts.chart import NOTHING, Chart, in_words, letter_of
from control_panel.qt.charts.colours import colours_of
from control_panel.qt.charts.thresholds import Thresholds
from control_panel.qt.charts.window import WindowBar
from control_panel.qt.texts import tr

_STATISTICS_EVERY_US = 500_000
_TABLE_WIDTH, _TABLE_HEIGHT = 560, 290
_NARROW = 420
_ROWS = 4


class ChartPanel(QWidget):
    """One chart of the live view; `tick` it 30 times a second."""

    wants_dashboard = Signal()
    wants_room = Signal()
    """To be the only chart, or one among others again."""
    wants_picture = Signal()
    wants_removal = Signal()
    changed = Signal()
    """Something of its layout has been changed by hand."""

    def __init__(
        self,
        live: Live,
        layout: ChartLayout,
        span: Span | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`span`: one that charts share, which is then chosen elsewhere."""
        super().__init__(parent)
        self.chart = Chart(live, layout, span)
        self._statistics_utc = 0
        self.window_bar = WindowBar()
        self.window_bar.setVisible(span is None)
        self.window_bar.chosen.connect(self.chart.show_span)
        self.window_bar.held.connect(self._hold)
        self._meanwhile = QLabel()
        self._legend = QLabel()
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._title = QLabel(layout.title)
        self._title.setStyleSheet("font-weight: 600")
        self._title.setVisible(bool(layout.title))
        self.dashboard = QPushButton(tr("Grafana"))
        self.dashboard.setToolTip(tr("Opens Grafana in the browser at the time that is shown"))
        self.dashboard.clicked.connect(self.wants_dashboard)
        self.dashboard.hide()
        self.more = QToolButton()
        self.more.setObjectName("act")
        self.more.setText("⋯")
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.more.setToolTip(tr("More of this chart"))
        self.more.setAccessibleName(tr("More of this chart"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(lambda: self._fill(self.menu, None))
        self.more.setMenu(self.menu)
        bar = QHBoxLayout()
        bar.setSpacing(8)
        bar.addWidget(self._title)
        bar.addWidget(self.window_bar)
        bar.addWidget(self._legend, 1)
        for widget in (self._meanwhile, self.dashboard, self.more):
            bar.addWidget(widget)
        self.thresholds = Thresholds()
        self.thresholds.changed.connect(self._set_thresholds)
        self._table = self._make_table()
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        column.addLayout(bar)
        column.addWidget(self.thresholds)
        column.addWidget(self.chart, 1)
        column.addWidget(self._table)
        self.chart.span_changed.connect(self.show_span)
        self.chart.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.chart.customContextMenuRequested.connect(self._open_menu)
        self.alone = False
        self._narrow = self._has_dashboard = False
        self.show_span()

    def tick(self, now_utc: int) -> None:
        """Take the time, and show what is new."""
        self.chart.tick(now_utc)
        text = self._state_text()
        if text != self._meanwhile.text():
            self._meanwhile.setText(text)
        if self.isVisible() and abs(now_utc - self._statistics_utc) >= _STATISTICS_EVERY_US:
            self._statistics_utc = now_utc
            self._show_statistics()

    def share(self, span: Span | None) -> None:
        """Show the time of that span from now on, or go on with one of its own."""
        own = self.chart.span.copy() if self.window_bar.isHidden() else self.chart.span
        self.chart.use_span(span or own)
        self.window_bar.setVisible(span is None)
        self.show_span()

    def show_span(self) -> None:
        """Show which time is shown."""
        self.window_bar.show_span(self.chart.span)
        self._statistics_utc = 0

    def showEvent(self, event: QShowEvent) -> None:
        """Show statistics at once."""
        self._statistics_utc = 0
        super().showEvent(event)

    def show_room(self, width: int, height: int) -> None:
        """Take so much room: statistics need some; without it the legend says what is newest."""
        self._table.setVisible(width >= _TABLE_WIDTH and height >= _TABLE_HEIGHT)
        self._narrow = width < _NARROW
        self._show_dashboard()
        self._statistics_utc = 0

    def lead_to_dashboard(self, known: bool) -> None:
        """Offer the way to Grafana, if there is one."""
        self._has_dashboard = known
        self._show_dashboard()

    def _show_dashboard(self) -> None:
        self.dashboard.setVisible(self._has_dashboard and not self._narrow)

    def _state_text(self) -> str:
        if self.chart.waits:
            return tr("Older readings are being fetched …")
        trouble = next((trace.trouble for trace in self.chart.traces if trace.trouble), "")
        if trouble:
            return tr("Older readings are not there: {why}").format(why=trouble)
        if self.chart.span.follows:
            return ""
        came = self.chart.readings_meanwhile()
        return tr("{count} readings came since").format(count=words.count(came)) if came else ""

    def _make_table(self) -> QTableWidget:
        names = [tr("Curve"), tr("Channel"), tr("Unit"), tr("Readings"), tr("Mean")]
        names += [tr("Lowest"), tr("Highest"), tr("Deviation"), tr("Last")]
        table = QTableWidget(len(self.chart.traces), len(names))
        table.setAccessibleName(tr("Statistics of the visible part"))
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        for column, name in enumerate(names):
            heading = QTableWidgetItem(name)
            heading.setTextAlignment(right if column > 2 else left)
            table.setHorizontalHeaderItem(column, heading)
        for row in range(table.rowCount()):
            for column in range(table.columnCount()):
                item = QTableWidgetItem()
                if column > 2:
                    item.setTextAlignment(right)
                table.setItem(row, column, item)
        rows = min(max(table.rowCount(), 1), _ROWS)
        height = header.sizeHint().height() + rows * table.verticalHeader().defaultSectionSize()
        table.setFixedHeight(height + 4)
        return table

    def _show_statistics(self) -> None:
        colours = colours_of(self.palette())
        visible = self.chart.visible()
        self._show_legend(visible)
        if self._table.isHidden():
            return
        for row, (trace, found) in enumerate(
            zip(self.chart.traces, self.chart.statistics(), strict=True)
        ):
            guessed = bool(trace.window(visible).uncertain.any())
            name = f"{trace.name} {tr('(dashed: time uncertain)')}" if guessed else trace.name
            texts = [letter_of(row), name, written(trace.unit), words.count(found.count)]
            for column, text in enumerate([*texts, *_numbers(found)]):
                item = self._table.item(row, column)
                if item is not None and item.text() != text:
                    item.setText(text)
            letter = self._table.item(row, 0)
            if letter is not None:
                letter.setForeground(QColor(colours.curves[row % len(colours.curves)]))

    def _show_legend(self, visible: Stretch) -> None:
        """Say of each curve what it is and its newest value, in fewer words where room is short."""
        colours = colours_of(self.palette()).curves
        devices = {trace.curve.device for trace in self.chart.traces}
        device = next(iter(devices)) if len(devices) == 1 else ""
        names, values = [], []
        for trace in self.chart.traces:
            last = trace.last(visible)
            said = "" if last is None else in_words(last, *trace.range)
            names.append(trace.label if device else trace.name)
            values.append(f"{said} {written(trace.unit)}".rstrip() if said else "")

        def fits(title: str, short: Sequence[str], said: Sequence[str]) -> bool:
            each = (f"W {one} {value}" for one, value in zip(short, said, strict=True))
            needed = "WW".join([title, *each] if title else each)
            return self._legend.fontMetrics().horizontalAdvance(needed) <= self._legend.width()

        def legend(title: str, short: Sequence[str], said: Sequence[str]) -> list[str]:
            return [_plain(title)] * bool(title) + [
                f'<span style="color:{colours[row % len(colours)]}"><b>{letter_of(row)}</b>'
                f" {_plain(name)}</span> {_plain(value)}"
                for row, (name, value) in enumerate(zip(short, said, strict=True))
            ]

        nothing = [""] * len(names)
        ways = [(device, names, values), ("", names, values)]
        ways += [("", [_shortened(name, most) for name in names], values) for most in (14, 8)]
        ways += [("", nothing, values), ("", nothing, nothing)]
        way = next((way for way in ways if fits(*way)), ways[-1])
        text = "&nbsp;&nbsp; ".join(legend(*way))
        if text != self._legend.text():
            self._legend.setText(text)
            self._legend.setToolTip("<br>".join(legend(device, names, values)))

    def _hold(self, hold: bool) -> None:
        if hold:
            self.chart.stand()
        else:
            self.chart.follow()
        self.show_span()

    # What more there is to do

    def units(self) -> list[str]:
        """Return the units of its curves."""
        return list(dict.fromkeys(trace.unit for trace in self.chart.traces))

    def edit_thresholds(self) -> None:
        """Let the person set lines."""
        self.thresholds.open(self.chart.content.thresholds, self.units())

    def _set_thresholds(self, thresholds: Sequence[Threshold]) -> None:
        self.chart.set_thresholds(tuple(thresholds))
        self.changed.emit()

    def _arrange(self, arrangement: Arrangement) -> None:
        self.chart.arrange(arrangement)
        self.changed.emit()

    def _open_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._fill(menu, QPointF(at))
        menu.popup(self.chart.mapToGlobal(at))

    def _fill(self, menu: QMenu, at: QPointF | None) -> None:
        menu.clear()
        here = None if at is None else self.chart.value_under(at)
        if here is not None:
            value, unit = here
            axis = self.chart.axis_range(unit)
            rounded = round(value, decimals(*axis))
            text = tr("Threshold at {value} {unit}").format(
                value=words.number(rounded), unit=written(unit)
            )
            menu.addAction(text.strip(), lambda: self._put(Threshold(rounded, unit)))
        menu.addAction(tr("Thresholds …"), self.edit_thresholds)
        if len(self.chart.traces) > 1:
            beside = self.chart.content.arrangement is Arrangement.BESIDE
            wanted = Arrangement.TOGETHER if beside else Arrangement.BESIDE
            text = tr("Curves on one field") if beside else tr("Each curve on its own field")
            menu.addAction(text, lambda: self._arrange(wanted))
        if self._has_dashboard:
            menu.addAction(tr("Open in Grafana"), self.wants_dashboard.emit)
        menu.addSeparator()
        text = tr("Show all charts") if self.alone else tr("Show this chart alone")
        menu.addAction(text, self.wants_room.emit)
        menu.addAction(tr("Save picture of this chart …"), self.wants_picture.emit)
        menu.addSeparator()
        menu.addAction(tr("Remove this chart"), self.wants_removal.emit)

    def _put(self, threshold: Threshold) -> None:
        self.thresholds.open(self.chart.content.thresholds, self.units())
        self.thresholds.put(threshold)


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(" ", "&nbsp;")


def _numbers(found: Statistics) -> list[str]:
    low, high = found.minimum, found.maximum
    values = (found.mean, low, high, found.deviation, found.last)
    return [NOTHING if math.isnan(value) else in_words(value, low, high) for value in values]
