"""Runs one source in a thread of its own, again and again until it has finished for good."""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from edge_agent.buffer import Buffer
from edge_agent.clock import Clock
from edge_agent.errors import SourceFailed
from edge_agent.intake import Entry, Intake
from edge_agent.sources.api import Board, Channel, Source
from wire.reading import Reading, TimeQuality
from wire.status import SourceStatus

RETRY_LEAST_S = 1.0
RETRY_MOST_S = 30.0
HEALTHY_S = 60.0
"""After running for so long, the next failure is retried quickly again."""

_log = logging.getLogger(__name__)


class Runner:
    """The thread of a source, and the context that the source is given."""

    def __init__(
        self,
        name: str,
        kind: str,
        open_source: Callable[[], Source],
        *,
        intake: Intake,
        buffer: Buffer,
        clock: Clock,
        stopping: threading.Event,
        changed: Callable[[], None],
    ) -> None:
        self.name = name
        self.kind = kind
        self.stopping = stopping
        self.channels: tuple[Channel, ...] = ()
        self.board: Board | None = None
        self._open_source = open_source
        self._intake = intake
        self._buffer = buffer
        self._clock = clock
        self._changed = changed
        self._state = "running"
        self._reason = ""
        self._since = clock.now_utc()
        self._lock = threading.Lock()
        self._readings = 0
        self._errors = 0
        self._counters: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # -- the context ---------------------------------------------------------------------------

    @property
    def position(self) -> str | None:
        """The newest position that is on disk with its readings."""
        return self._buffer.position(self.name)

    def now_utc(self) -> int:
        """The wall clock, µs since 1970."""
        return self._clock.now_utc()

    def emit(self, readings: Sequence[Reading], position: str | None = None) -> None:
        """Hand readings over to be written; waits while there is no room in memory."""
        quality = self._clock.quality()
        parts = _by_quality(readings, quality)
        for place, (part_quality, part) in enumerate(parts):
            last = position if place == len(parts) - 1 else None
            entry = Entry(self.name, part, part_quality, last)
            if not self._intake.put(entry, give_up=self.stopping.is_set):
                _log.error("%s: stopping, %d readings had no room", self.name, len(part))
                return
        with self._lock:
            self._readings += len(readings)
        if self._state == "failing":
            self._set("running", "")

    def describe(self, channels: Sequence[Channel], board: Board | None = None) -> None:
        """Say which channels there are, replacing what was said before."""
        self.channels = tuple(
            Channel(c.channel, c.label, c.unit, c.minimum, c.maximum, self.name) for c in channels
        )
        self.board = board
        self._changed()

    def count(self, counter: str, n: int = 1) -> None:
        """Add to a counter that the status shows."""
        with self._lock:
            self._counters[counter] += n

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until the agent stops; True if it stops."""
        return self.stopping.wait(seconds)

    # -- the thread ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait for the end; False if the source does not come to one."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_finished(self) -> bool:
        """Say whether the source has come to its end for good."""
        return self._state == "finished"

    def status(self) -> SourceStatus:
        """Return what the device says of this source."""
        with self._lock:
            return SourceStatus(
                name=self.name,
                kind=self.kind,
                state=self._state,  # type: ignore[arg-type]  # one of the four, see _set
                reason=self._reason,
                since=self._since / 1e6,
                readings=self._readings,
                errors=self._errors,
                counters=dict(self._counters),
            )

    def _run(self) -> None:
        wait = RETRY_LEAST_S
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                self._open_source().run(self)
            except SourceFailed as error:
                self._fail(str(error))
            except Exception as error:  # noqa: BLE001 - a source's fault must not stop the others
                _log.exception("%s: unexpected error", self.name)
                self._fail(f"unexpected error: {type(error).__name__}: {error}. See the log")
            else:
                self._set("stopped" if self.stopping.is_set() else "finished", "")
                return
            if time.monotonic() - began >= HEALTHY_S:
                wait = RETRY_LEAST_S
            self.stopping.wait(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            wait = min(wait * 2, RETRY_MOST_S)
        self._set("stopped", self._reason)

    def _fail(self, reason: str) -> None:
        with self._lock:
            self._errors += 1
        if reason != self._reason:
            _log.warning("%s: %s", self.name, reason)
        self._set("failing", reason)

    def _set(self, state: str, reason: str) -> None:
        with self._lock:
            if (state, reason) == (self._state, self._reason):
                return
            self._state, self._reason, self._since = state, reason, self._clock.now_utc()
        if state == "finished":
            _log.info("%s: finished", self.name)
        self._changed()


def _by_quality(
    readings: Sequence[Reading], clock: TimeQuality
) -> list[tuple[TimeQuality, Sequence[Reading]]]:
    """Split by quality of time, which is the clock's unless a source knows of a worse one."""
    qualities = {reading.quality for reading in readings}
    if len(qualities) <= 1:
        own = qualities.pop() if qualities else TimeQuality.SYNCED
        return [(clock if own is TimeQuality.SYNCED else own, readings)]
    return [
        (clock if own is TimeQuality.SYNCED else own, [r for r in readings if r.quality is own])
        for own in sorted(qualities)
    ]
