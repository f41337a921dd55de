"""The stored readings around late ones, read for all series of a batch at once.

A raw query over some time reads what every device said then, so there must be few of them, and
none over a time in which the series itself said nothing, nor over more than matters: rollups by
minute tell when the series spoke.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from psycopg import Connection

from cloud.spark.alerts import stored
from cloud.spark.alerts.fold import Times, Values
from cloud.spark.arrays import Int4, Timestamptz

_MINUTE = 60_000_000
_FOR_EVER = np.iinfo(np.int64).max
MINUTES = 1
"""What was read after the late ones stands for so much."""

_AROUND = f"""
SELECT b.before, {stored.US.format("a.first_time")}, {stored.US.format("a.last_time")}
FROM unnest(%s::int4[], %s::timestamptz[], %s::timestamptz[])
    WITH ORDINALITY AS w (series, first, last, place)
LEFT JOIN LATERAL (
    SELECT (extract(epoch FROM CASE WHEN last_time < w.first THEN last_time ELSE first_time END)
            * 1000000)::int8 AS before
    FROM storage.rollup_1m
    WHERE series = w.series AND time <= w.first AND first_time < w.first
    ORDER BY time DESC LIMIT 1
) AS b ON true
LEFT JOIN LATERAL (
    SELECT first_time, last_time FROM storage.rollup_1m
    WHERE series = w.series AND time >= date_trunc('minute', w.last, 'UTC')
      AND last_time > w.last
    ORDER BY time LIMIT 1
) AS a ON true ORDER BY w.place
"""  # noqa: S608 -- made of the constant above


class Wanted(NamedTuple):
    """Late readings of a series from `first` to `last`; so long before and after them matters."""

    series: int
    first: int
    last: int
    lookback: int
    settling: int


class Stretch(NamedTuple):
    """What is known of a series: all of its readings from `lower` to `upper`."""

    first: int
    before: int | None
    settled: int
    after: int | None
    lower: int
    upper: int


class Window:
    """What was read for one batch."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._stretches: dict[int, list[Stretch]] = defaultdict(list)
        self._readings: dict[int, tuple[Times, Values]] = {}

    def fill(self, wanted: Sequence[Wanted]) -> None:
        """Read what is wanted, in as few queries as there are times apart from each other."""
        spans: list[tuple[int, int, int]] = []  # lower, upper, series
        for one, (before, next_first, next_last) in zip(wanted, self._around(wanted), strict=True):
            start = one.first if before is None else before
            lower, settled = start - one.lookback, one.last + one.settling
            spans.append((lower, min(start + _MINUTE, one.first), one.series))
            spans.append((one.first, settled, one.series))
            after = None
            if next_first is not None and next_last is not None:
                # The next reading is the first of its minute, or lies before the last of it. What
                # waits there either fires or does not when it has held for so long.
                is_known = next_first > settled
                after = (next_first if is_known else next_last) + one.lookback
                spans.append((next_first if is_known else settled, after, one.series))
            self._stretches[one.series].append(
                Stretch(one.first, before, settled, after, lower, after or _FOR_EVER)
            )
        merged = [stored.Span(sorted(series), *span) for *span, series in _merged(spans)]
        self._readings = stored.readings(self._connection, merged)

    def before(self, series: int, first: int) -> tuple[int | None] | None:
        """Return what comes before late readings, if it was asked for."""
        found = [s.before for s in self._stretches.get(series, ()) if s.first == first]
        return (found[0],) if found else None

    def after(self, series: int, time: int) -> tuple[int | None] | None:
        """Return up to when what matters after a time was read, if it was."""
        for stretch in self._stretches.get(series, ()):
            if stretch.first <= time <= stretch.settled:
                return (stretch.after,)
        return None

    def readings(self, series: int, lower: int, upper: int) -> tuple[Times, Values] | None:
        """Return the readings of some time, if all of them were read."""
        if not any(s.lower <= lower and upper <= s.upper for s in self._stretches.get(series, ())):
            return None
        times, values = self._readings.get(series, stored.NONE)
        rows = slice(np.searchsorted(times, lower, "left"), np.searchsorted(times, upper, "right"))
        return times[rows], values[rows]

    def _around(self, wanted: Sequence[Wanted]) -> list[tuple[int | None, int | None, int | None]]:
        columns = np.array(
            [(one.series, one.first, one.last + one.settling) for one in wanted], np.int64
        ).reshape(-1, 3)
        asked = Int4(columns[:, 0]), Timestamptz(columns[:, 1]), Timestamptz(columns[:, 2])
        return self._connection.execute(_AROUND, asked).fetchall()


def _merged(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, set[int]]]:
    """Unite times that overlap or nearly do; return them in order, each with its series."""
    merged: list[tuple[int, int, set[int]]] = []
    for lower, upper, series in sorted(spans):
        if merged and lower <= merged[-1][1] + _MINUTE:
            start, end, others = merged[-1]
            merged[-1] = start, max(end, upper), others | {series}
        else:
            merged.append((lower, upper, {series}))
    return merged
