from pathlib import Path

from edge_agent.sources.announced import Announced
from edge_agent.sources.api import Channel, Context, Reading, SourceFailed
from edge_agent.sources.hwmon.chips import Sensor, find
from edge_agent.sources.hwmon.settings import Settings
from edge_agent.sources.schedule import ticks

_LOOK_AGAIN_S = 60.0
"""How long it takes at most until a chip that was plugged in is seen."""


class HwmonSource:
    """Reads every sensor of every chip at intervals. One that fails is counted as `unreadable`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def run(self, context: Context) -> None:
        """Read until the agent stops; fails if there is no chip."""
        name, interval_s = self._settings.name, self._settings.interval_s
        announced = Announced(context)
        sensors: list[Sensor] = []
        age_s = _LOOK_AGAIN_S
        for _ in ticks(context, interval_s):
            if age_s >= _LOOK_AGAIN_S:
                age_s = 0.0
                sensors = self._find()
                announced.include(
                    Channel(f"{name}/{s.what}", s.label, s.quantity.unit) for s in sensors
                )
            age_s += interval_s
            readings = []
            for sensor in sensors:
                value = sensor.read()
                if value is None:
                    context.count("unreadable")
                else:
                    channel, unit = f"{name}/{sensor.what}", sensor.quantity.unit
                    readings.append(Reading(channel, context.now_utc(), value, unit))
            if readings:
                context.emit(readings)

    def _find(self) -> list[Sensor]:
        sensors = find(Path(self._settings.root))
        if not sensors:
            reason = f"there is no hardware monitoring chip in {self._settings.root}"
            advice = (
                "This machine has none (virtual machines do not), or its driver is not loaded: "
                "remove the source, or load the driver (`sensors-detect` of lm-sensors finds it)"
            )
            raise SourceFailed(reason, advice)
        return sensors
