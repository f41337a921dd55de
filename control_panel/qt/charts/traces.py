"""One channel on a chart: its readings, the older part from rollups, and its picture."""

import math

import msgspec
import numpy as np

from control_panel.model import drawing
from control_panel.model.drawing import Picture, Statistics, Stretch
from control_panel.model.layouts import Curve
from control_panel.model.live import Live
from control_panel.model.past import Past, cut, is_missing, merged, seam_of
from control_panel.model.rollups import History, Joined, joined, rolled_on, statistics_of
from control_panel.model.series import NEVER, Series, Values, Window

_NO_PICTURE = Picture(*(drawing.Line(np.empty(0, np.int64), np.empty(0)) for _ in "12"))
_EMPTY = Window(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.bool_))


class View(msgspec.Struct, frozen=True):
    """What is drawn of a trace for one span and width."""

    picture: Picture
    older: Joined | None
    low: float
    high: float
    uncertain: bool


class Trace:
    """A channel of a chart; it looks at its series only when that has changed."""

    def __init__(self, live: Live, curve: Curve) -> None:
        self._live = live
        self.curve = curve
        self.past: Past | None = None
        self.asks = False
        """Whether what is stored is being asked for."""
        self.trouble = ""
        """Why that was not answered the last time."""
        self._changes = 0
        self._rolled_at = (-1, -1)
        self._rolls: History | None = None
        self._seen: tuple[object, ...] = ()
        self._view: View | None = None

    nothing = _EMPTY

    @property
    def series(self) -> Series | None:
        """Its readings in memory."""
        return self._live.series(self.curve.device, self.curve.channel)

    @property
    def label(self) -> str:
        """What the device calls the channel."""
        described = self._live.described.get((self.curve.device, self.curve.channel))
        return described.label if described is not None and described.label else self.curve.channel

    @property
    def name(self) -> str:
        """What the channel is called among those of all devices."""
        return f"{self.curve.device} · {self.label}"

    @property
    def unit(self) -> str:
        """The unit in which its values are."""
        return self._live.unit(self.curve.device, self.curve.channel)

    @property
    def version(self) -> tuple[int, int]:
        """Differs when there is something new to draw."""
        series = self.series
        return self._changes, -1 if series is None else series.version

    @property
    def taken(self) -> int:
        """How many readings have ever come in."""
        series = self.series
        return 0 if series is None else series.taken

    @property
    def oldest_utc(self) -> int | None:
        """The time of the oldest reading in memory."""
        series = self.series
        return int(series.all().times[0]) if series else None

    def take(self, past: Past) -> None:
        """Show what is stored where memory has not all of it."""
        self.past = past
        self._changes += 1

    def is_missing(self, span: Stretch) -> bool:
        """Whether something of a span has to be asked for."""
        return is_missing(self.past, span, self.series, self._live.began_utc)

    @property
    def late(self) -> int:
        """How many late readings memory has."""
        return 0 if self.series is None else self.series.late

    def window(self, span: Stretch) -> Window:
        """Return the readings of a span, as far as rollups do not stand for them."""
        return self._readings(span, 0)

    def _readings(self, span: Stretch, beside: int) -> Window:
        series, past = self.series, self.past
        if past is not None and past.buckets is not None:
            span = Stretch(max(span.begin_utc, seam_of(past, series)), span.end_utc)
        if series is None:
            heard = _EMPTY
        else:
            heard = series.drawn(*span) if beside else series.window(*span)
        if past is None or past.readings is None:
            return heard
        return merged(cut(past.readings, span, beside), heard)

    def _rolled(self) -> History | None:
        """Return stored rollups with the readings in memory as such, if any are visible."""
        past, series = self.past, self.series
        if past is None or past.buckets is None:
            return None
        if self._rolled_at != self.version:
            seam_utc = seam_of(past, series)
            kept = _EMPTY if series is None else series.window(seam_utc, NEVER)
            self._rolled_at = self.version
            self._rolls = rolled_on(past.buckets, kept, seam_utc)
        return self._rolls

    def view(self, span: Stretch, pixels: int) -> View:
        """Return what is drawn; the same as before if nothing has changed."""
        seen = (span, pixels, self.version)
        if self._view is not None and seen == self._seen:
            return self._view
        rolled = self._rolled()
        if rolled is None:
            window = self._readings(span, 1)
            picture = drawing.picture(window, *span, pixels)
            view = View(picture, None, *_bounds(window.values), bool(window.uncertain.any()))
        else:
            series = self.series
            newest = int(series.all().times[-1]) if series else None
            older = joined(rolled, *span, newest)
            guessed = bool(self._readings(span, 0).uncertain.any())
            low, high = _bounds(older.lows)[0], _bounds(older.highs)[1]
            view = View(_NO_PICTURE, older, low, high, guessed)
        self._seen, self._view = seen, view
        return view

    def statistics(self, span: Stretch) -> Statistics:
        """Describe what is visible."""
        rolled = self._rolled()
        if rolled is not None:
            return statistics_of(rolled, *span)
        return drawing.statistics(self.window(span).values)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest value that were drawn last."""
        return (math.nan, math.nan) if self._view is None else (self._view.low, self._view.high)

    def last(self, span: Stretch) -> float | None:
        """Return the newest value of a span."""
        window = self.window(span)
        if len(window.values):
            return float(window.values[-1])
        older = self._view.older if self._view is not None else None
        if older is None or not len(older.line.values):
            return None
        return float(older.line.values[-1])

    def near(self, time_utc: int, span: Stretch) -> tuple[int, float] | None:
        """Return time and value of the reading or bucket nearest to a time; None in a gap."""
        window = self.window(span)
        found = [drawing.value_at(window, time_utc)]
        usual = drawing.usual_interval(window.times)
        older = self._view.older if self._view is not None else None
        if older is not None and len(older.line.times):
            sound = ~np.isnan(older.line.values)
            past = Window(older.line.times[sound], older.line.values[sound], sound[sound])
            found.append(drawing.value_at(past, time_utc))
            usual = max(usual, drawing.usual_interval(past.times))
        near = max(usual * drawing.GAP_FACTOR / 2, (span.end_utc - span.begin_utc) / 100)
        inside = [one for one in found if one is not None and abs(one[0] - time_utc) <= near]
        return min(inside, key=lambda one: abs(one[0] - time_utc), default=None)


def _bounds(values: Values) -> tuple[float, float]:
    if not len(values):
        return math.nan, math.nan
    return float(values.min()), float(values.max())
