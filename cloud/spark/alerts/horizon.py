"""How far everything that was said has been stored, so that silence can be told from delay. Pure.

Kafka says where its partitions end, the stream how far it has come. Only what was in Kafka at some
time and is handled now proves that nothing else had been said by then. Whether anything could have
come into Kafka, the API says, which looks at the stages before it.
"""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GRACE_US = 300_000_000
"""So long after a start or a delay devices may take to come back."""

LONGEST_GRACE_US = 3_600_000_000
"""So long after broker or bridge were away, at most, a silence counts from their return: what was
said meanwhile may be lost."""

UNSEEN_US = 20_000_000
"""So long the API may take a stage that hangs, or that was away for a moment, for one that carries;
and then devices need some seconds to connect."""

_BEHIND_US = 15_000_000

Place = tuple[str, int]
"""A topic and a partition."""


class Carrying(NamedTuple):
    """From when to when readings came through without a break, as far as the API has seen."""

    began: int
    ended: int


class Horizon:
    """Times in µs UTC of this machine's clock."""

    def __init__(self) -> None:
        self._ends: deque[tuple[int, dict[Place, int]]] = deque(maxlen=60)
        self._handled: dict[Place, int] = {}
        self.through: int | None = None
        self._since = 0

    def handled(self, place: Place, offset: int) -> None:
        """Note what the next record to handle is."""
        self._handled[place] = max(offset, self._handled.get(place, 0))

    def idle(self) -> None:
        """Note that nothing is left to read: all that was seen before the last look is handled."""
        for _, ends in list(self._ends)[:-1]:
            for place, offset in ends.items():
                self.handled(place, offset)

    def ends(self, now: int, ends: Mapping[Place, int]) -> None:
        """Note where the partitions end now, and move on as far as that is handled."""
        self._ends.append((now, dict(ends)))
        reached = [time for time, ends in self._ends if self._has(ends)]
        if not reached:
            return
        if self.through is None or reached[-1] - self.through > _BEHIND_US:
            self._since = reached[-1]
        self.through = max(reached[-1], self.through or 0)

    def is_past(
        self, times: NDArray[np.int64], patience: int, carrying: Carrying | None
    ) -> NDArray[np.bool_]:
        """Return which times are past, if that can be said at all: `patience` after a start.

        `carrying` is None where no API has ever looked: then Kafka alone tells.
        """
        if self.through is None or self.through - self._since < min(patience, GRACE_US):
            return np.zeros(len(times), np.bool_)
        through = self.through
        if carrying is not None:
            through = min(through, carrying.ended - UNSEEN_US)
            if through - carrying.began < min(patience, LONGEST_GRACE_US):
                return np.zeros(len(times), np.bool_)
        return times < through

    def _has(self, ends: Mapping[Place, int]) -> bool:
        return all(self._handled.get(place, 0) >= offset for place, offset in ends.items())
