"""When a source that reads at intervals reads."""

from collections.abc import Iterator

from edge_agent.sources.api import Context


def ticks(context: Context, interval_s: float) -> Iterator[None]:
    """Come back once at the start, then at every multiple of the interval on the wall clock.

    So the readings of all devices fall on the same instants, and no error adds up. A multiple that
    is missed because reading was slow is left out, never made up for. When the wall clock is set,
    the next tick comes at the next multiple by the new time. Ends when the agent stops.
    """
    interval = round(interval_s * 1e6)
    if context.stopping.is_set():
        return
    yield
    # The second tick comes half an interval after the first or later, so that a rate over the
    # time between them means something.
    current = (context.now_utc() + interval // 2) // interval
    while _reached_another_than(context, current, interval):
        yield
        current = context.now_utc() // interval


def _reached_another_than(context: Context, current: int, interval: int) -> bool:
    """Wait for the next multiple; False if the agent stops before."""
    while True:
        now = context.now_utc()
        left = (current + 1) * interval - now
        if left <= 0 or left > 2 * interval:
            return not context.stopping.is_set()
        # A wait may end a little early when the clock is being slewed: then wait for the rest.
        if context.wait(max(left, 100) / 1e6):
            return False
