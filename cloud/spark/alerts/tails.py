"""The newest readings of series whose rate of change is watched."""

from collections import defaultdict
from typing import Any

import numpy as np
from psycopg import Connection

from cloud.spark.alerts import stored
from cloud.spark.alerts.fold import Times, Values

_HOUR_US = 3_600_000_000

Tail = tuple[Times, Values]


class Tails:
    """A cache of what is stored: the last `span` µs of each series that was asked for."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._span = 0
        self._tails: dict[int, Tail] = {}

    def keep(self, span: int) -> None:
        """Keep so much from now on."""
        self._span = span
        self._tails.clear()

    def forget(self, series: int, late: int) -> None:
        """Forget a tail into which a late reading falls."""
        times, _ = self._tails.get(series, stored.NONE)
        if not len(times) or late >= times[-1] - self._span:
            self._tails.pop(series, None)

    def read(self, wanted: dict[int, tuple[int, int]]) -> None:
        """Read what is unknown of series: up to when is stored, and where what is new begins.

        Those that end in the same hour are read together, since that reads what others said too.
        """
        groups: dict[int, list[int]] = defaultdict(list)
        for series, (newest, first) in wanted.items():
            if series in self._tails:
                continue
            self._tails[series] = stored.NONE
            if newest >= first - self._span:
                groups[newest // _HOUR_US].append(series)
        spans = []
        for group in groups.values():
            ends = [wanted[series][0] for series in group]
            spans.append(stored.Span(group, min(ends) - self._span, max(ends)))
        for series, (times, values) in stored.readings(self._connection, spans).items():
            end = int(np.searchsorted(times, wanted[series][0], "right"))
            self._tails[series] = times[:end], values[:end]

    def before(self, series: int) -> Tail:
        """Return the tail of a series that was read."""
        return self._tails[series]

    def extend(self, series: int, times: Times, values: Values) -> None:
        """Add what is new of a series that was read."""
        times = np.append(self._tails[series][0], times)
        values = np.append(self._tails[series][1], values)
        start = int(np.searchsorted(times, times[-1] - self._span, "left"))
        self._tails[series] = times[start:], values[start:]
