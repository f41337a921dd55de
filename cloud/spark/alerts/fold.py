"""What a rule makes of readings in the order of their times: episodes. Pure.

Times in µs UTC. A value holds until the next reading. Readings of one series are in the order of
(time, value), so that no order of arrival shows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cloud.spark.alerts.rules import Rule

OK, PENDING, FIRING = "ok", "pending", "firing"

Times = NDArray[np.int64]
Values = NDArray[np.float64]


class Episode(NamedTuple):
    """From when to when a rule fired; `ended` is None while it does.

    `value` is that of the reading at which it began, `worst` the one farthest beyond the
    threshold; both None for silence.
    """

    began: int
    ended: int | None
    value: float | None
    worst: float | None

    def covers(self, time: int) -> bool:
        """Whether it still fires after the readings of that time."""
        return self.began <= time and (self.ended is None or time < self.ended)

    def contains(self, other: "Episode") -> bool:
        """Whether all of another lies in this one."""
        return self.began <= other.began and (
            self.ended is None or (other.ended is not None and other.ended <= self.ended)
        )

    def meets(self, other: "Episode") -> bool:
        """Whether they have an instant in common."""
        return (other.ended is None or self.began <= other.ended) and (
            self.ended is None or other.began <= self.ended
        )


class State(NamedTuple):
    """How a rule stands for a series: since when, by which value, and what fires."""

    name: str
    since: int
    value: float | None
    episode: Episode | None = None


def firing(episode: Episode) -> State:
    """Return the state in which an episode goes on."""
    going_on = episode._replace(ended=None)
    return State(FIRING, episode.began, episode.value, going_on)


def signal(rule: Rule, times: Times, values: Values) -> Values:
    """Return what is compared with the threshold: the values, or how fast they change, a second.

    That is the difference from the latest reading that is at least a window older, and at most
    two; where there is none it is not a number, which is neither beyond the threshold nor back.
    """
    if rule.kind != "rate":
        return values
    before = np.searchsorted(times, times - rule.window, "right") - 1
    there = before >= 0
    before = np.maximum(before, 0)
    there &= times[before] >= times - 2 * rule.window
    spans = np.where(there, times - times[before], 1) / 1e6
    return np.where(there, (values - values[before]) / spans, np.nan)


def beyond(rule: Rule, values: Values) -> NDArray[np.bool_]:
    """Return which values of the signal are beyond the threshold."""
    return values > rule.threshold if rule.above else values < rule.threshold


def clear(rule: Rule, values: Values) -> NDArray[np.bool_]:
    """Return which values end an episode."""
    return values <= rule.clear_at if rule.above else values >= rule.clear_at


def worse(rule: Rule, one: float | None, other: float | None) -> float | None:
    """Return which of two is farther beyond."""
    known = [value for value in (one, other) if value is not None]
    return (max if rule.above else min)(known, default=None)


def fold(rule: Rule, state: State, times: Times, values: Values) -> tuple[State, list[Episode]]:
    """Go on from a state through values of the signal; return the new state and the episodes.

    If the state fires, its episode is the first of them. Costs by the number of changes, not by
    that of readings.
    """
    over = beyond(rule, values)
    overs, unders = np.flatnonzero(over), np.flatnonzero(~over)
    clears = np.flatnonzero(clear(rule, values))
    count, place, episodes = len(times), 0, []
    while place < count:
        if state.episode is not None:
            end = _first(clears, place, count)
            worst = worse(rule, state.episode.worst, _worst(rule, values[place:end]))
            episode = state.episode._replace(worst=worst)
            if end == count:
                state = state._replace(episode=episode)
                break
            ended = int(times[end])
            episodes.append(episode._replace(ended=ended))
            state = State(OK, ended, float(values[end]))
            place = end + 1
            continue
        if state.name == OK:
            place = _first(overs, place, count)
            if place == count:
                break
            state = State(PENDING, int(times[place]), float(values[place]))
        end = _first(unders, place, count)
        fires = max(place, int(np.searchsorted(times, state.since + rule.hold, "left")))
        if fires < end:
            began, value = int(times[fires]), float(values[fires])
            state = firing(Episode(began, None, value, value))
            place = fires
        elif end == count:
            break
        else:
            state = State(OK, int(times[end]), float(values[end]))
            place = end + 1
    if state.episode is not None:
        episodes.append(state.episode)
    return state, episodes


def trailing(rule: Rule, times: Times, values: Values) -> State:
    """Return the state after readings of which is known that they did not fire to the end."""
    under = np.flatnonzero(~beyond(rule, values))
    start = int(under[-1]) + 1 if len(under) else 0
    if start < len(times):
        return State(PENDING, int(times[start]), float(values[start]))
    return State(OK, int(times[-1]) if len(times) else rule.changed, None)


def silences(rule: Rule, last: int | None, times: Times) -> list[Episode]:
    """Return the gaps between readings that were longer than the rule allows.

    `last` is the time of the reading before them; before the rule was made nobody listened.
    """
    listened = np.maximum(times if last is None else np.append(last, times), rule.changed)
    before = np.flatnonzero(np.diff(listened) > rule.silence)
    return [
        Episode(int(listened[place]) + rule.silence, int(listened[place + 1]), None, None)
        for place in before
    ]


def _first(places: NDArray[np.intp], start: int, none: int) -> int:
    at = int(np.searchsorted(places, start))
    return int(places[at]) if at < len(places) else none


def _worst(rule: Rule, values: Values) -> float | None:
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    return float(known.max() if rule.above else known.min())
