"""When sources read, played on a clock that the test moves."""

from itertools import islice, pairwise

import pytest

from edge_agent.sources.schedule import ticks
from tests.edge_agent.sources.fakes import SteppedContext

S = 1_000_000
NOW = 1_700_000_000 * S


@pytest.mark.parametrize("offset", [0, 300_000, 500_000, 700_000])
def test_the_first_tick_comes_at_once_and_the_others_at_whole_multiples(offset: int) -> None:
    context = SteppedContext(NOW + offset, waits=5)
    came = [context.now for _ in islice(ticks(context, 1.0), 5)]
    assert came[0] == NOW + offset
    assert all(t % S == 0 for t in came[1:])
    assert all(b - a == S for a, b in pairwise(came[1:]))
    assert came[1] - came[0] >= S // 2


def test_a_slow_read_leaves_ticks_out_and_makes_none_up() -> None:
    context = SteppedContext(NOW, waits=10)
    came = []
    for _ in islice(ticks(context, 1.0), 6):
        came.append((context.now - NOW) / S)
        if len(came) == 2:
            context.now += 3_400_000
    assert came == [0, 1, 5, 6, 7, 8]


@pytest.mark.parametrize("step", [-7200 * S, -1_500_000, 7200 * S + 300_000])
def test_a_step_of_the_wall_clock_delays_by_two_intervals_at_most(step: int) -> None:
    context = SteppedContext(NOW, waits=20)
    n = 0
    for _ in islice(ticks(context, 1.0), 8):
        n += 1
        if n == 3:
            context.now += step
    assert n == 8
    assert sum(context.waited) <= 9
    assert context.now % S == 0


def test_a_wall_clock_that_is_set_back_during_a_wait_is_not_waited_for() -> None:
    context = SteppedContext(NOW, waits=20)

    def wait(seconds: float) -> bool:
        stopped = SteppedContext.wait(context, seconds)
        if len(context.waited) == 3:
            context.now -= 7200 * S
        return stopped

    context.wait = wait  # type: ignore[method-assign]
    assert len(list(islice(ticks(context, 1.0), 8))) == 8
    assert sum(context.waited) <= 9


def test_a_wait_that_ends_early_gives_no_tick() -> None:
    context = SteppedContext(NOW, waits=10)
    context.wait = lambda seconds: SteppedContext.wait(context, seconds * 0.9)  # type: ignore[method-assign]
    came = [context.now for _ in islice(ticks(context, 1.0), 2)]
    assert S - 1 <= came[1] - came[0] <= S + 100
    assert len(context.waited) > 2


def test_it_ends_when_the_agent_stops() -> None:
    assert len(list(ticks(SteppedContext(NOW, waits=3), 1.0))) == 4
