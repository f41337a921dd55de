"""Charts of chosen channels: what is on which, the time they show, and what is kept of them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QMenu,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.model import rule_lines
from control_panel.model.actions import Action
from control_panel.model.drawing import Stretch
from control_panel.model.grouping import Grouping, Groups, columns_for, grouped, how_of, moved
from control_panel.model.layouts import ChartLayout, Curve, Layout, Threshold
from control_panel.model.span import Span
from control_panel.model.things import Channel, Rule
from control_panel.qt.charts.panel import ChartPanel
from control_panel.qt.charts.window import WindowBar
from control_panel.qt.flow import Flow
from control_panel.qt.forms import Empty
from control_panel.qt.inline import Said
from control_panel.qt.panel import Panel
from control_panel.qt.readings import moment_utc
from control_panel.qt.texts import tr
from control_panel.qt.views.live.chooser import Chooser
from control_panel.qt.views.live.filling import Filling
from control_panel.qt.views.live.grid import Grid
from control_panel.qt.views.live.layouts_bar import Layouts
from control_panel.qt.views.live.saving import Saving, Wanted, wanted_of

_LOOK_US = 250_000
_SPAN_S = 60.0
_MOST_AT_ONCE = 16
"""So many channels of a device are ticked at once; more of them would show nothing."""


class Charts(QWidget):
    """The tree at the left, charts at the right; `tick` 30 times a second."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._rules: list[Rule] = []
        self._looked_utc = 0
        self.span = Span(round(_SPAN_S * 1e6))
        self.chooser = Chooser(panel.live, self._chart_names)
        self.chooser.chosen_changed.connect(self._arrange)
        self.chooser.move_wanted.connect(self._move)
        self.grid = Grid(panel.live)
        self.grid.made.connect(self._listen)
        self.said = Said()
        self.saving = Saving(self, panel.api, panel.door, self.said)
        self.filling = Filling(panel.api, panel.door, self)
        self.layouts = Layouts(self.layout_shown, panel.history)
        self.layouts.chosen.connect(self.show_layout)
        self.empty = Empty(
            tr("No chart yet"),
            tr("Tick channels at the left to see them move, or choose a layout."),
        )
        self._make_bar()
        self._lay_out()
        self._ends: list[Callable[[], None]] = [
            panel.registry.add(*self._actions()),
            panel.events.listen(["alert-rule"], lambda _: self._ask_rules()),
        ]
        panel.dashboards.changed.connect(self._show_dashboards)
        self._arrange()

    @property
    def panels(self) -> list[ChartPanel]:
        """The charts, in their order."""
        return self.grid.panels

    def _make_bar(self) -> None:
        self.grouping = QComboBox()
        self.grouping.setAccessibleName(tr("One chart for"))
        self.grouping.setToolTip(tr("What one chart is made for"))
        for how, text in (
            (Grouping.UNIT, tr("A chart for each unit")),
            (Grouping.CHANNEL, tr("A chart for each channel")),
            (Grouping.DEVICE, tr("A chart for each device")),
            (Grouping.ONE, tr("All on one chart")),
            (Grouping.HAND, tr("Put together by hand")),
        ):
            self.grouping.addItem(text, how.value)
        self.grouping.activated.connect(lambda _: self._arrange())
        self.window_bar = WindowBar()
        self.window_bar.chosen.connect(self._show_length)
        self.window_bar.held.connect(self.hold)
        self.linked = QCheckBox(tr("Same time"))
        self.linked.setToolTip(tr("All charts show the same time, and pause together"))
        self.linked.setChecked(True)
        self.linked.toggled.connect(self._link)
        self.save = QToolButton()
        self.save.setObjectName("act")
        self.save.setText(tr("Save"))
        self.save.setToolTip(tr("Save readings as CSV, or the charts as picture"))
        self.save.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.save)
        menu.addAction(tr("What is visible as CSV …"), self.save_visible)
        menu.addAction(tr("Everything as CSV …"), self.save_everything)
        menu.addAction(tr("Picture of the charts …"), self.save_picture)
        self.save.setMenu(menu)

    def _lay_out(self) -> None:
        self._bar = Flow([self.grouping, self.window_bar, self.linked, self.layouts, self.save])
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(8, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._bar)
        column.addWidget(self.layouts.naming)
        column.addWidget(self.said)
        column.addWidget(self.empty, 1)
        column.addWidget(self.grid, 1)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.chooser)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([280, 900])
        self.splitter.setCollapsible(1, False)
        self.chooser.setMinimumWidth(210)  # else many charts leave it no room for names
        whole = QVBoxLayout(self)
        whole.addWidget(self.splitter)

    def _actions(self) -> list[Action]:
        def there() -> bool:
            return bool(self.panels)

        return [
            Action("live.pause", tr("Pause or go on with the charts"),
                   lambda: self.hold(self.span.follows), "Live", enabled=there),
            Action("live.save-visible", tr("Save what is visible as CSV"), self.save_visible,
                   "Live", enabled=there, words=tr("export readings")),
            Action("live.save-everything", tr("Save everything as CSV"), self.save_everything,
                   "Live", enabled=there, words=tr("export readings")),
            Action("live.save-picture", tr("Save the charts as picture"), self.save_picture,
                   "Live", enabled=there, words=tr("export PNG image")),
            Action("live.save-layout", tr("Save the layout of the charts"),
                   self.layouts.ask_save, "Live", enabled=there),
        ]  # fmt: skip

    # Time

    def tick(self, now_utc: int) -> None:
        """Let each chart look whether something visible has changed."""
        seen = [panel for panel in self.panels if panel.isVisible()]
        left = max((panel.chart.axis_width for panel in seen), default=0.0)
        for panel in seen:
            panel.chart.least_left = left
            panel.tick(now_utc)
        if abs(now_utc - self._looked_utc) >= _LOOK_US:
            self._looked_utc = now_utc
            self.filling.look([panel.chart for panel in self.panels], now_utc)
            self._show_rules()

    def hold(self, hold: bool) -> None:
        """Let all charts stand still, or go on."""
        for panel in self.panels:
            if hold:
                panel.chart.stand()
            else:
                panel.chart.follow()
        self._show_span()

    def _show_length(self, length_us: int) -> None:
        for panel in self.panels:
            panel.chart.show_span(length_us)
        self.span.show(length_us)
        self._show_span()

    def _show_span(self) -> None:
        self.window_bar.show_span(self.span)
        for panel in self.panels:
            panel.show_span()

    def _link(self, linked: bool) -> None:
        if linked and self.panels:
            self.span = self.panels[0].chart.span
        for panel in self.panels:
            panel.share(self.span if linked else None)
        self.window_bar.setVisible(linked)
        self._bar.arrange()
        self._show_span()

    # What is drawn

    def _unit(self, curve: Curve) -> str:
        return self._panel.live.unit(curve.device, curve.channel)

    def _groups(self) -> Groups:
        return tuple(panel.chart.content.curves for panel in self.panels)

    def _arrange(self) -> None:
        how = Grouping(self.grouping.currentData())
        self._show_groups(grouped(self.chooser.chosen(), how, self._unit, self._groups()))

    def _move(self, curve: Curve, onto: int) -> None:
        groups = moved(self._groups(), curve, onto)
        self.grouping.setCurrentIndex(self.grouping.findData(Grouping.HAND.value))
        self.chooser.show_chosen({(one.device, one.channel) for group in groups for one in group})
        self._show_groups(groups)

    def _show_groups(self, groups: Groups) -> None:
        left = [self._content(panel) for panel in self.panels]
        charts = []
        for curves in groups:
            like = next((one for one in left if set(one.curves) & set(curves)), None)
            if like is None:
                charts.append(ChartLayout(curves, span_s=self.span.length_us / 1e6))
            else:
                left.remove(like)
                charts.append(msgspec.structs.replace(like, curves=curves))
        self._show_charts(charts, columns_for(len(charts)))

    def _show_charts(self, charts: Sequence[ChartLayout], columns: int) -> None:
        shared = self.span if self.linked.isChecked() else None
        self.grid.show_charts(charts, columns, lambda _: shared)
        self.empty.setVisible(not charts)
        self.grid.setVisible(bool(charts))
        self.save.setEnabled(bool(charts))
        self._show_rules()
        self._show_dashboards()
        self._show_span()

    def _content(self, panel: ChartPanel) -> ChartLayout:
        """Return a chart as it is now, with the length of time that it shows."""
        span_s = min(max(panel.chart.span.length_us / 1e6, 1.0), 7 * 86_400.0)
        return msgspec.structs.replace(panel.chart.content, span_s=span_s)

    def _chart_names(self) -> list[str]:
        return [
            tr("chart {number}: {names}").format(
                number=number,
                names=", ".join(one.channel for one in panel.chart.content.curves[:3]),
            )
            for number, panel in enumerate(self.panels, 1)
        ]

    def _listen(self, panel: ChartPanel) -> None:
        panel.chart.span_changed.connect(lambda: self._span_changed(panel))
        panel.chart.cursor_moved.connect(lambda share: self._cursor_moved(panel, share))
        panel.wants_room.connect(lambda: self.grid.show_alone(None if panel.alone else panel))
        panel.wants_removal.connect(lambda: self._remove(panel))
        panel.wants_picture.connect(lambda: self.saving.ask_picture(lambda: panel.grab().toImage()))
        panel.wants_dashboard.connect(lambda: self._open_dashboard(panel))

    def _span_changed(self, changed: ChartPanel) -> None:
        if changed.chart.span is not self.span:
            return
        for panel in self.panels:
            if panel is not changed:
                panel.chart.span_has_changed()
        self._show_span()

    def _cursor_moved(self, moved_one: ChartPanel, share: float | None) -> None:
        for panel in self.panels:
            if panel is not moved_one and panel.chart.span is moved_one.chart.span:
                panel.chart.show_cursor(share)

    def _remove(self, panel: ChartPanel) -> None:
        groups = tuple(one.chart.content.curves for one in self.panels if one is not panel)
        kept = {(one.device, one.channel) for group in groups for one in group}
        self.chooser.show_chosen(kept)
        self._show_groups(groups)

    # Thresholds of rules, and dashboards

    def _ask_rules(self) -> None:
        api = self._panel.api

        def done(rules: list[Rule]) -> None:
            self._rules = rules
            self._show_rules()

        self._panel.door.ask(
            lambda: api.every(route("alert-rules"), Rule), done, lambda _: None, self
        )

    def _show_rules(self) -> None:
        for panel in self.panels:
            lines: dict[Threshold, None] = {}
            for curve in panel.chart.content.curves:
                device = self._panel.fleet.devices.get(curve.device)
                site = device.site if device is not None else None
                lines |= dict.fromkeys(
                    rule_lines.lines_for(
                        self._rules, curve.device, curve.channel, site or "", self._unit(curve)
                    )
                )
            panel.chart.show_rules(tuple(lines))

    def _show_dashboards(self) -> None:
        for panel in self.panels:
            panel.lead_to_dashboard(self._panel.dashboards.known)

    def _open_dashboard(self, panel: ChartPanel) -> None:
        begin_utc, end_utc = panel.chart.visible()
        begin, end = moment_utc(begin_utc), moment_utc(end_utc)
        assert isinstance(begin, datetime)
        assert isinstance(end, datetime)
        devices = dict.fromkeys(one.device for one in panel.chart.content.curves)
        if len(devices) == 1:
            self._open_device(panel, next(iter(devices)), begin, end)
            return
        menu = QMenu(panel.dashboard)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for device in devices:
            menu.addAction(
                device.replace("&", "&&"),
                partial(self._open_device, panel, device, begin, end),
            )
        menu.popup(panel.dashboard.mapToGlobal(panel.dashboard.rect().bottomLeft()))

    def _open_device(self, panel: ChartPanel, device: str, begin: datetime, end: datetime) -> None:
        channels = [one.channel for one in panel.chart.content.curves if one.device == device]
        self._panel.dashboards.open_device(device, begin, end, *channels)

    # Layouts, and what is remembered

    def layout_shown(self, name: str) -> Layout:
        """Return what is shown as a layout of that name."""
        charts = tuple(self._content(panel) for panel in self.panels)
        return Layout(name, charts, columns_for(len(charts)))

    def show_layout(self, layout: Layout) -> None:
        """Show these charts in the place of what is there."""
        if self.linked.isChecked():
            self.span = Span(
                round(layout.charts[0].span_s * 1e6 if layout.charts else _SPAN_S * 1e6)
            )
        groups = tuple(chart.curves for chart in layout.charts)
        self.grouping.setCurrentIndex(self.grouping.findData(how_of(groups, self._unit).value))
        self.chooser.show_chosen({(one.device, one.channel) for group in groups for one in group})
        self._show_charts(layout.charts, columns_for(len(layout.charts)))

    def show_device(self, device: str) -> None:
        """Show the channels of a device; what was shown can be brought back."""
        keys = self.chooser.channels_of(device)
        self.chooser.expand(device)
        if not keys:
            self.said.say(
                tr("Nothing has been heard of {device} yet.").format(device=device), "warning"
            )
            return
        before, how = self.layout_shown(""), self.grouping.currentIndex()
        chosen = keys[:_MOST_AT_ONCE]
        if {(one.device, one.channel) for group in self._groups() for one in group} == set(chosen):
            return
        self.chooser.show_chosen(chosen)
        if Grouping(self.grouping.currentData()) is Grouping.HAND:
            self.grouping.setCurrentIndex(0)
        self._arrange()

        def back() -> None:
            self.show_layout(before)
            self.grouping.setCurrentIndex(how)

        text = tr("These are the channels of {device}.")
        if len(keys) > len(chosen):
            text = tr("These are the first {n} of {all} channels of {device}.")
        text = text.format(device=device, n=len(chosen), all=len(keys))
        if before.charts:
            self.said.say(text, action=tr("Back to what was shown"), then=back)
        elif len(keys) > len(chosen):
            self.said.say(text)

    def state(self) -> dict[str, Any]:
        """Return what is to be remembered, as plain values."""
        return {
            "shown": msgspec.to_builtins(self.layout_shown("shown")),
            "layouts": [msgspec.to_builtins(one) for one in self.layouts.known],
            "layout": self.layouts.current,
            "grouping": self.grouping.currentData(),
            "linked": self.linked.isChecked(),
            "widths": self.splitter.sizes(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what was remembered; what cannot be read is left out."""
        known = [_layout(one) for one in _list(state.get("layouts"))]
        self.layouts.take(
            tuple(one for one in known if one is not None), str(state.get("layout", ""))
        )
        self.linked.setChecked(state.get("linked") is not False)
        shown = _layout(state.get("shown"))
        if shown is not None and shown.charts:
            self.show_layout(shown)
        how = self.grouping.findData(state.get("grouping"))
        if how >= 0:
            self.grouping.setCurrentIndex(how)
        widths = _list(state.get("widths"))
        if len(widths) == 2 and all(isinstance(one, int) for one in widths) and widths[1] > 0:
            self.splitter.setSizes(widths)

    def shown(self) -> None:
        """Ask what else there is: channels that are silent now, rules."""
        api, live = self._panel.api, self._panel.live

        def done(channels: list[Channel]) -> None:
            live.know(channels)
            live.tell()

        self._panel.door.ask(
            lambda: api.every(route("channels"), Channel), done, lambda _: None, self
        )
        self._ask_rules()

    def close_down(self) -> None:
        """Forget what was listened to."""
        self.chooser.stop()
        self.grid.close_down()
        for end in self._ends:
            end()

    # Files

    def wanted(self, everything: bool) -> list[Wanted]:
        """Return what is to be written of each channel, once."""
        found: dict[tuple[Curve, Stretch | None], Wanted] = {}
        for panel in self.panels:
            span = None if everything else panel.chart.visible()
            for trace in panel.chart.traces:
                if (trace.curve, span) not in found:
                    found[trace.curve, span] = wanted_of(trace, span)
        return list(found.values())

    def picture(self) -> QImage:
        """Return the charts as they are seen, also those for which one scrolls."""
        return self.grid.content.grab().toImage()

    def save_visible(self) -> None:
        """Save the readings of the time that is shown."""
        self.saving.ask_csv(lambda: self.wanted(everything=False))

    def save_everything(self) -> None:
        """Save all readings, in memory and stored."""
        self.saving.ask_csv(lambda: self.wanted(everything=True))

    def save_picture(self) -> None:
        """Save what the charts show."""
        self.saving.ask_picture(self.picture)


def _layout(value: object) -> Layout | None:
    try:
        return msgspec.convert(value, Layout)
    except msgspec.ValidationError:
        return None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
