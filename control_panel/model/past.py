"""What is stored of a channel: when it is asked for, how it is read, how it meets what is heard.

Where there are few readings they are asked for themselves, and lie in one order of time with those
in memory. Where there are many, rollups stand for them, up to the time from which memory has all.
"""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from control_panel.model.drawing import Stretch
from control_panel.model.rollups import History
from control_panel.model.series import NEVER, Series, Window, ordered
from control_panel.model.things import Point

READINGS = 100_000
"""At most so many readings are asked for at once; more are asked for as rollups."""
SURELY_STORED_US = 3_000_000
"""What was sent so long ago is stored, if nothing is amiss; mostly it takes a third of that."""
_ROLLUPS_US = 33 * 3_600_000_000
_ZOOMED = 4
_STEPS_US = {"1m": 60_000_000, "1h": 3_600_000_000, "1d": 86_400_000_000}


class Past(NamedTuple):
    """What is stored from `begin_utc` to `end_utc`, as it was at `asked_utc`; one of both is None.

    `late`: how many late readings memory had by then.
    """

    begin_utc: int
    end_utc: int
    asked_utc: int
    late: int
    readings: Window | None
    buckets: History | None


def is_missing(past: Past | None, visible: Stretch, series: Series | None, began_utc: int) -> bool:
    """Whether something visible is neither in memory nor in `past`."""
    seam_utc = NEVER if series is None else series.seam_utc
    # What is later than the beginning of hearing comes by itself, also of who is silent now.
    end_utc = min(visible.end_utc, began_utc if seam_utc == NEVER else seam_utc)
    if visible.begin_utc >= end_utc:
        return False
    if past is None or past.begin_utc > visible.begin_utc:
        return True
    if min(past.end_utc, past.asked_utc - SURELY_STORED_US) < end_utc:
        return True
    if past.buckets is None:
        return False
    if series is not None and series.late > past.late:
        return True
    length_us = visible.end_utc - visible.begin_utc
    return length_us * _ZOOMED < past.end_utc - past.begin_utc


def asked_for(visible: Stretch, now_utc: int) -> Stretch:
    """Return what to ask for: more than is visible, so that moving on does not ask again."""
    length_us = visible.end_utc - visible.begin_utc
    beside_us = length_us // 2
    if length_us < _ROLLUPS_US:  # no longer than what the server answers in minutes
        beside_us = min(beside_us, (_ROLLUPS_US - length_us) // 2)
    return Stretch(visible.begin_utc - beside_us, max(min(visible.end_utc + beside_us, now_utc), 1))


def few(counts: dict[str, int]) -> list[str]:
    """Return the channels whose readings can be asked for, the quiet ones first."""
    chosen, total = [], 0
    for channel, count in sorted(counts.items(), key=lambda one: one[1]):
        total += count
        if total > READINGS:
            break
        chosen.append(channel)
    return chosen


def buckets_of(points: Sequence[Point], resolution: str) -> History:
    """Return rollups as columns; `resolution` as the API writes it."""
    return History(
        np.array([round(one.time.timestamp() * 1e6) for one in points], np.int64),
        np.array([one.mean for one in points], np.float64),
        np.array([one.minimum for one in points], np.float64),
        np.array([one.maximum for one in points], np.float64),
        np.array([one.last for one in points], np.float64),
        np.array([one.n for one in points], np.int64),
        np.array([(one.stddev or 0.0) ** 2 * (one.n - 1) for one in points], np.float64),
        _STEPS_US[resolution],
    )


def readings_of(text: str) -> dict[str, Window]:
    """Return readings of `/v1/readings` as CSV, by channel; texts are left out."""
    rows = csv.reader(io.StringIO(text))
    names = next(rows, [])
    time, channel, value, quality = (
        names.index(name) if name in names else -1
        for name in ("time", "channel", "value", "quality")
    )
    found: dict[str, list[tuple[str, float, bool]]] = {}
    for row in rows:
        if row[value]:
            found.setdefault(row[channel], []).append(
                (row[time].removesuffix("Z"), float(row[value]), row[quality] == "estimated")
            )
    windows = {}
    for name, readings in found.items():
        times, values, uncertain = zip(*readings, strict=True)
        windows[name] = Window(
            *ordered(
                np.array(times, "datetime64[us]").astype(np.int64),
                np.array(values, np.float64),
                np.array(uncertain, np.bool_),
            )
        )
    return windows


def cut(window: Window, span: Stretch, beside: int = 0) -> Window:
    """Return the rows of begin <= time <= end, and so many beside them."""
    first = max(int(np.searchsorted(window.times, span.begin_utc, "left")) - beside, 0)
    last = int(np.searchsorted(window.times, span.end_utc, "right")) + beside
    return window.picked(slice(first, last))


def merged(stored: Window, heard: Window) -> Window:
    """Return both in the order of time; of two at one time that which was heard."""
    if not len(stored.times):
        return heard
    if not len(heard.times):
        return stored
    both = [np.concatenate(pair) for pair in zip(stored, heard, strict=True)]
    if stored.times[-1] < heard.times[0]:
        return Window(*both)
    return Window(*ordered(*both))


def seam_of(past: Past, series: Series | None) -> int:
    """Return until when rollups are drawn; from there on what is in memory is."""
    return past.end_utc if series is None else min(series.seam_utc, past.end_utc)
