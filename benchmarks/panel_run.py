"""The panel with charts of the first channels, watched from inside; see `panel_rig.Running`.

Each second it prints a line of JSON: the longest pause between two beats of a timer in the window's
thread, the bytes that readings take on purpose, how many messages have come, and of each reading
how long it took from its time until it was painted. Not a benchmark of its own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from control_panel.model.layouts import ChartLayout, Curve, Layout
from control_panel.model.live import Changes
from control_panel.model.places import Place
from control_panel.model.series import BYTES_A_READING
from control_panel.qt.application import Panels
from control_panel.qt.charts.chart import Chart
from control_panel.qt.views.live.view import LiveView

BEAT_MS = 5
VISIT_S = 30
SPAN_S = 60.0


class Watched:
    """A panel, and what it says of itself."""

    def __init__(self, panels: Panels, devices: int, channels: int) -> None:
        self._panels = panels
        self._layout = Layout(
            "", tuple(
                ChartLayout(tuple(Curve(f"dev-{n}", f"c{m}") for m in range(channels)),
                            span_s=SPAN_S)
                for n in range(devices)
            ),
        )  # fmt: skip
        self._charts: dict[str, Chart] = {}
        self._waiting: list[tuple[Chart, int, int]] = []
        self._painted_ms: list[float] = []
        self._last = time.perf_counter()
        self._gap = 0.0
        self._seconds = 0
        self._beat = QTimer(interval=BEAT_MS)
        self._beat.timeout.connect(self._beats)
        self._beat.start()
        self._second = QTimer(interval=1000)
        self._second.timeout.connect(self._tell)
        self._second.start()

    def _beats(self) -> None:
        now = time.perf_counter()
        self._gap = max(self._gap, now - self._last - BEAT_MS / 1000)
        self._last = now
        now_utc = time.time_ns() // 1000
        left = []
        for chart, before, time_utc in self._waiting:
            if chart.paints > before:
                self._painted_ms.append((now_utc - time_utc) / 1000)
            elif chart.isVisible():
                left.append((chart, before, time_utc))
        self._waiting = left

    def _tell(self) -> None:
        connected, window = self._panels.connected, self._panels.window
        if connected is None or not connected.up:
            return
        if not self._charts:
            window.goto(Place("live"))
            view = window.stack.currentWidget()
            assert isinstance(view, LiveView)
            view.charts.show_layout(self._layout)
            self._charts = {
                panel.chart.content.curves[0].device: panel.chart for panel in view.charts.panels
            }
            connected.panel.live.listen(self._heard)
        self._seconds += 1
        # Now and then another view is looked at for a second.
        others = ["overview", "devices", "pipeline", "alerts", "completeness"]
        visit, rest = divmod(self._seconds, VISIT_S)
        if rest <= 1 and visit:
            window.goto(Place("live" if rest else others[visit % len(others)]))
        live = connected.panel.live
        kept = sum(
            len(series)
            for device, channel in live.newest
            if (series := live.series(device, channel)) is not None
        )
        print(
            json.dumps(
                {
                    "gap_ms": round(self._gap * 1000, 1),
                    "kept_bytes": kept * BYTES_A_READING,
                    "messages": live.messages.messages,
                    "dropped": connected.dropped,
                    "painted_ms": [round(one, 1) for one in self._painted_ms],
                }
            ),
            flush=True,
        )
        self._gap = 0.0
        self._painted_ms.clear()

    def _heard(self, changes: Changes) -> None:
        assert self._panels.connected is not None
        newest = self._panels.connected.panel.live.newest
        for device in {device for device, _ in changes.channels}:
            chart = self._charts.get(device)
            if chart is not None and chart.isVisible():
                time_utc = newest[device, "c0"].time_utc
                self._waiting.append((chart, chart.paints, time_utc))


def main() -> int:
    """Run until it is ended; arguments: folder of settings, devices, channels."""
    folder, devices, channels = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    application = QApplication(sys.argv[:1])
    panels = Panels(application, folder)
    panels.window.resize(1600, 1000)
    watched = Watched(panels, devices, channels)
    panels.start()
    status = application.exec()
    del watched
    return status
