"""Names for what a machine or a sketch calls as it likes."""

import re
from collections.abc import Iterable

_FORBIDDEN = re.compile(r"[^A-Za-z0-9:._-]+")
_LONGEST = 40


def slug(text: str) -> str:
    """Make a piece of a channel name of any text: 'Core 0' gives 'Core-0'; never empty."""
    return _FORBIDDEN.sub("-", text).strip("-:._")[:_LONGEST].rstrip("-:._") or "unnamed"


def distinct(names: Iterable[str]) -> list[str]:
    """Number those that occur again: a, b, a gives a, b, a-2."""
    given: set[str] = set()
    result = []
    for name in names:
        unique, n = name, 1
        while unique in given:
            n += 1
            unique = f"{name}-{n}"
        given.add(unique)
        result.append(unique)
    return result
