"""What time it is for the panel: the server's, if this computer's own clock is wrong."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock

_TOLERANCE_S = 2.0
"""`Date` tells whole seconds, and an answer takes its time."""


class Clock:
    """Goes on steadily: a jump of this computer's clock moves nothing. For use from any thread.

    Each answer of the server says by its `Date` what time it is there. As long as this computer
    agrees, its clock is the finer one and is used; else the server's is, to half a second.
    """

    def __init__(self, stands_at_s: float | None = None) -> None:
        """`stands_at_s`: the time, in seconds UTC, at which it stands still; None: it goes."""
        self._lock = Lock()
        self._stands_at_s = stands_at_s
        self._utc, self._steady = self._wall(), self._monotonic()

    @property
    def ahead_s(self) -> float:
        """By how much this computer's clock is ahead of the server's; 0 if they agree."""
        ahead = self._wall() - self._now_s()
        return ahead if abs(ahead) > _TOLERANCE_S else 0.0

    def now_utc(self) -> int:
        """Return the time in µs."""
        return round(self._now_s() * 1e6)

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return datetime.fromtimestamp(self._now_s(), UTC)

    def heard(self, date: str | None, took_s: float) -> None:
        """Take the `Date` (RFC 9110, 6.6.1) of an answer that has just come.

        It took `took_s` since it was asked; the server may have dated it at any moment of these.
        """
        try:
            there = parsedate_to_datetime(date or "").timestamp() + 0.5
        except ValueError:
            return
        here = self._wall()

        def agrees(time_s: float) -> bool:
            return -_TOLERANCE_S - took_s <= there - time_s <= _TOLERANCE_S

        with self._lock:
            steady = self._utc + self._monotonic() - self._steady
            if agrees(here):
                self._utc, self._steady = here, self._monotonic()
            elif not agrees(steady):
                self._utc, self._steady = there, self._monotonic()

    def _wall(self) -> float:
        return time.time() if self._stands_at_s is None else self._stands_at_s

    def _monotonic(self) -> float:
        return time.monotonic() if self._stands_at_s is None else 0.0

    def _now_s(self) -> float:
        with self._lock:
            return self._utc + self._monotonic() - self._steady
