"""From a window of readings to what is drawn: pure functions on numpy columns."""

import functools
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from typing import NamedTuple

import msgspec
import numpy as np

from control_panel.model.series import Flags, Times, Values, Window

GAP_FACTOR = 5.0
"""A pause of more than so many usual intervals is a gap."""
LEAST_GAP_US = 500_000
"""Shorter pauses are never gaps: they are how the board's bursts come in."""
_SAMPLES = 512
_NO_ROWS = np.empty(0, np.int64)


class Statistics(msgspec.Struct, frozen=True):
    """Of the visible readings; all but `count` are nan if there are none."""

    count: int
    mean: float
    minimum: float
    maximum: float
    deviation: float
    last: float


class Line(NamedTuple):
    """Points of a line; a value of nan ends a piece, the next point begins another."""

    times: Times
    values: Values


class Picture(NamedTuple):
    """What is drawn of a window: a line where times are sure, and one where they are not."""

    sure: Line
    uncertain: Line


def statistics(values: Values) -> Statistics:
    """Describe values; the deviation is that of the population."""
    if not len(values):
        return Statistics(0, math.nan, math.nan, math.nan, math.nan, math.nan)
    return Statistics(
        len(values),
        float(values.mean()),
        float(values.min()),
        float(values.max()),
        float(values.std()),
        float(values[-1]),
    )


def decimated(times: Times, values: Values, begin_utc: int, end_utc: int, pixels: int) -> Times:
    """Return the rows that M4 keeps: a pixel column's first, lowest, highest and last.

    A line through them covers the very pixels that one through all rows covers (Jugel et al.,
    "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014). Pixel columns are
    counted from 1970, not from `begin_utc`, so that a picture that moves does not flicker.
    """
    count = len(times)
    if count <= 4 * max(pixels, 1):
        return np.arange(count)
    step = max((end_utc - begin_utc) / max(pixels, 1), 1.0)
    columns = np.arange(math.floor(times[0] / step) + 1, math.floor(times[-1] / step) + 1)
    edges = np.searchsorted(times, np.ceil(columns * step).astype(np.int64), "left")
    starts = np.unique(np.concatenate(([0], edges)))
    starts = starts[starts < count]
    lengths = np.diff(np.append(starts, count))
    lowest = _first_equal(values, np.minimum.reduceat(values, starts), starts, lengths)
    highest = _first_equal(values, np.maximum.reduceat(values, starts), starts, lengths)
    ends = starts + lengths - 1
    return np.unique(np.concatenate((starts, lowest, highest, ends)))


def _first_equal(values: Values, wanted: Values, starts: Times, lengths: Times) -> Times:
    """Return for each stretch the first row with the wanted value."""
    rows = np.flatnonzero(values == np.repeat(wanted, lengths))
    return rows[np.searchsorted(rows, starts, "left")]


def usual_interval(times: Times) -> float:
    """Return the usual time between readings in µs: the median of a sample; 0 if unknown."""
    count = len(times)
    if count < 3:
        return 0.0
    if count <= _SAMPLES:
        steps = times[1:] - times[:-1]
    else:
        rows = np.linspace(0, count - 2, _SAMPLES).astype(np.int64)
        steps = times[rows + 1] - times[rows]
    middle = len(steps) // 2  # partition: several times as quick as numpy's median
    if len(steps) % 2:
        return float(np.partition(steps, middle)[middle])
    parted = np.partition(steps, (middle - 1, middle))
    return float(parted[middle - 1] + parted[middle]) / 2


def gaps(times: Times, factor: float = GAP_FACTOR) -> Times:
    """Return the rows after which a gap follows."""
    if len(times) < 3:
        return _NO_ROWS
    steps = times[1:] - times[:-1]
    if steps.max() <= LEAST_GAP_US:
        return _NO_ROWS
    return np.flatnonzero(steps > max(usual_interval(times) * factor, LEAST_GAP_US))


def picture(window: Window, begin_utc: int, end_utc: int, pixels: int) -> Picture:
    """Make what is drawn: decimated, broken at gaps, apart where the time is uncertain."""
    times, values, uncertain = window
    breaks = gaps(times)
    if len(times) > 4 * max(pixels, 1):
        rows = decimated(times, values, begin_utc, end_utc, pixels)
        breaks = np.searchsorted(rows, breaks, "right")
        times, values, uncertain = times[rows], values[rows], uncertain[rows]
    else:
        breaks = breaks + 1
    marked = uncertain
    if not marked.any():
        return Picture(_broken(times, values, breaks), _NOTHING)
    if marked.all():
        return Picture(_NOTHING, _broken(times, values, breaks))
    beside = marked.copy()
    beside[1:] |= marked[:-1]
    beside[:-1] |= marked[1:]
    return Picture(
        _broken(times, np.where(marked, np.nan, values), breaks),
        _broken(times, np.where(beside, values, np.nan), breaks),
    )


_NOTHING = Line(np.empty(0, np.int64), np.empty(0, np.float64))


def _broken(times: Times, values: Values, breaks: Times) -> Line:
    breaks = breaks[breaks < len(times)]
    if not len(breaks):
        return Line(times, values)
    return Line(np.insert(times, breaks, times[breaks]), np.insert(values, breaks, np.nan))


class Stretch(NamedTuple):
    """From and to in µs UTC."""

    begin_utc: int
    end_utc: int


