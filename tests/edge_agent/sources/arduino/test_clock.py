"""The estimate of when samples were taken, against boards whose true times are known."""

import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from edge_agent.sources.arduino.clock import BoardClock, WallClock

WRAP = 1 << 32
PPM = 1e-6


def board(
    n: int, *, interval_ms: int, drift: float, first_ms: int, latency: Callable[[int], int]
) -> Iterator[tuple[int, int, int]]:
    """Yield (board_ms, taken, arrived) of n samples; the latter two in µs of the host.

    The serial line keeps the order, so a line arrives after the one before it.
    """
    arrived = 0
    for k in range(n):
        taken = 10_000_000 + round(k * interval_ms * 1000 * (1 + drift))
        arrived = max(taken + latency(k), arrived)
        yield (first_ms + k * interval_ms) % WRAP, taken, arrived


def errors(samples: Iterator[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """Return (error, latency) of each estimate, µs."""
    clock = BoardClock()
    return [
        (clock.estimate(board_ms, arrived) - taken, arrived - taken)
        for board_ms, taken, arrived in samples
    ]


drifts = st.floats(-5000, 5000).map(lambda ppm: ppm * PPM)
first_ms = st.one_of(st.integers(0, WRAP - 1), st.integers(WRAP - 30_000, WRAP - 1))


@given(
    drift=drifts,
    first=first_ms,
    interval=st.integers(20, 2_000),
    latencies=st.lists(st.integers(0, 300_000), min_size=2, max_size=60),
)
@settings(deadline=None)
def test_before_the_rate_is_learned_no_time_is_before_the_sample_or_after_its_arrival(
    drift: float, first: int, interval: int, latencies: list[int]
) -> None:
    n = min(len(latencies), 29_000 // interval)
    samples = board(
        n, interval_ms=interval, drift=drift, first_ms=first, latency=latencies.__getitem__
    )
    for k, (error, latency) in enumerate(errors(samples)):
        assert -2 <= error <= latency + k  # each is at least 1 µs later than the one before


@given(
    drift=drifts,
    first=first_ms,
    interval=st.sampled_from([20, 100, 1000, 5000]),
    seed=st.integers(),
)
@settings(deadline=None, max_examples=25, phases=(Phase.explicit, Phase.generate))
def test_once_the_rate_is_learned_jitter_of_the_line_hardly_reaches_the_times(
    drift: float, first: int, interval: int, seed: int
) -> None:
    """Latencies of 1 to 40 ms, most of them below 10."""
    rng = random.Random(seed)
    n = max(600_000 // interval, 120)
    samples = board(
        n,
        interval_ms=interval,
        drift=drift,
        first_ms=first,
        latency=lambda _: round(1000 + min(rng.expovariate(1 / 4_000), 39_000)),
    )
    late = [error for error, _ in errors(samples)][n // 2 :]
    assert min(late) > -1_000
    assert max(late) < 6_000
    assert max(late) - min(late) < 5_000


@given(
    drift=drifts,
    seed=st.integers(),
    unlucky=st.integers(0, 8),
)
@settings(deadline=None, max_examples=25, phases=(Phase.explicit, Phase.generate))
def test_a_busy_host_does_not_spoil_the_estimate_for_long(
    drift: float, seed: int, unlucky: int
) -> None:
    """For half a minute no line comes quicker than 200 ms; a minute later all is well again."""
    rng = random.Random(seed)

    def latency(k: int) -> int:
        busy = 200_000 if unlucky * 30 + 60 <= k < unlucky * 30 + 90 else 0
        return busy + rng.randrange(1_000, 5_000)

    samples = board(600, interval_ms=1000, drift=drift, first_ms=0, latency=latency)
    for k, (error, lateness) in enumerate(errors(samples)):
        assert error <= lateness + 2
        assert error > -10_000
        if k > unlucky * 30 + 150:
            assert error < 12_000


def test_times_ascend_even_of_lines_that_arrive_all_at_once() -> None:
    clock = BoardClock()
    estimates = [clock.estimate(k * 20, 1_000_000) for k in range(10)]
    assert estimates == list(range(1_000_000, 1_000_010))


def test_a_rate_that_changes_is_learned_anew() -> None:
    """From 0.3 % slow to 0.3 % fast: the estimate falls back for a block of time, not for good."""
    clock = BoardClock()
    taken, found = 0, []
    for second in range(1200):
        taken += 997_000 if second < 600 else 1_003_000
        found.append(clock.estimate(second * 1000, taken + 1_000) - taken)
    assert min(found) > -400_000
    assert min(found[-100:]) > -1_000
    assert max(found) < 10_000


def test_a_board_whose_milliseconds_stop_while_it_sleeps_is_followed() -> None:
    """It sleeps 8 s after every 100 ms of its own: no rate of a clock explains that."""
    clock = BoardClock()
    for k in range(100):
        taken = k * 8_100_000
        estimate = clock.estimate(k * 100, taken + 2_000)
        assert taken - 5_000_000 <= estimate <= taken + 2_000


def test_the_counter_may_run_over_but_not_fall() -> None:
    clock = BoardClock()
    clock.estimate(WRAP - 10, 1_000_000)
    assert not clock.went_back(5)
    assert clock.estimate(90, 1_100_000) == 1_100_000
    assert clock.went_back(80)
    assert not clock.went_back(91)


class Clocks:
    """A monotonic and a wall clock; each call takes a while."""

    def __init__(self) -> None:
        self.mono = 5_000_000
        self.difference = 1_600_000_000_000_000
        self.call_us = 1

    def monotonic(self) -> int:
        self.mono += self.call_us
        return self.mono

    def now_utc(self) -> int:
        self.mono += self.call_us
        return self.mono + self.difference


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_a_step_of_the_wall_clock_is_followed(clocks: Clocks) -> None:
    wall = WallClock(clocks.now_utc, clocks.monotonic)
    wall.look()
    before = wall.utc(5_000_000)
    assert abs(before - 1_600_000_005_000_000) <= 2
    clocks.difference += 3_600_000_000
    wall.look()
    assert wall.utc(5_000_000) - before == pytest.approx(3_600_000_000, abs=2)


def test_a_look_that_was_interrupted_does_not_pass_for_a_step(clocks: Clocks) -> None:
    wall = WallClock(clocks.now_utc, clocks.monotonic)
    wall.look()
    before = wall.utc(0)
    clocks.call_us = 50_000
    wall.look()
    assert wall.utc(0) == before
