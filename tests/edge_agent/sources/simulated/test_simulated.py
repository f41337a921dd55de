"""Simulated signals: the same values at the same times, on schedule, whatever happens."""

from itertools import pairwise

import msgspec
import pytest

from edge_agent.sources.simulated import Settings
from edge_agent.sources.simulated import open as open_source
from edge_agent.sources.simulated.waves import values
from tests.edge_agent.sources.fakes import SteppedContext

S = 1_000_000
NOW = 1_700_000_000 * S + 123_456


def make(*signals: dict[str, object], **keys: object) -> Settings:
    table = {"kind": "simulated", "name": "sim", "signals": list(signals), **keys}
    return msgspec.convert(table, Settings)


@pytest.mark.parametrize(
    ("wave", "expected"),
    [
        ("sine", [10, 12, 10, 8]),
        ("ramp", [8, 9, 10, 11]),
        ("square", [12, 12, 8, 8]),
        ("constant", [10, 10, 10, 10]),
    ],
)
def test_a_wave_has_its_shape(wave: str, expected: list[float]) -> None:
    signal = {"channel": "x", "wave": wave, "center": 10, "amplitude": 2, "period_s": 4}
    (value,) = values(make(signal))
    assert [value(t * S) for t in (4, 5, 6, 7)] == pytest.approx(expected)


def test_noise_is_even_bounded_and_the_same_for_the_same_seed() -> None:
    signal = {"channel": "x", "wave": "noise", "center": 10, "amplitude": 2}
    (first,), (again,), (other,) = (values(make(signal, seed=s)) for s in (1, 1, 2))
    found = [first(t * 1000) for t in range(10_000)]
    assert found == [again(t * 1000) for t in range(10_000)]
    assert found != [other(t * 1000) for t in range(10_000)]
    assert all(8 <= v <= 12 for v in found)
    assert sum(found) / len(found) == pytest.approx(10, abs=0.05)
    quarters = [sum(8 + q <= v < 9 + q for v in found) for q in range(4)]
    assert min(quarters) > 2_300


def test_copies_differ() -> None:
    settings = make({"channel": "x", "copies": 3, "wave": "ramp", "amplitude": 3, "period_s": 6})
    assert [v(0) for v in values(settings)] == [-3, -1, 1]
    context = SteppedContext(NOW, waits=2)
    open_source(settings).run(context)
    assert list(context.channels) == ["sim/x-1", "sim/x-2", "sim/x-3"]


@pytest.mark.parametrize("rate", [0.5, 3, 20, 1000])
def test_samples_lie_on_whole_multiples_and_none_is_left_out(rate: float) -> None:
    context = SteppedContext(NOW, waits=60)
    open_source(make({"channel": "x"}, rate_hz=rate)).run(context)
    times = context.times("sim/x")
    first = int(NOW * rate / 1e6) + 1
    assert times == [round(k * 1e6 / rate) for k in range(first, first + len(times))]
    assert len(times) >= 38
    assert times[-1] <= context.now


def test_a_slow_buffer_costs_no_sample_as_long_as_it_catches_up() -> None:
    context = SteppedContext(NOW, waits=20)

    def delay() -> None:
        context.now += 3 * S if len(context.batches) == 5 else 0

    context.after_emit = delay
    open_source(make({"channel": "x"}, rate_hz=10)).run(context)
    times = context.times("sim/x")
    assert {b - a for a, b in pairwise(times)} == {100_000}
    assert not context.counters


def test_a_buffer_that_is_away_for_long_costs_samples_that_are_counted() -> None:
    context = SteppedContext(NOW, waits=20)

    def delay() -> None:
        context.now += 100 * S if len(context.batches) == 5 else 0

    context.after_emit = delay
    open_source(make({"channel": "x"}, rate_hz=10)).run(context)
    times = context.times("sim/x")
    gap = max(b - a for a, b in pairwise(times))
    assert context.counters == {"skipped": gap // 100_000 - 1}


def test_the_wall_clock_may_be_set_back_or_forward() -> None:
    context = SteppedContext(NOW, waits=30)
    steps = {5: -3600 * S, 12: 7200 * S}

    def step() -> None:
        context.now += steps.pop(len(context.batches), 0)

    context.after_emit = step
    open_source(make({"channel": "x"}, rate_hz=10)).run(context)
    assert len(context.readings) >= 28
    assert sum(context.waited) < 4
