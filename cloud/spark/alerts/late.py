"""What readings that come late change in the history of episodes. Pure but for `History`.

Only a stretch of the history is folded anew. Before the first late reading the episodes that are
known say how the rule stood: it fired, or the condition had held for less than it must, which the
readings of that short time tell. After the last one the fold goes on until it stands as it stood
there before: from then on the history stays as it is. So a month's backlog costs what it holds,
not what has come in since.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cloud.spark.alerts.fold import (
    Episode,
    State,
    Times,
    Values,
    beyond,
    firing,
    fold,
    signal,
    silences,
    trailing,
    worse,
)
from cloud.spark.alerts.rules import Rule

_MINUTES, _MORE = 1, 8


class Known(NamedTuple):
    """An episode that is stored; `late`: it came with a backlog, and nobody was told."""

    id: int
    late: bool
    episode: Episode


class History(Protocol):
    """What is stored of one series, and what a rule made of it. Times in µs, inclusive."""

    floor: int
    """Before it readings are missing that were stored once: what was made of them stays."""

    def before(self, time: int) -> int | None:
        """Return a time, at most a minute too early, of the latest reading before another."""

    def after(self, time: int, minutes: int) -> int | None:
        """Return a time such that so many minutes with readings lie between; None if fewer do.

        Of a single minute it need not be all.
        """

    def readings(self, lower: int, upper: int) -> tuple[Times, Values]:
        """Return the numbers of that time, in the order of time and value."""

    def episodes(self, since: int) -> list[Known]:
        """Return the episodes that had not ended before, in order."""


class Mended(NamedTuple):
    """What is now in place of `known`; the state, if the late readings may have changed it."""

    known: list[Known]
    episodes: list[Episode]
    state: State | None


Pair = tuple[Known | None, Episode | None]


def mend(rule: Rule, history: History, first: int, last: int, through: int) -> Mended:
    """Fold anew what late readings between two times concern; all later than `through` is not."""
    minutes = _MINUTES
    while True:
        known = history.episodes(first)
        covering = known[0].episode if known and known[0].episode.began < first else None
        lower = first
        if covering is None:
            before = history.before(first)
            lower = (first if before is None else before) - rule.hold
        after = history.after(last + 2 * rule.window, minutes)
        upper = through if after is None else min(after, through)
        times, values = history.readings(max(rule.changed, lower - 2 * rule.window), upper)
        values = signal(rule, times, values)
        start = int(np.searchsorted(times, first, "left"))
        if covering is None:
            state = trailing(rule, times[:start], values[:start])
        else:
            # A late reading changes rates that were known: the worst may be no more.
            state = firing(covering._replace(worst=None) if rule.window else covering)
        times, values = times[start:], values[start:]
        state, episodes = fold(rule, state, times, values)
        met = _meeting(rule, [k.episode for k in known], episodes, times, values, last=last)
        if met is None and upper < through:
            minutes *= _MORE
            continue
        end = through if met is None else met
        known = [k for k in known if k.episode.began <= end]
        outside = [
            k
            for k in known
            if k.episode.began < first
            or (met is not None and (k.episode.ended is None or k.episode.ended > met))
        ]
        found = [e for e in episodes if e.began <= end]
        episodes = _joined(rule, found, outside, met)
        told = [(e, alone.worst) for e, alone in zip(episodes, found, strict=True)]
        cut = [
            k.episode
            for k in outside
            if k.episode.began >= history.floor and not any(_holds(rule, k, *one) for one in told)
        ]
        if not cut:
            return Mended(known, episodes, state if met is None else _if_open(episodes))
        # Only their readings tell the worst value of what is left of them.
        first = min(first, *(e.began for e in cut))
        last = max(last, min(max(through if e.ended is None else e.ended for e in cut), through))


def mend_silences(rule: Rule, history: History, first: int, last: int, through: int) -> Mended:
    """Find anew the gaps between the readings around late ones."""
    before, after = history.before(first), history.after(last, 1)
    upper = through if after is None else min(after, through)
    times, _ = history.readings(first if before is None else before, upper)
    start = int(np.searchsorted(times, first, "left"))
    end = int(np.searchsorted(times, last, "right")) + 1
    episodes = silences(rule, int(times[start - 1]) if start else None, times[start:end])
    latest = max(int(times[start:end][-1]), rule.changed)
    known = [
        k
        for k in history.episodes(first)
        if k.episode.ended is not None and k.episode.began <= latest
    ]
    return Mended(known, episodes, None)


def reconcile(known: Sequence[Known], episodes: Sequence[Episode]) -> list[Pair]:
    """Say which known episode each one is: the first that it has an instant in common with."""
    pairs: list[Pair] = []
    left = list(known)
    for episode in episodes:
        found = next((k for k in left if k.episode.meets(episode)), None)
        if found is not None:
            left.remove(found)
        pairs.append((found, episode))
    return [(k, None) for k in left] + pairs


def clusters(times: Times, apart: int) -> list[tuple[int, int]]:
    """Return first and last of the times wherever more lies between them than `apart`."""
    if not len(times):
        return []
    if times[-1] - times[0] <= apart:
        return [(int(times[0]), int(times[-1]))]
    cuts = np.flatnonzero(np.diff(times) > apart)
    firsts = np.append(0, cuts + 1)
    lasts = np.append(cuts, len(times) - 1)
    return list(zip(times[firsts].tolist(), times[lasts].tolist(), strict=True))


def _meeting(
    rule: Rule,
    old: list[Episode],
    new: list[Episode],
    times: Times,
    values: Values,
    *,
    last: int,
) -> int | None:
    """Return the first time after which the rule stands as it stood, if there is one."""
    whole = np.append(times[1:] != times[:-1], np.ones(min(len(times), 1), np.bool_))
    now = _fires(new, times)
    same = (now == _fires(old, times)) & (now | ~beyond(rule, values))
    found = np.flatnonzero(whole & same & (times > last + 2 * rule.window))
    return int(times[found[0]]) if len(found) else None


def _fires(episodes: list[Episode], times: Times) -> NDArray[np.bool_]:
    fires = np.zeros(len(times), np.bool_)
    for episode in episodes:
        start = int(np.searchsorted(times, episode.began, "left"))
        end = len(times)
        if episode.ended is not None:
            end = int(np.searchsorted(times, episode.ended, "left"))
        fires[start:end] = True
    return fires


def _joined(
    rule: Rule, episodes: list[Episode], outside: list[Known], met: int | None
) -> list[Episode]:
    """Let episodes that go on beyond the stretch end as they did, with the worst of both."""
    joined = []
    for episode in episodes:
        whole = episode
        for k in outside:
            if not whole.meets(k.episode):
                continue
            if met is not None and whole.covers(met) and k.episode.covers(met):
                whole = whole._replace(ended=k.episode.ended)
            if whole.contains(k.episode):
                whole = whole._replace(worst=worse(rule, whole.worst, k.episode.worst))
        joined.append(whole)
    return joined


def _holds(rule: Rule, known: Known, episode: Episode, worst: float | None) -> bool:
    """Whether an episode says all of a known one of which the stretch has but a part.

    `worst` is that of the stretch alone. The other may be of a rate in the stretch, as it was.
    """
    if not episode.contains(known.episode):
        return False
    return not rule.window or worst == worse(rule, worst, known.episode.worst)


def _if_open(episodes: list[Episode]) -> State | None:
    return firing(episodes[-1]) if episodes and episodes[-1].ended is None else None
