"""Asks for what is stored of the channels on charts, where memory has not all of it."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QObject

from control_panel.client.api import Api, Query, route
from control_panel.client.errors import ClientError, Refused
from control_panel.model.drawing import Stretch
from control_panel.model.past import Past, asked_for, buckets_of, few, readings_of
from control_panel.model.rollups import History
from control_panel.model.series import Window
from control_panel.model.things import Rollups
from control_panel.qt.charts.chart import Chart
from control_panel.qt.charts.traces import Trace
from control_panel.qt.door import Door
from control_panel.qt.sentences import heard

_AGAIN_S = 2.0
_AFTER_FAILURE_S = 5.0
_NOT_FOUND = 404
_MOST_CHANNELS = 100
_NONE = Window(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.bool_))


class Stored(NamedTuple):
    """What is stored of a channel: its readings, or rollups where they are many."""

    readings: Window | None
    buckets: History | None


class Filling(QObject):
    """`look` a few times a second; it asks once a channel, when a chart has come to rest."""

    def __init__(self, api: Api, door: Door, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._api = api
        self._door = door
        self._before: dict[Chart, Stretch] = {}
        self._not_before: dict[Trace, float] = {}

    def look(self, charts: Iterable[Chart], now_utc: int) -> None:
        """Ask for what is missing on these charts."""
        now_s = time.monotonic()
        wanted: dict[tuple[str, Stretch], list[Trace]] = {}
        seen: dict[Chart, Stretch] = {}
        for chart in charts:
            visible = seen[chart] = chart.visible()
            before = self._before.get(chart, visible)
            moves = visible != before and not chart.span.follows
            zooms = visible.end_utc - visible.begin_utc != before.end_utc - before.begin_utc
            if not chart.isVisible() or moves or zooms:
                continue
            for trace in chart.traces:
                due = self._not_before.get(trace, 0.0) <= now_s
                if due and not trace.asks and trace.is_missing(visible):
                    asked = asked_for(visible, now_utc)
                    wanted.setdefault((trace.curve.device, asked), []).append(trace)
        self._before = seen
        self._not_before = {one: at for one, at in self._not_before.items() if at > now_s}
        for (device, asked), traces in wanted.items():
            for first in range(0, len(traces), _MOST_CHANNELS):
                self._ask(device, asked, traces[first : first + _MOST_CHANNELS], now_utc)

    def _ask(self, device: str, asked: Stretch, traces: list[Trace], now_utc: int) -> None:
        late = {trace: trace.late for trace in traces}
        channels = sorted({trace.curve.channel for trace in traces})
        for trace in traces:
            trace.asks = True

        def done(found: dict[str, Stored]) -> None:
            for trace in traces:
                trace.asks, trace.trouble = False, ""
                self._not_before[trace] = time.monotonic() + _AGAIN_S
                stored = found.get(trace.curve.channel, Stored(_NONE, None))
                trace.take(Past(*asked, now_utc, late[trace], *stored))

        def failed(error: ClientError) -> None:
            for trace in traces:
                trace.asks, trace.trouble = False, heard(error.said)
                self._not_before[trace] = time.monotonic() + _AFTER_FAILURE_S

        self._door.ask(partial(stored_of, self._api, device, channels, asked), done, failed, self)


def stored_of(api: Api, device: str, channels: list[str], asked: Stretch) -> dict[str, Stored]:
    """Ask the server; what it does not know has nothing stored."""
    query: Query = {
        "device": device, "channel": channels, "from": _moment(asked.begin_utc),
        "to": _moment(asked.end_utc),
    }  # fmt: skip
    try:
        rollups = api.get(route("rollups"), Rollups, query)
    except Refused as error:
        if error.status != _NOT_FOUND:
            raise
        if len(channels) == 1:
            return {}
        found: dict[str, Stored] = {}
        for channel in channels:
            found |= stored_of(api, device, [channel], asked)
        return found
    counts = {one.channel: sum(point.n for point in one.points) for one in rollups.series}
    known = few({name: count for name, count in counts.items() if count})
    readings = {}
    if known and rollups.resolution in {"raw", "1m"}:
        text = api.text(route("readings"), {**query, "channel": known, "format": "csv"})
        readings = readings_of(text)
    found = {}
    for one in rollups.series:
        window = readings.get(one.channel)
        # Where readings have expired their rollups say more.
        if window is not None and 2 * len(window.times) >= counts[one.channel]:
            found[one.channel] = Stored(window, None)
        elif one.points and rollups.resolution != "raw":
            found[one.channel] = Stored(None, buckets_of(one.points, rollups.resolution))
    return found


def _moment(time_utc: int) -> datetime:
    return datetime.fromtimestamp(max(time_utc, _FIRST_US) / 1e6, UTC)


_FIRST_US = round(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1e6)
