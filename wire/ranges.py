"""Sets of sequence numbers, kept as ranges."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from wire.errors import WireError


class RangesRefused(WireError):
    """A range is not two integers in ascending order."""


class RangeSet(msgspec.Struct, frozen=True):
    """An immutable set of integers as inclusive ranges: ascending, disjoint, not adjacent.

    Make one with `RangeSet.of`, which takes ranges in any order; the constructor
    trusts its argument. Every operation costs time in ranges, never in members.
    """

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[Sequence[int]]) -> "RangeSet":
        """Make the set of ranges `[first, last]`, which may overlap and come in any order.

        Raises RangesRefused if one is not two integers in ascending order.
        """
        checked = []
        for item in ranges:
            if len(item) != 2 or any(type(end) is not int for end in item) or item[0] > item[1]:
                msg = f"{item!r} is no range: it must be [first, last] with first <= last"
                raise RangesRefused(msg)
            checked.append((item[0], item[1]))
        checked.sort()
        return cls(_merged(checked))

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self.ranges, number, key=_first)
        return place > 0 and number <= self.ranges[place - 1][1]

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __or__(self, other: "RangeSet") -> "RangeSet":
        if not self.ranges:
            return other
        if not other.ranges:
            return self
        return RangeSet(_merged(sorted(self.ranges + other.ranges)))

    def __and__(self, other: "RangeSet") -> "RangeSet":
        common = []
        mine, theirs = self.ranges, other.ranges
        i = j = 0
        while i < len(mine) and j < len(theirs):
            first = max(mine[i][0], theirs[j][0])
            last = min(mine[i][1], theirs[j][1])
            if first <= last:
                common.append((first, last))
            if mine[i][1] < theirs[j][1]:
                i += 1
            else:
                j += 1
        return RangeSet(tuple(common))

    def __sub__(self, other: "RangeSet") -> "RangeSet":
        left = []
        theirs = other.ranges
        j = 0
        for start, last in self.ranges:
            first = start
            while j < len(theirs) and theirs[j][1] < first:
                j += 1
            k = j
            while k < len(theirs) and theirs[k][0] <= last:
                if first < theirs[k][0]:
                    left.append((first, theirs[k][0] - 1))
                first = theirs[k][1] + 1
                k += 1
            if first <= last:
                left.append((first, last))
        return RangeSet(tuple(left))

    def add(self, number: int) -> "RangeSet":
        """Return the set with one more member; quick if it continues the last range."""
        if self.ranges:
            first, last = self.ranges[-1]
            if number == last + 1:
                return RangeSet((*self.ranges[:-1], (first, number)))
            if number in self:
                return self
        return self | RangeSet(((number, number),))

    def holes(self, start: int = 0) -> "RangeSet":
        """Return what is missing from `start` up to the highest member."""
        if not self.ranges or self.ranges[-1][1] < start:
            return RangeSet()
        return RangeSet(((start, self.ranges[-1][1]),)) - self

    def lowest(self, n: int) -> "RangeSet":
        """Return the set of the first `n` ranges."""
        return RangeSet(self.ranges[:n])

    def to_json(self) -> list[list[int]]:
        """Return the ranges as the lists that travel."""
        return [[first, last] for first, last in self.ranges]


def _first(item: tuple[int, int]) -> int:
    return item[0]


def _merged(ascending: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in ascending:
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(merged)
