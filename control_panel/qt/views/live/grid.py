"""The charts side by side, as many as there are; what stays the same is not made anew."""

import math
from collections.abc import Callable, Sequence

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from control_panel.model.layouts import ChartLayout
from control_panel.model.live import Live
from control_panel.model.span import Span
from control_panel.qt.charts.panel import ChartPanel
from control_panel.qt.texts import tr

_LEAST_WIDTH = 230


class Grid(QScrollArea):
    """Shows charts in columns; with `span` they all share one time."""

    made = Signal(object)
    """A ChartPanel that is new."""

    def __init__(self, live: Live, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._live = live
        self.panels: list[ChartPanel] = []
        self.content = QWidget()
        self._grid = QGridLayout(self.content)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self._columns = 1
        self._placed: tuple[int, tuple[ChartPanel, ...]] = (0, ())
        self._alone: ChartPanel | None = None
        self.setWidget(self.content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Charts"))

    def show_charts(
        self,
        charts: Sequence[ChartLayout],
        columns: int,
        span_of: Callable[[ChartLayout], Span | None],
    ) -> None:
        """Show these; `span_of` gives the span that a chart shares with others."""
        past = {trace.curve: trace.past for one in self.panels for trace in one.chart.traces}
        left = {_look(one.chart.content): one for one in self.panels}
        panels = []
        for layout in charts:
            shared = span_of(layout)
            kept = left.get(_look(layout))
            if kept is not None:
                del left[_look(layout)]
                kept.share(shared)
                panels.append(kept)
                continue
            made = ChartPanel(self._live, layout, shared)
            made.setMinimumWidth(_LEAST_WIDTH)  # its height is its own to say
            for trace in made.chart.traces:
                known = past.get(trace.curve)
                if known is not None:
                    trace.take(known)
            panels.append(made)
            self.made.emit(made)
        for gone in left.values():
            gone.chart.close_down()
            gone.hide()
            gone.deleteLater()
        if self._alone not in panels:
            self._alone = None
        self.panels, self._columns = panels, columns
        self._place()

    def show_alone(self, panel: ChartPanel | None) -> None:
        """Show one of them alone, or all again."""
        self._alone = panel
        self._place()

    def close_down(self) -> None:
        """Let go of the channels."""
        for panel in self.panels:
            panel.chart.close_down()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Charts that would be too narrow go below one another."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        shown = self.panels if self._alone is None else [self._alone]
        room = self.viewport().size()
        columns = max(min(self._columns, len(shown), room.width() // _LEAST_WIDTH), 1)
        rows = max(math.ceil(len(shown) / columns), 1)
        placed = (columns, tuple(shown))
        if placed != self._placed:
            self._placed = placed
            while self._grid.takeAt(0) is not None:
                pass
            for number in range(max(self._grid.columnCount(), columns)):
                self._grid.setColumnStretch(number, int(number < columns))
            for number in range(max(self._grid.rowCount(), rows)):
                self._grid.setRowStretch(number, int(number < rows))
            for number, panel in enumerate(shown):
                self._grid.addWidget(panel, *divmod(number, columns))
            for panel in self.panels:
                panel.alone = panel is self._alone
                panel.setVisible(panel in shown)
        for panel in shown:
            panel.show_room(room.width() // columns, room.height() // rows)


def _look(layout: ChartLayout) -> ChartLayout:
    """Return what makes a chart what it is; the length of time changes in it."""
    return msgspec.structs.replace(layout, span_s=1.0)
