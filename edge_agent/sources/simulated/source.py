from edge_agent.sources.api import Channel, Context, Reading
from edge_agent.sources.simulated.settings import Settings
from edge_agent.sources.simulated.waves import channels, values

_BATCH_S = 0.05
"""Samples due within this time go out together: at high rates the cost is in the handing over."""
_READINGS_AT_ONCE = 5_000
_FORGET_S = 10.0
"""Further behind than this, samples are skipped: the buffer or the machine is too slow."""


class SimulatedSource:
    """Emits at k / rate on the wall clock, for all k, whatever the time that emitting takes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def run(self, context: Context) -> None:
        """Emit until the agent stops; counts `skipped` readings when it cannot keep up."""
        settings = self._settings
        name, rate = settings.name, settings.rate_hz
        described = [
            Channel(f"{name}/{what}", signal.label, signal.unit)
            for signal in settings.signals
            for what in channels(signal)
        ]
        context.describe(described)
        table = [
            (channel.channel, value, channel.unit)
            for channel, value in zip(described, values(settings), strict=True)
        ]
        at_once = max(_READINGS_AT_ONCE // len(table), 1)

        def newest(now: int) -> int:
            return int((now + 0.5) * rate / 1e6)

        def at(k: int) -> int:
            return round(k * 1e6 / rate)

        rest_s = _BATCH_S if rate * _BATCH_S > 1 else 0.0
        k = newest(context.now_utc()) + 1
        while not context.stopping.is_set():
            due = newest(context.now_utc())
            if due < k - 2 * max(rate, 1):
                k = due + 1  # the wall clock was set back
            elif due - k > max(_FORGET_S * rate, 1):
                context.count("skipped", (due - k) * len(table))
                k = due
            last = min(due, k + at_once - 1)
            if k <= last:
                times = [at(i) for i in range(k, last + 1)]
                context.emit(
                    [
                        Reading(channel, t, value(t), unit)
                        for channel, value, unit in table
                        for t in times
                    ]
                )
                k = last + 1
            if last == due:
                pause = max((at(k) - context.now_utc()) / 1e6, rest_s, 1e-6)
                context.wait(min(pause, 1 / rate + rest_s))
