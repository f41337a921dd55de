from pathlib import Path

from edge_agent.sources import sysfs
from edge_agent.sources.announced import Announced
from edge_agent.sources.api import Channel, Context, Reading, SourceFailed
from edge_agent.sources.schedule import ticks
from edge_agent.sources.thermal.settings import Settings
from edge_agent.sources.thermal.zones import celsius, find


class ThermalSource:
    """Reads every thermal zone at intervals. One that fails is counted as `unreadable`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def run(self, context: Context) -> None:
        """Read until the agent stops; fails if there is no thermal zone."""
        name, root = self._settings.name, Path(self._settings.root)
        announced = Announced(context)
        for _ in ticks(context, self._settings.interval_s):
            zones = find(root)
            if not zones:
                reason = f"there is no thermal zone in {root}"
                advice = (
                    "This machine has none (virtual machines do not), or its driver is not loaded: "
                    "remove the source, or load the driver"
                )
                raise SourceFailed(reason, advice)
            announced.include(Channel(f"{name}/{z.what}", z.type, "Cel") for z in zones)
            readings = []
            for zone in zones:
                value = celsius(sysfs.integer(zone.path))
                if value is None:
                    context.count("unreadable")
                else:
                    readings.append(Reading(f"{name}/{zone.what}", context.now_utc(), value, "Cel"))
            if readings:
                context.emit(readings)
