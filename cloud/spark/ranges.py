"""Range sets as PostgreSQL's int8multirange and back."""

from collections.abc import Iterable
from typing import Any

from wire.ranges import RangeSet


def multirange(numbers: RangeSet) -> str:
    """Write a set as the text of a multirange."""
    return "{" + ",".join(f"[{first},{last}]" for first, last in numbers.ranges) + "}"


def range_set(value: Iterable[Any]) -> RangeSet:
    """Read a set from a multirange, whose ranges exclude their upper bound."""
    return RangeSet(tuple((item.lower, item.upper - 1) for item in value))  # never unbounded
