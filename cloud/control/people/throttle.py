"""Slows down who guesses a password or a code: each wrong attempt doubles the wait."""

import time
from collections import OrderedDict, defaultdict

_FREE = 5
"""Wrong attempts that cost nothing: people mistype."""
_FIRST_S, _LONGEST_S = 1.0, 300.0
_FORGET_S = 3600.0
_MOST_KEYS = 10_000

Key = tuple[str, str]
"""A kind (`address`, `user`) and which."""


class Throttle:
    """Counts by key; of each kind it forgets the key that was wrong longest ago.

    An attempt counts before it is judged, so that many at once are no way round it.
    """

    def __init__(self) -> None:
        self._wrong: defaultdict[str, OrderedDict[str, tuple[int, float]]]
        self._wrong = defaultdict(OrderedDict)

    def seconds_left(self, *keys: Key, now: float | None = None) -> float:
        """Say how long must be waited; 0 if they may try."""
        now = time.monotonic() if now is None else now
        return max((self._left(key, now) for key in keys), default=0.0)

    def attempt(self, *keys: Key, now: float | None = None) -> None:
        """Count an attempt as wrong, until `right` says otherwise."""
        now = time.monotonic() if now is None else now
        for kind, which in keys:
            known = self._wrong[kind]
            count, at = known.pop(which, (0, now))
            known[which] = (1 if now - at > _FORGET_S else count + 1, now)
            while len(known) > _MOST_KEYS:
                known.popitem(last=False)

    def right(self, *keys: Key) -> None:
        """Take one attempt back. What was wrong before it stays: one who may log in may guess at
        others, too."""
        for kind, which in keys:
            count, at = self._wrong[kind].get(which, (0, 0.0))
            if count > 1:
                self._wrong[kind][which] = (count - 1, at)
            else:
                self._wrong[kind].pop(which, None)

    def forget(self, *keys: Key) -> None:
        """Forget all attempts: whoever it was has shown who they are."""
        for kind, which in keys:
            self._wrong[kind].pop(which, None)

    def _left(self, key: Key, now: float) -> float:
        count, at = self._wrong[key[0]].get(key[1], (0, now))
        if count < _FREE:
            return 0.0
        wait = min(_FIRST_S * 2.0 ** min(count - _FREE, 20), _LONGEST_S)
        return max(0.0, at + wait - now)
