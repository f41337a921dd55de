"""When a board took its samples, by its own milliseconds and by when its lines arrived.

A line arrives some unknown time after its sample was taken, never before: the serial line, USB
frames, a busy host. A board's clock runs up to half a per cent wrong (ceramic resonator). So the
board's time, drawn against the time of arrival, lies on a nearly straight line below all points,
and the points that came quickest lie on it. That line is what `BoardClock` estimates.

The estimate follows the points down at once, and up no faster than the board's clock can be slow.
While the rate is only known to 5,000 ppm that lets some jitter through when samples are rare; so
the rate is learned from the quickest point of each block of time, as the median of the slopes
between them (Theil 1950, Sen 1968), which a few bad blocks do not move. If a whole block stays
above the line (the board slept, its clock warmed up), the line is lifted to the block's quickest.

So an estimate is never later than the arrival, and, while the rate is as well known as it is said
to be, never earlier than the sample plus the smallest latency that there is.
"""

from collections import deque
from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

_WRAP = 1 << 32
LARGEST_DRIFT = 5_000e-6
"""How wrong a board's clock may run, as a share: a ceramic resonator's tolerance."""
_SURE_DRIFT = 50e-6
"""What remains uncertain of a rate however long it was observed: temperature changes it."""
_BLOCK_US = 30_000_000
_BLOCKS = 10
_UNEVEN_US = 4_000
"""By how much the smallest latencies of two blocks are taken to differ at most."""
_LARGEST_LATENCY_US = 5_000_000
"""What lies in the operating system's buffer is not older than this."""


class _Point(NamedTuple):
    board: int
    arrived: int


class BoardClock:
    """Turns one board's milliseconds into the host's monotonic µs; `begin_anew` at a reset."""

    def __init__(self) -> None:
        self._newest = 0
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all but the newest time, which the next ones must be later than."""
        self._last_ms: int | None = None
        self._board = 0
        self._offset = 0.0
        self._rate = 0.0
        self._uncertain = LARGEST_DRIFT
        self._block_end = 0
        self._touched = True
        self._quickest: _Point | None = None
        self._blocks: deque[_Point] = deque(maxlen=_BLOCKS)

    def went_back(self, board_ms: int) -> bool:
        """Whether the board's milliseconds have fallen, other than by running over 2^32."""
        return self._last_ms is not None and (board_ms - self._last_ms) % _WRAP >= _WRAP // 2

    def estimate(self, board_ms: int, arrived: int) -> int:
        """Return when a sample was taken: monotonic µs, as is `arrived`, when its line came.

        Samples come in the order in which they were taken. Each gets a later time than the one
        before it, if only by 1 µs.
        """
        if self._last_ms is None:
            self._offset = arrived
            self._block_end = arrived + _BLOCK_US
        else:
            passed = (board_ms - self._last_ms) % _WRAP * 1000
            self._board += passed
            self._offset += (self._rate + self._uncertain) * passed
        self._last_ms = board_ms
        point = _Point(self._board, arrived)
        if arrived >= self._block_end:
            self._end_block(point)
        observed = arrived - self._board
        if observed <= self._offset:
            self._touched = True
        self._offset = min(max(self._offset, observed - _LARGEST_LATENCY_US), observed)
        if self._quickest is None or self._latency(point) <= self._latency(self._quickest):
            self._quickest = point
        self._newest = max(round(self._offset) + self._board, self._newest + 1)
        return self._newest

    def _latency(self, point: _Point) -> float:
        """Return the latency at the rate known now, but for a constant."""
        return point.arrived - point.board * (1 + self._rate)

    def _end_block(self, now: _Point) -> None:
        if self._quickest is not None:
            self._blocks.append(self._quickest)
            self._learn_rate()
            if not self._touched:
                lifted = self._latency(self._quickest) + self._rate * now.board
                self._offset = max(self._offset, lifted)
        self._quickest = None
        self._touched = False
        self._block_end = now.arrived + _BLOCK_US

    def _learn_rate(self) -> None:
        baseline = self._blocks[-1].board - self._blocks[0].board
        if baseline * LARGEST_DRIFT <= _UNEVEN_US:
            return
        rates = sorted(
            (b.arrived - a.arrived) / (b.board - a.board) - 1
            for a, b in combinations(self._blocks, 2)
            if b.board - a.board >= baseline / 2
        )
        rate = rates[len(rates) // 2]
        self._rate = min(max(rate, -LARGEST_DRIFT), LARGEST_DRIFT)
        self._uncertain = max(_UNEVEN_US / baseline, _SURE_DRIFT)


class WallClock:
    """Turns monotonic µs into UTC, and notices when the wall clock is set.

    Between steps the two clocks run alike (both are slewed), so the difference is kept: measuring
    it anew each time would add the jitter of the two calls.
    """

    _STEP_US = 1_000
    _CALM_US = 200

    def __init__(self, now_utc: Callable[[], int], monotonic: Callable[[], int]) -> None:
        self._now_utc = now_utc
        self._monotonic = monotonic
        self._difference: int | None = None

    def look(self) -> None:
        """Measure the difference; keep it as it was unless the wall clock was set."""
        before = self._monotonic()
        now = self._now_utc()
        after = self._monotonic()
        difference = now - (before + after) // 2
        if self._difference is None or (
            after - before < self._CALM_US and abs(difference - self._difference) > self._STEP_US
        ):
            self._difference = difference

    def utc(self, monotonic: int) -> int:
        """Return the wall clock's time at a monotonic time, by the newest look."""
        if self._difference is None:
            self.look()
        assert self._difference is not None
        return monotonic + self._difference
