"""Rollups of a channel, and how the readings in memory go on with them without a seam."""

import math
from typing import NamedTuple

import numpy as np

from control_panel.model.drawing import Line, Statistics, statistics, usual_interval
from control_panel.model.series import Times, Values, Window

_GAP_FACTOR = 1.5


class History(NamedTuple):
    """Buckets of one length in order of time; `times` their begins in µs UTC.

    `counts` readings lie in each, `squares` are the sums of their squared distances to the mean.
    """

    times: Times
    means: Values
    minima: Values
    maxima: Values
    lasts: Values
    counts: Times
    squares: Values
    bucket_us: int


class Joined(NamedTuple):
    """What is drawn of buckets: the line of means and the band from lowest to highest."""

    line: Line
    band_times: Times
    lows: Values
    highs: Values


def joined(history: History, begin_utc: int, end_utc: int, last_utc: int | None = None) -> Joined:
    """Return what is drawn of buckets, with their neighbours, to which the line goes.

    `last_utc`: the time of the newest reading, up to which the last bucket is drawn.
    """
    first = max(int(np.searchsorted(history.times, begin_utc - history.bucket_us, "left")) - 1, 0)
    last = int(np.searchsorted(history.times, end_utc, "right")) + 1
    rows = slice(first, last)
    begins = history.times[rows]
    if not len(begins):
        empty = np.empty(0, np.float64)
        return Joined(Line(begins, empty), begins, empty, empty)
    ends = begins + history.bucket_us
    middles = begins + history.bucket_us // 2
    line_times, line_values = middles, history.means[rows]
    if last_utc is not None and last >= len(history.times) and begins[-1] <= last_utc < ends[-1]:
        ends[-1] = last_utc
        line_times = np.append(np.minimum(middles, last_utc), last_utc)
        line_values = np.append(line_values, history.lasts[rows][-1])
    usual = max(usual_interval(begins), history.bucket_us, 1)
    holes = np.flatnonzero(np.diff(begins) > usual * _GAP_FACTOR) + 1
    if len(holes):
        line_times = np.insert(line_times, holes, middles[holes])
        line_values = np.insert(line_values, holes, np.nan)
    return Joined(
        Line(line_times, line_values),
        np.column_stack((begins, ends)).ravel(),
        np.repeat(history.minima[rows], 2),
        np.repeat(history.maxima[rows], 2),
    )


def rolled_on(history: History, window: Window, seam_utc: int) -> History:
    """Return the buckets that begin before the seam, and the readings from it on as buckets, too.

    Of the bucket that the seam lies in, as much counts as lies before it, with the readings.
    """
    length = history.bucket_us
    last = int(np.searchsorted(history.times, seam_utc, "left"))
    stored = _rows(history, slice(0, last))
    if not len(window.times):
        return stored
    times = window.times - window.times % length
    starts = np.flatnonzero(np.concatenate(([True], times[1:] != times[:-1])))
    counts = np.diff(np.append(starts, len(times)))
    means = np.add.reduceat(window.values, starts) / counts
    heard = History(
        times[starts],
        means,
        np.minimum.reduceat(window.values, starts),
        np.maximum.reduceat(window.values, starts),
        window.values[starts + counts - 1],
        counts,
        np.add.reduceat((window.values - np.repeat(means, counts)) ** 2, starts),
        length,
    )
    if last and stored.times[-1] == heard.times[0]:
        _add(heard, stored, min((seam_utc - int(stored.times[-1])) / length, 1.0))
        stored = _rows(stored, slice(0, last - 1))
    return History(
        np.concatenate((stored.times, heard.times)),
        np.concatenate((stored.means, heard.means)),
        np.concatenate((stored.minima, heard.minima)),
        np.concatenate((stored.maxima, heard.maxima)),
        np.concatenate((stored.lasts, heard.lasts)),
        np.concatenate((stored.counts, heard.counts)),
        np.concatenate((stored.squares, heard.squares)),
        length,
    )


def _rows(history: History, rows: slice) -> History:
    return History(
        history.times[rows],
        history.means[rows],
        history.minima[rows],
        history.maxima[rows],
        history.lasts[rows],
        history.counts[rows],
        history.squares[rows],
        history.bucket_us,
    )


def _add(heard: History, stored: History, share: float) -> None:
    """Add a share of the last stored bucket to the first one heard, in its place."""
    count = stored.counts[-1] * share
    total = count + heard.counts[0]
    apart = stored.means[-1] - heard.means[0]
    heard.squares[0] += stored.squares[-1] * share + apart**2 * count * heard.counts[0] / total
    heard.means[0] += apart * count / total
    heard.minima[0] = min(heard.minima[0], stored.minima[-1])
    heard.maxima[0] = max(heard.maxima[0], stored.maxima[-1])
    heard.counts[0] = round(total)


def statistics_of(history: History, begin_utc: int, end_utc: int) -> Statistics:
    """Describe the buckets that begin in a stretch of time."""
    first, last = np.searchsorted(history.times, (begin_utc, end_utc + 1), "left")
    rows = _rows(history, slice(int(first), int(last)))
    total = int(rows.counts.sum())
    if not total:
        return statistics(rows.means[:0])
    mean = float((rows.means * rows.counts).sum()) / total
    squares = float((rows.squares + rows.counts * (rows.means - mean) ** 2).sum())
    return Statistics(
        total,
        mean,
        float(rows.minima.min()),
        float(rows.maxima.max()),
        math.sqrt(squares / total),
        float(rows.lasts[-1]),
    )
