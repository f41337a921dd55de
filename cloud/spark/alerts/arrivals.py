"""The new numbers of a batch that rules are about, by series. Pure."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cloud.spark.aggregate import order_by_series_time
from cloud.spark.alerts.fold import Times, Values
from cloud.spark.alerts.roster import NEVER, Ids


class Arrivals(NamedTuple):
    """New numbers in order of series and time; the other columns have a row for each series."""

    times: Times
    values: Values
    series: Ids
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    newest: Times  # that was stored before
    lowest: Values
    highest: Values
    gap: Times  # the longest between readings that are not late, from `newest` on

    @property
    def late(self) -> NDArray[np.bool_]:
        """Which series have late readings."""
        return self.times[self.starts] <= self.newest

    def of(self, place: int) -> tuple[Times, Values]:
        """Return what is new of a series."""
        rows = slice(self.starts[place], self.ends[place])
        return self.times[rows], self.values[rows]


def arrange(series: Ids, times: Times, values: Values, newest_of: Times) -> Arrivals:
    """Put numbers in order; `newest_of` says by a series' number what was stored before."""
    order = order_by_series_time(series, times, values)
    series, times, values = series[order], times[order], values[order]
    starts = np.append(0, np.flatnonzero(np.diff(series)) + 1)
    newest = newest_of[series[starts]]
    sizes = np.diff(np.append(starts, len(series)))
    before = np.append(times[:1], times[:-1])
    before[starts] = np.where(newest == NEVER, times[starts], newest)
    gaps = times - np.maximum(before, np.repeat(newest, sizes))
    return Arrivals(
        times,
        values,
        series[starts],
        starts,
        starts + sizes,
        newest,
        np.minimum.reduceat(values, starts),
        np.maximum.reduceat(values, starts),
        np.maximum.reduceat(gaps, starts),
    )
