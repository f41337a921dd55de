"""Rules, on readings in order and late: always what the sorted whole gives."""

from __future__ import annotations

import bisect
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.spark.alerts import fold as folds
from cloud.spark.alerts.fold import OK, PENDING, Episode, State, Times, Values, fold, signal
from cloud.spark.alerts.late import Known, clusters, mend, mend_silences, reconcile
from cloud.spark.alerts.rules import SILENCE, Rule, matcher
from tests.cloud.spark.alerts import naive
from tests.cloud.spark.alerts.naive import SECOND

START = State(OK, 0, None)
MINUTE = 60 * SECOND

Reading = tuple[int, float]


def arrays(readings: list[Reading]) -> tuple[Times, Values]:
    return (
        np.array([t for t, _ in readings], np.int64),
        np.array([v for _, v in readings], np.float64),
    )


def folded(rule: Rule, *values: float) -> tuple[str, list[tuple[float, ...]]]:
    """Fold one value a second; return the state and (began, ended, value, worst) in seconds."""
    times, numbers = arrays([(n * SECOND, v) for n, v in enumerate(values)])
    state, episodes = fold(rule, START, times, signal(rule, times, numbers))
    return state.name, [
        (e.began / SECOND, -1 if e.ended is None else e.ended / SECOND, e.value or 0, e.worst or 0)
        for e in episodes
    ]


def test_a_threshold_fires_until_the_value_is_back() -> None:
    assert folded(naive.rule(), 9, 10, 11, 14, 12, 10, 9) == ("ok", [(2, 5, 11, 14)])


def test_hysteresis_keeps_it_firing_between_the_two() -> None:
    rule = naive.rule(clear_at=5.0)
    assert folded(rule, 11, 9, 6, 5, 9, 11, 6) == ("firing", [(0, 3, 11, 11), (5, -1, 11, 11)])


def test_the_condition_must_hold_and_a_single_reading_ends_it() -> None:
    rule = naive.rule(for_s=2.0)
    assert folded(rule, 11, 12, 10, 11, 13, 12, 9) == ("ok", [(5, 6, 12, 12)])
    assert folded(rule, 9, 11, 12)[0] == PENDING


def test_below_is_the_other_way_round() -> None:
    rule = naive.rule(above=False, clear_at=12.0)
    assert folded(rule, 11, 9, 7, 11, 12) == ("ok", [(1, 4, 9, 7)])


def test_a_rate_is_the_change_over_the_window_a_second() -> None:
    rule = naive.rule(kind="rate", window_s=2.0, threshold=2.0, clear_at=0.0)
    assert folded(rule, 0, 1, 3, 6, 7, 7, 7) == ("ok", [(3, 6, 2.5, 2.5)])


def test_a_rate_is_not_measured_across_a_hole() -> None:
    rule = naive.rule(kind="rate", window_s=2.0, threshold=2.0, clear_at=2.0)
    times, values = arrays([(0, 0.0), (5 * SECOND, 90.0), (6 * SECOND, 95.0)])
    assert np.isnan(signal(rule, times, values)).all()


def test_silence_is_what_lies_between_readings() -> None:
    rule = naive.rule(kind=SILENCE, window_s=3.0)
    times, _ = arrays([(0, 0.0), (3 * SECOND, 0.0), (7 * SECOND, 0.0)])
    assert folds.silences(rule, None, times) == [Episode(6 * SECOND, 7 * SECOND, None, None)]


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        (None, "pi", True), (None, None, True), ("pi", "pi", True), ("pi", "pi-7", False),
        ("pi-*", "pi-7", True), ("gas/*", "gas/co/sum", True), ("*", None, False),
        ("hall [1]*", "hall [1] east", True), ("hall [1]*", "hall 1", False),
    ],
)  # fmt: skip
def test_names_may_hold_stars(pattern: str | None, name: str | None, meant: bool) -> None:
    assert matcher(pattern)(name) is meant


rules = st.one_of(
    st.builds(
        lambda above, back, hold, since: naive.rule(
            above=above, clear_at=10.0 - back if above else 10.0 + back, for_s=hold,
            since=datetime.fromtimestamp(since, UTC),
        ),
        st.booleans(), st.sampled_from([0.0, 3.0]), st.sampled_from([0.0, 2.0, 90.0]),
        st.sampled_from([0, 30]),
    ),
    st.builds(
        lambda window, hold, back, threshold: naive.rule(
            kind="rate", window_s=window, for_s=hold, threshold=threshold,
            clear_at=threshold - back,
        ),
        st.sampled_from([1.0, 4.0, 70.0]), st.sampled_from([0.0, 3.0]), st.sampled_from([0.0, 1.5]),
        st.sampled_from([0.05, 1.0]),
    ),
    st.builds(
        lambda window, since: naive.rule(
            kind=SILENCE, window_s=window, since=datetime.fromtimestamp(since, UTC)
        ),
        st.sampled_from([1.0, 5.0, 100.0]), st.sampled_from([0, 30]),
    ),
)  # fmt: skip

values = st.sampled_from([5.0, 7.0, 8.0, 10.0, 11.0, 12.0, 15.0])
high = st.sampled_from([7.0, 11.0, 12.0, 13.0, 14.0, 15.0, 30.0])


def spread(most: int, step: int, of: st.SearchStrategy[float]) -> st.SearchStrategy[list[Reading]]:
    instants = st.integers(0, most).map(lambda n: n * step * SECOND)
    return st.lists(st.tuples(instants, of), min_size=1, max_size=40)


