from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.span import LONGEST_US, SHORTEST_US, Span

SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND


def test_it_follows_now_by_whole_pixels() -> None:
    span = Span(10 * SECOND)
    first = span.window(NOW, 100)
    assert first.end_utc - first.begin_utc == 10 * SECOND
    assert span.window(NOW + 1, 100).end_utc == NOW + SECOND // 10
    assert span.window(NOW + 99_999, 100) == span.window(NOW + 1, 100)


def test_it_stands_still_until_it_is_told_to_follow() -> None:
    span = Span(10 * SECOND)
    span.stand(NOW)
    assert span.window(NOW + 99 * SECOND, 100).end_utc == NOW
    span.follow()
    assert span.window(NOW + 99 * SECOND, 100).end_utc == NOW + 99 * SECOND


def test_the_time_under_the_pointer_stays_while_zooming() -> None:
    span = Span(100 * SECOND)
    span.go_to(NOW)
    span.zoom(0.5, 0.25, NOW)
    window = span.window(NOW, 100)
    assert window.begin_utc + (window.end_utc - window.begin_utc) * 0.25 == NOW - 75 * SECOND
    assert span.length_us == 50 * SECOND


def test_zooming_goes_on_following() -> None:
    span = Span(100 * SECOND)
    span.zoom(2, 0.1, NOW)
    assert span.follows
    assert span.length_us == 200 * SECOND


@given(st.lists(st.tuples(st.floats(0.01, 100), st.integers(-(10**12), 10**12)), max_size=9))
def test_it_never_leaves_its_bounds_nor_shows_the_future(steps: list[tuple[float, int]]) -> None:
    span = Span(10 * SECOND)
    span.stand(NOW)
    for factor, by_us in steps:
        span.zoom(factor, 0.5, NOW)
        span.pan(by_us, NOW)
        assert SHORTEST_US <= span.length_us <= LONGEST_US
        assert span.window(NOW, 500).end_utc <= NOW
