"""Recorded readings, played again and again: what was measured at a time, of any time.

A recording is some minutes or a day long. Its time goes on from where it stands when the
demonstration begins, and before that time it was played as well.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from control_panel.client.demo.scene import DATA, Measured, Player
from control_panel.model.rollups import History

Times = NDArray[np.int64]
Values = NDArray[np.float64]
MINUTE_US = 60_000_000


class Track(NamedTuple):
    """One recorded channel; `times` in µs from the begin of a recording that is `period_us` long.

    `stands_us`: where it stands when the demonstration begins.
    """

    times: Times
    values: Values
    period_us: int
    stands_us: int


class Recording:
    """All tracks, as seen from the time at which the demonstration began."""

    def __init__(self, began_utc: int) -> None:
        self._tracks = _load()
        # On a minute, so that a minute of one round is a minute of the next.
        self._minute_utc = began_utc - began_utc % MINUTE_US
        self.began_utc = began_utc

    def position_us(self, track: str, at_utc: int) -> int:
        """Return where a track stands at a time."""
        one = self._tracks[track]
        return (at_utc - self._minute_utc + one.stands_us) % one.period_us

    def between(
        self, player: Player, channel: Measured, begin_utc: int, end_utc: int
    ) -> tuple[Times, Values]:
        """Return times and values of begin < time <= end."""
        if player.until_s is not None:
            end_utc = min(end_utc, self.began_utc + round(player.until_s * 1e6))
        track = self._tracks[channel.track]
        base = self._minute_utc - track.stands_us
        found = [(np.empty(0, np.int64), np.empty(0, np.float64))]
        if end_utc > begin_utc:
            first, last = ((at - base) // track.period_us for at in (begin_utc, end_utc))
            for number in range(first, last + 1):
                since = base + number * track.period_us
                rows = slice(
                    int(np.searchsorted(track.times, begin_utc - since, "right")),
                    int(np.searchsorted(track.times, end_utc - since, "right")),
                )
                skip = -rows.start % channel.each
                rows = slice(rows.start + skip, rows.stop, channel.each)
                found.append((track.times[rows] + since, track.values[rows]))
        times = np.concatenate([one[0] for one in found])
        values = np.concatenate([one[1] for one in found])
        return times, _made(channel, values)

    def minutes(self, player: Player, channel: Measured, begin_utc: int, end_utc: int) -> History:
        """Return rollups of the minutes that begin in a stretch of time."""
        if player.until_s is not None:
            end_utc = min(end_utc, self.began_utc + round(player.until_s * 1e6))
        track = self._tracks[channel.track]
        base = self._minute_utc - track.stands_us
        round_of = _minutes(channel)
        first, last = ((at - base) // track.period_us for at in (begin_utc, end_utc))
        many = range(first, max(first, last) + 1)
        times = np.concatenate([round_of.times + base + n * track.period_us for n in many])
        rows = np.flatnonzero((times >= begin_utc - begin_utc % MINUTE_US) & (times < end_utc))
        of_round = rows % len(round_of.times)
        return History(
            times[rows],
            round_of.means[of_round],
            round_of.minima[of_round],
            round_of.maxima[of_round],
            round_of.lasts[of_round],
            round_of.counts[of_round],
            round_of.squares[of_round],
            MINUTE_US,
        )


def hours(minutes: History) -> History:
    """Return the same by the hour."""
    width = 60 * MINUTE_US
    if not len(minutes.times):
        return minutes._replace(bucket_us=width)
    starts = _starts(minutes.times - minutes.times % width)
    counts = np.add.reduceat(minutes.counts, starts)
    means = np.add.reduceat(minutes.means * minutes.counts, starts) / counts
    apart = minutes.means - np.repeat(means, np.diff(np.append(starts, len(minutes.times))))
    return History(
        minutes.times[starts] - minutes.times[starts] % width,
        means,
        np.minimum.reduceat(minutes.minima, starts),
        np.maximum.reduceat(minutes.maxima, starts),
        minutes.lasts[np.append(starts[1:], len(minutes.times)) - 1],
        counts,
        np.add.reduceat(minutes.squares + apart**2 * minutes.counts, starts),
        width,
    )


@lru_cache(maxsize=1)
def _load() -> dict[str, Track]:
    tracks = {}
    with (DATA / "readings.npz").open("rb") as file, np.load(file) as held:
        for name in held.files:
            group, _, member = name.partition(".")
            if member in {"times", "frame"}:
                continue
            period_s, stands_s = held[f"{group}.frame"].tolist()
            times = held[f"{group}.times"].astype(np.int64) * 1000
            there = np.isfinite(held[name])
            tracks[name] = Track(
                times[there],
                held[name][there].astype(np.float64),
                round(period_s * 1e6),
                round(stands_s * 1e6),
            )
    return tracks


@lru_cache(maxsize=256)
def _minutes(channel: Measured) -> History:
    """Return the minutes of one round."""
    track = _load()[channel.track]
    kept = slice(0, None, channel.each)
    times, values = track.times[kept], _made(channel, track.values[kept])
    begins = times - times % MINUTE_US
    starts = _starts(begins)
    counts = np.diff(np.append(starts, len(times)))
    means = np.add.reduceat(values, starts) / counts
    return History(
        begins[starts],
        means,
        np.minimum.reduceat(values, starts),
        np.maximum.reduceat(values, starts),
        values[np.append(starts[1:], len(times)) - 1],
        counts,
        np.add.reduceat((values - np.repeat(means, counts)) ** 2, starts),
        MINUTE_US,
    )


def _made(channel: Measured, values: Values) -> Values:
    return np.round(values * channel.scale + channel.offset, channel.digits)


def _starts(begins: Times) -> NDArray[np.intp]:
    """Return the rows at which another stretch of time begins."""
    return np.flatnonzero(np.append(True, begins[1:] != begins[:-1]))