some_readings = st.one_of(
    spread(20, 1, values), spread(900, 1, values), spread(30, 61, values), spread(30, 61, high)
)


@settings(max_examples=400, deadline=None)
@given(rules, some_readings, st.data())
def test_folding_piece_by_piece_is_folding_the_whole(
    rule: Rule, readings: list[Reading], data: st.DataObject
) -> None:
    if rule.is_silence:
        return
    times, numbers = arrays(sorted(r for r in readings if r[0] >= rule.changed))
    compared = signal(rule, times, numbers)
    cut = data.draw(st.integers(0, len(times)))
    state, one = fold(rule, START, times[:cut], compared[:cut])
    _, other = fold(rule, state, times[cut:], compared[cut:])
    episodes = one[: len(one) - (state.episode is not None)] + other
    if state.episode is not None and not other:
        episodes = one
    assert episodes == naive.episodes(rule, readings)


class Memory:
    """A History in memory; it counts the readings that it was asked for."""

    def __init__(self) -> None:
        self.floor = 0
        self.stored: list[Reading] = []
        self.known: list[Known] = []
        self.asked = 0

    def before(self, time: int) -> int | None:
        place = bisect.bisect_left(self.stored, (time, -np.inf))
        if not place:
            return None
        exact = self.stored[place - 1][0]
        bucket = [t for t, _ in self.stored if t // MINUTE == exact // MINUTE]
        return bucket[0] if exact // MINUTE == time // MINUTE else exact

    def after(self, time: int, minutes: int) -> int | None:
        later = sorted({t // MINUTE for t, _ in self.stored if t > time})
        return None if len(later) < minutes else (later[minutes - 1] + 1) * MINUTE - 1

    def readings(self, lower: int, upper: int) -> tuple[Times, Values]:
        found = [r for r in self.stored if lower <= r[0] <= upper]
        self.asked += len(found)
        return arrays(found)

    def episodes(self, since: int) -> list[Known]:
        return [k for k in self.known if k.episode.ended is None or k.episode.ended >= since]


def arrive(memory: Memory, rule: Rule, state: State, readings: list[Reading]) -> State:
    """Take in a batch as the evaluator does."""
    through = memory.stored[-1][0] if memory.stored else -1
    memory.stored = sorted(memory.stored + readings)
    times, _ = arrays(sorted(readings))
    level = not rule.is_silence
    if level:
        times = times[times >= rule.changed]
    for first, last in clusters(times[times <= through], MINUTE):
        find = mend if level else mend_silences
        mended = find(rule, memory, first, last, through)
        state = mended.state or state
        write(memory, mended.known, mended.episodes)
    new = times[times > through]
    if not len(new):
        return state
    if not level:
        write(memory, [], folds.silences(rule, through if through >= 0 else None, new))
        return state
    every, numbers = arrays([r for r in memory.stored if r[0] >= rule.changed])
    compared = signal(rule, every, numbers)
    start = int(np.searchsorted(every, through, "right"))
    open_before = [k for k in memory.known if k.episode.ended is None]
    state, episodes = fold(rule, state, every[start:], compared[start:])
    write(memory, open_before, episodes)
    return state


def write(memory: Memory, known: list[Known], episodes: list[Episode]) -> None:
    for before, now in reconcile(known, episodes):
        if before is not None:
            memory.known.remove(before)
        if now is not None:
            number = before.id if before else 1 + max((k.id for k in memory.known), default=0)
            memory.known.append(Known(number, False, now))
    memory.known.sort(key=lambda k: (k.episode.began, k.episode.ended or np.inf))


@settings(max_examples=1500, deadline=None)
@given(rules, some_readings, st.data())
def test_any_order_and_any_batches_give_the_episodes_of_the_sorted_whole(
    rule: Rule, readings: list[Reading], data: st.DataObject
) -> None:
    arrivals = data.draw(st.permutations(readings))
    memory, state = Memory(), START
    while arrivals:
        size = data.draw(st.integers(1, len(arrivals)))
        state = arrive(memory, rule, state, arrivals[:size])
        arrivals = arrivals[size:]
    assert [k.episode for k in memory.known] == naive.episodes(rule, readings)


def test_a_backlog_costs_what_it_holds_and_not_what_came_since() -> None:
    rule, memory = naive.rule(for_s=30.0), Memory()
    state = arrive(memory, rule, START, [(n * SECOND, 5.0 + n % 7) for n in range(100)])
    state = arrive(memory, rule, state, [(n * SECOND, 5.0) for n in range(10_000, 14_000)])
    memory.asked = 0
    arrive(memory, rule, state, [(n * SECOND, 20.0) for n in range(200, 300)])
    assert [k.episode.began for k in memory.known] == [230 * SECOND]
    assert memory.asked < 400


@pytest.mark.parametrize("since", [100, 201])
def test_the_worst_of_a_rate_is_told_anew_where_late_readings_make_it_less(since: int) -> None:
    rule, memory = naive.rule(kind="rate", window_s=1.0, threshold=0.5, clear_at=-9.0), Memory()
    known = [(since * SECOND, 4.0), ((since + 1) * SECOND, 6.0)] if since < 200 else []
    known += [(200 * SECOND, 5.0), (201 * SECOND, 8.0), (205 * SECOND, 5.0)]
    late = (200 * SECOND, 7.0)
    state = arrive(memory, rule, START, known)
    assert memory.known[0].episode.worst == 3.0
    arrive(memory, rule, state, [late])
    assert [k.episode for k in memory.known] == naive.episodes(rule, [*known, late])
