"""Slows down who guesses: so many wrong attempts an address and minute."""

import time
from collections import OrderedDict

_MOST_WRONG = 20
_WINDOW_S = 60.0
_MOST_ADDRESSES = 10_000


class Throttle:
    """Counts wrong attempts by address, of the last minute, of the latest addresses."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def seconds_left(self, address: str, now: float | None = None) -> float:
        """Say how long an address must wait; 0 if it may try."""
        began, count = self._wrong.get(address, (0.0, 0))
        now = time.monotonic() if now is None else now
        return max(0.0, began + _WINDOW_S - now) if count >= _MOST_WRONG else 0.0

    def wrong(self, address: str, now: float | None = None) -> None:
        """Count a wrong attempt."""
        now = time.monotonic() if now is None else now
        began, count = self._wrong.pop(address, (now, 0))
        if began + _WINDOW_S <= now:
            began, count = now, 0
        self._wrong[address] = (began, count + 1)
        while len(self._wrong) > _MOST_ADDRESSES:
            self._wrong.popitem(last=False)
