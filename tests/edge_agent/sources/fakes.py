"""A context that keeps what a source does, and runs it in a thread as the agent does."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from edge_agent.sources.api import Board, Channel, Reading, Source


class FakeContext:
    def __init__(self, position: str | None = None) -> None:
        self.stopping = threading.Event()
        self.position = position
        self.readings: list[Reading] = []
        self.batches: list[list[Reading]] = []
        self.channels: dict[str, Channel] = {}
        self.board: Board | None = None
        self.counters: Counter[str] = Counter()
        self.undescribed: set[str] = set()
        self.clock_offset = 0
        self.after_emit: Callable[[], None] = lambda: None

    def now_utc(self) -> int:
        return time.time_ns() // 1000 + self.clock_offset

    def emit(self, readings: Sequence[Reading], position: str | None = None) -> None:
        self.undescribed |= {r.channel for r in readings} - set(self.channels)
        self.readings += readings
        self.batches.append(list(readings))
        if position is not None:
            self.position = position
        self.after_emit()

    def describe(self, channels: Sequence[Channel], board: Board | None = None) -> None:
        self.channels = {c.channel: c for c in channels}
        self.board = board

    def count(self, counter: str, n: int = 1) -> None:
        self.counters[counter] += n

    def wait(self, seconds: float) -> bool:
        return self.stopping.wait(seconds)

    def values(self, channel: str) -> list[float | str | bool]:
        return [r.value for r in self.readings if r.channel == channel]

    def times(self, channel: str) -> list[int]:
        return [r.time_utc for r in self.readings if r.channel == channel]


class SteppedContext(FakeContext):
    """Its clock stands still but for waits, which take no real time; stops after `until` waits."""

    def __init__(self, now: int, waits: int) -> None:
        super().__init__()
        self.now = now
        self.left = waits
        self.waited: list[float] = []

    def now_utc(self) -> int:
        return self.now

    def wait(self, seconds: float) -> bool:
        if self.left == 0:
            self.stopping.set()
            return True
        self.left -= 1
        self.waited.append(seconds)
        self.now += round(seconds * 1e6)
        return False


class Running:
    """A source in a thread; `failure` is what it ended with."""

    def __init__(self, source: Source, context: FakeContext) -> None:
        self.context = context
        self.failure: BaseException | None = None
        self._source = source
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._source.run(self.context)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.failure = error

    def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        """Wait for a condition; fails at once if the source ends before it holds."""
        end = time.monotonic() + seconds
        while not condition():
            if not self.thread.is_alive() and not condition():
                msg = f"the source ended: {self.failure!r}; {self.context.counters}"
                raise AssertionError(msg)
            if time.monotonic() > end:
                msg = f"waited in vain: {self.context.counters} {self.context.readings[-3:]}"
                raise AssertionError(msg)
            time.sleep(0.002)

    def ended(self, seconds: float = 10.0) -> BaseException | None:
        self.thread.join(seconds)
        assert not self.thread.is_alive()
        return self.failure


@contextmanager
def running(source: Source, context: FakeContext) -> Iterator[Running]:
    """Run a source; stop it at the end, which must take less than a second."""
    run = Running(source, context)
    try:
        yield run
    finally:
        context.stopping.set()
        run.thread.join(5)
        assert not run.thread.is_alive(), "the source did not stop"
