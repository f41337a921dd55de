"""Runs one source in a thread of its own, again and again until it has finished for good."""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from edge_agent.buffer import Buffer
from edge_agent.calibration import calibrated
from edge_agent.clock import Clock
from edge_agent.errors import SourceFailed
from edge_agent.intake import Entry, Intake
from edge_agent.sources.api import Board, Channel, Source
from wire.configuration import Calibration
from wire.reading import Reading, TimeQuality
from wire.status import SourceStatus

RETRY_LEAST_S = 1.0
RETRY_MOST_S = 30.0
OFF = "switched off"
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
        self.stopping = threading.Event()
        self.channels: tuple[Channel, ...] = ()
        self.board: Board | None = None
        self._ending = stopping
        self._position: str | None = None
        self._on = True
        self._calibration: Mapping[str, Calibration] = {}
        self._source: Source | None = None
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
        """The newest position that was handed over, or of an earlier agent's that is on disk."""
        # A source that is opened again may be ahead of the disk: what waits in memory is not lost.
        return self._position or self._buffer.position(self.name)

    def now_utc(self) -> int:
        """The wall clock, µs since 1970."""
        return self._clock.stamp()

    def emit(self, readings: Sequence[Reading], position: str | None = None) -> None:
        """Hand readings over to be written; waits while there is no room in memory."""
        readings = calibrated(readings, self._calibration)
        quality = self._clock.quality()
        parts = [
            (offset, *part)
            for offset, some in self._by_offset(readings).items()
            for part in _by_quality(some, quality if offset is None else TimeQuality.SYNCED)
        ]
        for place, (offset, part_quality, part) in enumerate(parts):
            last = position if place == len(parts) - 1 else None
            entry = Entry(self.name, part, part_quality, last, offset)
            if not self._intake.put(entry, give_up=self._ending.is_set):
                _log.error("%s: stopping, %d readings had no room", self.name, len(part))
                return
        self._position = position or self._position
        with self._lock:
            self._readings += len(readings)
        if self._state == "failing":
            self._set("running", "")

    def _by_offset(self, readings: Sequence[Reading]) -> Mapping[int | None, Sequence[Reading]]:
        """Split off what was stamped by a clock that was not set."""
        if not self._clock.was_unset():
            return {None: readings}
        offsets: dict[int | None, list[Reading]] = {}
        for reading in readings:
            offsets.setdefault(self._clock.unset_offset(reading.time_utc), []).append(reading)
        return offsets or {None: readings}

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

    def stop(self) -> None:
        """End the run that is going on; with the agent's `stopping` set, for good."""
        with self._lock:
            self.stopping.set()

    def switch(self, *, on: bool) -> None:
        """Read, or do not until told otherwise."""
        with self._lock:
            if on != self._on:
                self._on = on
                self.stopping.set()

    def reopen(self, open_source: Callable[[], Source]) -> None:
        """Go on with a source that is made otherwise, from the position that was reached."""
        with self._lock:
            self._open_source = open_source
            self.stopping.set()

    def calibrate(self, table: Mapping[str, Calibration]) -> None:
        """Correct what is emitted from now on; by the full names of channels."""
        self._calibration = table

    def source(self) -> object:
        """Return the source while it is open, else None."""
        return self._source

    def join(self, timeout: float) -> bool:
        """Wait for the end; False if the source does not come to one."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_finished(self) -> bool:
        """Say whether no more comes: the source is at its end, or switched off."""
        return self._state == "finished" or (self._state, self._reason) == ("stopped", OFF)

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
        while (open_source := self._next_run()) is not None:
            began = time.monotonic()
            try:
                self._source = open_source()
                self._source.run(self)
            except SourceFailed as error:
                self._fail(str(error))
            except Exception as error:  # noqa: BLE001 - a source's fault must not stop the others
                _log.exception("%s: unexpected error", self.name)
                self._fail(f"unexpected error: {type(error).__name__}: {error}. See the log")
            else:
                if not self.stopping.is_set():
                    self._set("finished", "")
                    return
                wait = RETRY_LEAST_S
                continue  # it was told to end: by the agent, or to go on otherwise
            finally:
                self._source = None
            if time.monotonic() - began >= HEALTHY_S:
                wait = RETRY_LEAST_S
            self.stopping.wait(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            wait = min(wait * 2, RETRY_MOST_S)
        self._set("stopped", self._reason)

    def _next_run(self) -> Callable[[], Source] | None:
        """Wait while switched off; then how to open the source, or None at the agent's end."""
        while True:
            with self._lock:
                if self._ending.is_set():
                    return None
                self.stopping = threading.Event()
                stopping, on, open_source = self.stopping, self._on, self._open_source
            if on:
                if self._reason == OFF:
                    self._set("running", "")
                return open_source
            self._set("stopped", OFF)
            stopping.wait()

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
