"""Partial aggregates of numbers by series and time bucket, and their merging. Pure numpy.

Moments are merged by the formula of Chan, Golub and LeVeque, "Updating Formulae and a Pairwise
Algorithm for Computing Sample Variances" (1979), for any number of parts at once.
"""

import numpy as np
from numpy.typing import NDArray

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
"""Widths of buckets in µs; buckets begin at multiples of them in UTC."""

PARTIAL = np.dtype(
    [
        ("series", np.int32),
        ("time", np.int64),
        ("n", np.int64),
        ("mean", np.float64),
        ("m2", np.float64),
        ("minimum", np.float64),
        ("maximum", np.float64),
        ("first", np.float64),
        ("first_time", np.int64),
        ("last", np.float64),
        ("last_time", np.int64),
    ]
)
"""One bucket of one series; times in µs UTC, `m2` the sum of squared deviations from the mean.

Among equal times `first` is the smallest value of the earliest and `last` the greatest of the
latest, so that SQL finds the same whatever the order of arrival.
"""

_TINY = 1e-280
"""PostgreSQL refuses to divide what is smaller into nothing; it counts as 0."""

Ints = NDArray[np.integer]
Floats = NDArray[np.floating]


def order_by_series_time(series: Ints, times: Ints, values: Floats) -> NDArray[np.intp]:
    """Return the order by series, then time, then value."""
    if not len(series):
        return np.empty(0, np.intp)
    lowest = int(times.min())
    span = int(times.max()) - lowest + 1
    if (int(series.max()) + 1) * span >= 2**62:
        return np.lexsort((values, times, series))
    key = series.astype(np.int64) * span + (times - lowest)
    order = np.argsort(key, kind="stable")
    in_order = key[order]
    if (in_order[1:] == in_order[:-1]).any():
        return np.lexsort((values, key))
    return order


def aggregate(series: Ints, times: Ints, values: Floats, width: int = MINUTE) -> NDArray[np.void]:
    """Aggregate readings that are in the order of `order_by_series_time` into PARTIALs."""
    buckets = times // width
    starts = _starts(series, buckets)
    parts = np.empty(len(starts), PARTIAL)
    if not len(starts):
        return parts
    ends = np.append(starts[1:], len(series)) - 1
    n = ends - starts + 1
    parts["series"] = series[starts]
    parts["time"] = buckets[starts] * width
    parts["n"] = n
    parts["mean"] = mean = np.add.reduceat(values, starts) / n
    deviations = values - np.repeat(mean, n)
    parts["m2"] = np.add.reduceat(deviations * deviations, starts)
    parts["minimum"] = np.minimum.reduceat(values, starts)
    parts["maximum"] = np.maximum.reduceat(values, starts)
    parts["first"], parts["first_time"] = values[starts], times[starts]
    parts["last"], parts["last_time"] = values[ends], times[ends]
    return _flushed(parts)


def merge(parts: NDArray[np.void], width: int) -> NDArray[np.void]:
    """Merge PARTIALs, in any order and of any lesser width, into one a series and bucket."""
    buckets = parts["time"] // width
    by_last = np.lexsort((parts["last"], parts["last_time"], buckets, parts["series"]))
    by_first = np.lexsort((parts["first"], parts["first_time"], buckets, parts["series"]))
    parts, latest, buckets = parts[by_first], parts[by_last], buckets[by_first]
    starts = _starts(parts["series"], buckets)
    merged = np.empty(len(starts), PARTIAL)
    if not len(starts):
        return merged
    ends = np.append(starts[1:], len(parts)) - 1
    sizes = ends - starts + 1
    merged["series"] = parts["series"][starts]
    merged["time"] = buckets[starts] * width
    merged["n"] = n = np.add.reduceat(parts["n"], starts)
    # Weighted before they are added: a sum of many great means would not fit a double.
    mean = np.add.reduceat(parts["mean"] * (parts["n"] / np.repeat(n, sizes)), starts)
    merged["mean"] = mean = np.where(sizes == 1, parts["mean"][starts], mean)
    apart = parts["mean"] - np.repeat(mean, sizes)
    merged["m2"] = np.add.reduceat(parts["m2"] + apart * apart * parts["n"], starts)
    merged["minimum"] = np.minimum.reduceat(parts["minimum"], starts)
    merged["maximum"] = np.maximum.reduceat(parts["maximum"], starts)
    merged["first"], merged["first_time"] = parts["first"][starts], parts["first_time"][starts]
    merged["last"], merged["last_time"] = latest["last"][ends], latest["last_time"][ends]
    return _flushed(merged)


def _starts(series: Ints, buckets: Ints) -> NDArray[np.intp]:
    """Return where a new series or bucket begins."""
    if not len(series):
        return np.empty(0, np.intp)
    new = (series[1:] != series[:-1]) | (buckets[1:] != buckets[:-1])
    return np.concatenate(([0], np.flatnonzero(new) + 1))


def _flushed(parts: NDArray[np.void]) -> NDArray[np.void]:
    for field in ("mean", "m2"):
        parts[field][np.abs(parts[field]) < _TINY] = 0.0
    return parts
