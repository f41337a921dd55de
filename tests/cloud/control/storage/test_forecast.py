"""When the disk is full, by arithmetic alone."""

from __future__ import annotations

import pytest

from cloud.control.storage.forecast import DAY_S, Forecast, Growth, forecast, growth

GB = 10**9


def hourly(days: int, a_day: float, start: int = GB) -> list[tuple[float, int]]:
    return [(n * 3600.0, int(start + a_day * n / 24)) for n in range(days * 24 + 1)]


def test_what_grows_evenly_is_seen_to() -> None:
    grown = growth(hourly(10, GB))
    assert grown is not None
    assert grown.net == pytest.approx(GB, rel=1e-6)
    assert grown.gross == pytest.approx(GB, rel=1e-6)


@pytest.mark.parametrize("samples", [[], hourly(1, GB)[:20], [(0.0, 5)]])
def test_less_than_a_day_says_nothing(samples: list[tuple[float, int]]) -> None:
    assert growth(samples) is None


def test_what_was_let_expire_is_no_negative_growth_of_what_comes_in() -> None:
    samples = hourly(10, GB)
    samples += [(at + 10 * DAY_S + 3600, size - 9 * GB) for at, size in hourly(10, GB, 10 * GB)]
    grown = growth(samples)
    assert grown is not None
    assert grown.gross == pytest.approx(GB, rel=0.05)
    assert grown.net < grown.gross


def test_the_day_is_when_what_is_free_is_taken() -> None:
    grown = {"raw": Growth(GB, GB), "kafka": Growth(GB, GB)}
    assert forecast(10 * GB, {}, grown, {}) == Forecast(known=True, days=6)


def test_a_tier_that_is_kept_for_some_days_grows_to_that_and_no_further() -> None:
    grown = {"raw": Growth(GB, GB)}
    # 30 days and the month that is not over: 61 GB at most, of which 20 are there.
    assert forecast(42 * GB, {"raw": 20 * GB}, grown, {"raw": 30}).days is None
    assert forecast(40 * GB, {"raw": 20 * GB}, grown, {"raw": 30}).days == 41
    assert forecast(40 * GB, {"raw": 20 * GB}, grown, {"raw": None}).days == 41


def test_what_shrinks_makes_no_room_for_others() -> None:
    grown = {"logs": Growth(-GB, 0.0), "raw": Growth(GB, GB)}
    assert forecast(9 * GB, {}, grown, {}).days == 10


def test_nothing_watched_for_long_enough_is_not_known() -> None:
    assert forecast(GB, {"raw": 1}, {"raw": None}, {}) == Forecast(known=False, days=None)
