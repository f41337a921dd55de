"""One channel's readings in memory, in the order of their times, bounded.

The columns lie in arrays with room at their end: a batch of new readings is one copy, and a
window is a view of neighbouring rows. When the room is used up the kept rows move to the front,
at most once for every quarter of the limit, so that an appended row is moved about four times.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

BYTES_A_READING = 17
ALWAYS, NEVER = -(2**62), 2**62
"""Before and after every time, in µs."""
_FIRST_ROOM = 64


class Window(NamedTuple):
    """Rows of a series, as views that hold until the series is next appended to.

    Times in µs UTC, ascending and all different; `uncertain` where the device guessed the time.
    """

    times: Times
    values: Values
    uncertain: Flags

    def picked(self, rows: slice | Flags) -> "Window":
        """Return some of the rows: views for a slice, copies for flags."""
        return Window(self.times[rows], self.values[rows], self.uncertain[rows])


class Series:
    """The newest `limit` readings of a channel; of two at one time the one that came last."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            msg = f"a series holds at least one reading, not {limit}"
            raise ValueError(msg)
        self._limit = limit
        self._times: Times = np.empty(0, np.int64)
        self._values: Values = np.empty(0, np.float64)
        self._uncertain: Flags = np.empty(0, np.bool_)
        self._begin = self._end = 0
        self.version = 0
        """Grows with each change."""
        self.taken = 0
        """How many readings were ever appended."""
        self.complete_utc = ALWAYS
        """From this time on nothing is missing that the device has sent; `seam_utc` says more."""
        self.late = 0
        """How many readings came from before that time."""

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def limit(self) -> int:
        """How many readings are kept at most."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        if limit < 1:
            msg = f"a series holds at least one reading, not {limit}"
            raise ValueError(msg)
        if limit < self._limit:
            kept = self.all()
            self._adopt(*(np.array(column[-limit:]) for column in kept))  # type: ignore[arg-type]
            self.version += 1
        self._limit = limit

    @property
    def seam_utc(self) -> int:
        """From which time on all is kept; what is older is stored, and only in parts here."""
        if self.complete_utc == NEVER or not len(self):
            return NEVER
        return max(self.complete_utc, int(self._times[self._begin]))

    @property
    def bytes(self) -> int:
        """What the columns take of the memory."""
        return len(self._times) * BYTES_A_READING

    def append(self, times: Times, values: Values, uncertain: Flags) -> None:
        """Take in a batch, in any order; columns of one length, times in µs UTC."""
        if not len(times) == len(values) == len(uncertain):
            msg = f"columns of {len(times)}, {len(values)} and {len(uncertain)} rows"
            raise ValueError(msg)
        if not len(times):
            return
        self.taken += len(times)
        self.late += int(np.count_nonzero(times < self.complete_utc))
        if len(times) > 1 and not bool(np.all(times[1:] > times[:-1])):
            times, values, uncertain = ordered(times, values, uncertain)
        if len(self) and times[0] <= self._times[self._end - 1]:
            times, values, uncertain = self._with_tail(times, values, uncertain)
        if len(times) > self._limit:
            kept = slice(len(times) - self._limit, None)
            times, values, uncertain = times[kept], values[kept], uncertain[kept]
        self._put(times, values, uncertain)
        self.version += 1

    def all(self) -> Window:
        """Return all that is kept."""
        return self._rows(self._begin, self._end)

    def window(self, begin_utc: int, end_utc: int) -> Window:
        """Return the readings of begin <= time <= end, in µs UTC."""
        first, last = self._find(begin_utc, end_utc)
        return self._rows(first, last)

    def drawn(self, begin_utc: int, end_utc: int) -> Window:
        """Return the window with its neighbours, to which its lines go."""
        first, last = self._find(begin_utc, end_utc)
        return self._rows(max(first - 1, self._begin), min(last + 1, self._end))

    def _find(self, begin_utc: int, end_utc: int) -> tuple[int, int]:
        kept = self._times[self._begin : self._end]
        first = self._begin + int(np.searchsorted(kept, begin_utc, "left"))
        last = self._begin + int(np.searchsorted(kept, end_utc, "right"))
        return first, max(first, last)

    def _rows(self, first: int, last: int) -> Window:
        columns = (
            self._times[first:last],
            self._values[first:last],
            self._uncertain[first:last],
        )
        for column in columns:
            column.flags.writeable = False
        return Window(*columns)

    def _with_tail(
        self, times: Times, values: Values, uncertain: Flags
    ) -> tuple[Times, Values, Flags]:
        """Cut off what is not older than the batch, and return both in order."""
        kept = self._times[self._begin : self._end]
        cut = self._begin + int(np.searchsorted(kept, times[0], "left"))
        tail = slice(cut, self._end)
        self._end = cut
        return ordered(
            np.concatenate((self._times[tail], times)),
            np.concatenate((self._values[tail], values)),
            np.concatenate((self._uncertain[tail], uncertain)),
        )

    def _put(self, times: Times, values: Values, uncertain: Flags) -> None:
        """Put behind what is kept, all of it later, and let the oldest go."""
        new = len(times)
        self._begin = max(self._begin, self._end + new - self._limit)
        self._begin = min(self._begin, self._end)
        if self._end + new > len(self._times):
            kept = slice(self._begin, self._end)
            count = self._end - self._begin
            room = min(2 * (count + new), self._limit + self._limit // 4)
            room = max(room, count + new, min(_FIRST_ROOM, self._limit))
            columns = (
                np.empty(room, np.int64),
                np.empty(room, np.float64),
                np.empty(room, np.bool_),
            )
            for column, old in zip(
                columns, (self._times, self._values, self._uncertain), strict=True
            ):
                column[:count] = old[kept]
            self._times, self._values, self._uncertain = columns
            self._begin, self._end = 0, count
        rows = slice(self._end, self._end + new)
        self._times[rows] = times
        self._values[rows] = values
        self._uncertain[rows] = uncertain
        self._end += new

    def _adopt(self, times: Times, values: Values, uncertain: Flags) -> None:
        self._times, self._values, self._uncertain = times, values, uncertain
        self._begin, self._end = 0, len(times)


def ordered(times: Times, values: Values, uncertain: Flags) -> tuple[Times, Values, Flags]:
    """Put in order of time; of those at one time the last stays."""
    order = np.argsort(times, kind="stable")
    times = times[order]
    last = np.append(times[1:] != times[:-1], True)
    order = order[last]
    return times[last], values[order], uncertain[order]
