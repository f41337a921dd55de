"""Waits for what will become true; never for time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], within: float = 30.0, what: str = "") -> T:
    """Return the first true value of the condition; fail if there is none in that many seconds.

    An AssertionError or OSError from the condition counts as not yet.
    """
    deadline = time.monotonic() + within
    seen: object = None
    while True:
        try:
            value = condition()
        except (AssertionError, OSError) as error:
            seen = error
        else:
            if value:
                return value
            seen = value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {what or condition}; last: {seen!r}")
        time.sleep(0.02)
