"""Between the sources and the buffer: a bounded room in memory, emptied in groups."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wire.reading import Reading, TimeQuality

FULL = 16_000
"""Readings held at most; beyond, sources wait. Some 3 MB."""
EARLY = 6_400
"""So many are not kept waiting for the next second: a full-speed replay commits more often."""


class Entry(NamedTuple):
    """What one call of `emit` handed over.

    With `unset_offset` their times are those of a clock that was not set: boot time plus that.
    """

    source: str
    readings: Sequence[Reading]
    quality: TimeQuality
    position: str | None
    unset_offset: int | None = None


class Intake:
    """Readings on their way to the disk. Thread safe.

    They are given out at most once every `commit_s`, so that an SD card lasts; but what comes
    after a longer pause is given out at once, so that a slow sensor sees no added latency.
    """

    def __init__(self, commit_s: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._commit_s = commit_s
        self._monotonic = monotonic
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._room = threading.Condition(lock)
        self._entries: list[Entry] = []
        self._count = 0
        self._last = float("-inf")
        self._closed = False
        self._out = False

    def put(self, entry: Entry, *, give_up: Callable[[], bool]) -> bool:
        """Hand over; waits while there is no room. False if given up, with nothing taken."""
        with self._changed:
            while self._count >= FULL and not self._closed:
                if give_up():
                    return False
                self._room.wait(0.2)
            if self._closed:
                return False
            before = self._count
            self._entries.append(entry)
            self._count += len(entry.readings)
            if before == 0 or before < EARLY <= self._count:
                self._changed.notify()
            return True

    def take(self, timeout: float) -> list[Entry]:
        """Return all there is once it is due; empty after `timeout` seconds without any."""
        deadline = self._monotonic() + timeout
        with self._changed:
            while True:
                now = self._monotonic()
                due = self._last + self._commit_s
                if self._entries and (self._closed or self._count >= EARLY or now >= due):
                    break
                if now >= deadline or self._closed:
                    return []
                self._changed.wait((min(due, deadline) if self._entries else deadline) - now)
            taken, self._entries, self._count = self._entries, [], 0
            self._last = now
            self._out = True
            self._room.notify_all()
            return taken

    def done(self) -> None:
        """Tell that what was taken last is on disk."""
        with self._changed:
            self._out = False

    def close(self) -> None:
        """Take nothing more; what is there is due."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def is_settled(self) -> bool:
        """Say whether all that was ever handed over is on disk."""
        with self._changed:
            return not self._entries and not self._out