def uncertain_stretches(times: Times, uncertain: Flags) -> list[Stretch]:
    """Return when the times were uncertain, from the first to the last reading of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], uncertain, [False])).astype(np.int8)))
    return [
        Stretch(int(times[first]), int(times[last - 1]))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]


def value_at(window: Window, time_utc: int) -> tuple[int, float] | None:
    """Return time and value of the reading nearest to a time."""
    times, values, _ = window
    if not len(times):
        return None
    after = min(int(np.searchsorted(times, time_utc)), len(times) - 1)
    before = max(after - 1, 0)
    row = before if time_utc - times[before] <= times[after] - time_utc else after
    return int(times[row]), float(values[row])


def value_range(lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float]:
    """Return an axis' ends around all bounds (nan is none of them), with a little air."""
    sound_lows = [low for low in lows if math.isfinite(low)]
    sound_highs = [high for high in highs if math.isfinite(high)]
    if not sound_lows or not sound_highs:
        return 0.0, 1.0
    low, high = min(sound_lows), max(sound_highs)
    if high - low <= abs(high) * 1e-12:
        air = abs(high) * 0.05 or 0.5
        return low - air, high + air
    air = (high - low) * 0.06
    return low - air, high + air


class Finest(Enum):
    """The finest part of a time that is written."""

    DAY = "day"
    MINUTE = "minute"
    SECOND = "second"
    MILLISECOND = "millisecond"


WriteNumber = Callable[[float, int | None], str]
"""Writes a number with so many decimals; None: with four digits that count."""
WriteTime = Callable[[datetime, Finest], str]


class Tick(NamedTuple):
    """A mark on an axis: where, and what stands there."""

    at: float
    text: str


@functools.lru_cache(1024)
def value_ticks(low: float, high: float, about: int, write: WriteNumber) -> tuple[Tick, ...]:
    """Return some `about` marks at 1, 2 or 5 times a power of ten."""
    if not high > low or about < 1:
        return ()
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    wide = max(abs(low), abs(high)) >= 1e6 or decimals > 5
    return tuple(
        Tick(at, write(at, None if wide else decimals))
        for at in (number * step + 0.0 for number in range(first, last + 1))
    )


_SECOND = 1_000_000
_DAY = 86_400
_STEPS_S = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, _DAY, 2 * _DAY, 7 * _DAY),
)


def time_ticks(
    begin_utc: int, end_utc: int, about: int, write: WriteTime, zone: tzinfo | None = None
) -> list[Tick]:
    """Return at most `about` marks at full local times; `zone` None: this machine's.

    `at` in µs UTC. Midnight stands as a date.
    """
    span_s = (end_utc - begin_utc) / _SECOND
    if span_s <= 0 or about < 1:
        return []
    step_s = next((step for step in _STEPS_S if span_s / step <= about), None)
    if step_s is None:
        step_s = math.ceil(span_s / about / _DAY) * _DAY
    step = round(step_s * _SECOND)
    wall = _wall(begin_utc, zone)
    marks = _marks(
        wall - wall % step, step, math.ceil((end_utc - begin_utc) / step) + 2, write, zone
    )
    ticks = [tick for tick in marks if begin_utc <= tick.at <= end_utc]
    return ticks[:about] if len(ticks) > about + 1 else ticks


@functools.lru_cache(256)
def _marks(
    first: int, step: int, count: int, write: WriteTime, zone: tzinfo | None
) -> tuple[Tick, ...]:
    """Return marks from a wall time on: the same ones for as long as none comes or goes."""
    ticks: list[Tick] = []
    for number in range(count):
        at = _utc(first + number * step, zone)
        if not ticks or at > ticks[-1].at:
            shown = local(at, zone)
            ticks.append(Tick(at, write(shown, _finest(shown, step / _SECOND))))
    return tuple(ticks)


_START = datetime(1970, 1, 1)  # noqa: DTZ001  # wall time has no zone


def _wall(time_utc: int, zone: tzinfo | None) -> int:
    """Return what a clock on the wall shows, as µs."""
    shown = local(time_utc, zone).replace(tzinfo=None)
    return (shown - _START) // timedelta(microseconds=1)


def _utc(wall: int, zone: tzinfo | None) -> int:
    shown = _START + timedelta(microseconds=wall)
    moment = shown.astimezone(UTC) if zone is None else shown.replace(tzinfo=zone).astimezone(UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def local(time_utc: int, zone: tzinfo | None = None) -> datetime:
    """Return a time in µs UTC as local time."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_utc)
    return moment.astimezone(zone)


def _finest(shown: datetime, step_s: float) -> Finest:
    if step_s >= _DAY or (step_s >= 60 and shown.hour == shown.minute == 0):
        return Finest.DAY
    if step_s >= 60:
        return Finest.MINUTE
    return Finest.SECOND if step_s >= 1 else Finest.MILLISECOND


def decimals(low: float, high: float) -> int:
    """Return how many decimals tell values of this range apart."""
    width = high - low
    if not width > 0 or not math.isfinite(width):
        return 2
    return min(max(2 - math.floor(math.log10(width)), 0), 6)


class Field(NamedTuple):
    """What a chart shows and on how many pixels; times in µs UTC."""

    begin_utc: int
    end_utc: int
    low: float
    high: float
    width: int
    height: int


def polyline(line: Line, field: Field) -> tuple[Values, Values]:
    """Return a line in pixels, from the upper left corner of the field."""
    x_scale = field.width / (field.end_utc - field.begin_utc)
    y_scale = field.height / (field.high - field.low)
    x = np.multiply(line.times - field.begin_utc, x_scale, dtype=np.float64)
    y = np.multiply(field.high - line.values, y_scale, dtype=np.float64)
    return x, y
