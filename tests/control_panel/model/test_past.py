"""When what is stored is asked for, and how it meets what is heard."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.drawing import Stretch
from control_panel.model.past import (
    READINGS,
    Past,
    asked_for,
    buckets_of,
    cut,
    few,
    is_missing,
    merged,
    readings_of,
    seam_of,
)
from control_panel.model.series import ALWAYS, NEVER, Series, Window

SECOND = 1_000_000
HOUR = 3600 * SECOND
NOW = 1_795_400_000 * SECOND
NOTHING = Window(np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_))


def window(*seconds: float, value: float = 1.0) -> Window:
    times = np.array([NOW + round(at * SECOND) for at in seconds], np.int64)
    return Window(times, np.full(len(times), value), np.zeros(len(times), np.bool_))


def series(*seconds: float, complete_s: float | None = 0.0, limit: int = 1000) -> Series:
    made = Series(limit)
    made.complete_utc = NEVER if complete_s is None else NOW + round(complete_s * SECOND)
    made.append(*window(*seconds))
    return made


def span(begin_s: float, end_s: float) -> Stretch:
    return Stretch(NOW + round(begin_s * SECOND), NOW + round(end_s * SECOND))


def past(
    begin_s: float, end_s: float, asked_s: float, *, buckets: bool = False, late: int = 0
) -> Past:
    rollups = buckets_of([], "1m") if buckets else None
    return Past(
        *span(begin_s, end_s), NOW + round(asked_s * SECOND), late,
        None if buckets else NOTHING, rollups,
    )  # fmt: skip


def test_nothing_is_asked_for_while_memory_has_all_of_it() -> None:
    assert not is_missing(None, span(0, 10), series(0, 5), NOW)
    assert is_missing(None, span(-1, 10), series(0, 5), NOW)


def test_what_is_older_is_asked_for_once() -> None:
    heard = series(0, 5)
    assert not is_missing(past(-60, 9, 9), span(-50, 10), heard, NOW)
    assert is_missing(past(-40, 9, 9), span(-50, 10), heard, NOW)
    assert is_missing(past(-60, 1, 1), span(-50, 10), heard, NOW), "not all of it was stored yet"


def test_of_a_silent_channel_only_what_is_older_than_hearing_is_asked_for() -> None:
    assert is_missing(None, span(-60, 100), None, NOW)
    assert not is_missing(past(-90, 4, 4), span(-60, 100), None, NOW)
    assert not is_missing(None, span(1, 100), None, NOW)
    assert is_missing(past(-90, 4, 4), span(-60, 100), None, NEVER), "nothing is heard yet"


def test_what_was_missed_while_nothing_was_heard_is_asked_for() -> None:
    heard = series(0, 5, 50, complete_s=50)
    assert is_missing(past(-60, 9, 9), span(-50, 60), heard, NOW + 50 * SECOND)


def test_what_memory_lets_go_is_asked_for() -> None:
    heard = series(*range(30), limit=10)
    assert is_missing(past(-60, 4, 4), span(-50, 30), heard, NOW)
    assert not is_missing(past(-60, 30, 30), span(-50, 30), heard, NOW)


def test_late_readings_and_a_closer_look_are_asked_for_where_there_are_rollups() -> None:
    heard = series(0, 5)
    rolled = past(-3600, 9, 9, buckets=True)
    assert not is_missing(rolled, span(-3000, 10), heard, NOW)
    heard.append(*window(-40))
    assert is_missing(rolled, span(-3000, 10), heard, NOW)
    assert not is_missing(rolled._replace(late=1), span(-3000, 10), heard, NOW)
    assert is_missing(rolled._replace(late=1), span(-300, 10), heard, NOW)


def test_a_series_without_a_beginning_has_all_it_was_given() -> None:
    plain = Series(10)
    assert plain.complete_utc == ALWAYS
    assert plain.seam_utc == NEVER
    plain.append(*window(3, 4))
    assert plain.seam_utc == NOW + 3 * SECOND
    assert seam_of(past(-5, 9, 9), plain) == NOW + 3 * SECOND
    assert seam_of(past(-5, 2, 9), plain) == NOW + 2 * SECOND
    assert seam_of(past(-5, 2, 9), None) == NOW + 2 * SECOND


@given(st.integers(SECOND, 7 * 24 * HOUR), st.integers(0, 24 * HOUR))
def test_more_is_asked_for_than_is_seen(length: int, ago: int) -> None:
    visible = Stretch(NOW - ago - length, NOW - ago)
    asked = asked_for(visible, NOW)
    assert asked.begin_utc <= visible.begin_utc
    assert visible.end_utc <= asked.end_utc <= NOW
    if length <= 24 * HOUR:
        assert asked.end_utc - asked.begin_utc <= 2000 * 60 * SECOND, "in minutes"


def test_noisy_channels_come_as_rollups() -> None:
    assert few({"a": 10, "b": READINGS, "c": 20}) == ["a", "c"]


def test_stored_readings_are_read_as_they_are_exported() -> None:
    text = (
        "time,channel,value,text,unit,quality,received\r\n"
        "2026-11-23T10:00:01.500000Z,heat,2.5,,Cel,estimated,2026-11-23T10:00:02Z\r\n"
        "2026-11-23T10:00:00.000000Z,heat,1.5,,Cel,synced,2026-11-23T10:00:02Z\r\n"
        "2026-11-23T10:00:00.000000Z,door,,open,,synced,2026-11-23T10:00:02Z\r\n"
    )
    found = readings_of(text)
    assert list(found) == ["heat"]
    assert np.diff(found["heat"].times).tolist() == [1_500_000]
    assert found["heat"].values.tolist() == [1.5, 2.5]
    assert found["heat"].uncertain.tolist() == [False, True]
    assert readings_of("") == {}


@given(
    st.lists(st.integers(0, 60), unique=True).map(sorted),
    st.lists(st.integers(0, 60), unique=True).map(sorted),
)
def test_stored_and_heard_make_one_order_of_time(stored: list[int], heard: list[int]) -> None:
    found = merged(window(*stored, value=1.0), window(*heard, value=2.0))
    assert found.times.tolist() == [NOW + n * SECOND for n in sorted({*stored, *heard})]
    was_heard = np.isin(found.times, window(*heard).times)
    assert (found.values == np.where(was_heard, 2.0, 1.0)).all()


def test_a_cut_has_its_neighbours() -> None:
    whole = window(0, 1, 2, 3)
    assert len(cut(whole, span(1, 2)).times) == 2
    assert len(cut(whole, span(1, 2), 1).times) == 4
    assert len(cut(whole, span(-9, 9), 1).times) == 4
