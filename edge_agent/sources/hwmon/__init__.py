"""Hardware monitoring chips: /sys/class/hwmon, what `sensors` of lm-sensors shows."""

from edge_agent.sources.api import Source
from edge_agent.sources.hwmon.settings import Settings

__all__ = ["Settings", "open"]


def open(settings: Settings) -> Source:  # noqa: A001 - the name that every source has
    """Make the source."""
    from edge_agent.sources.hwmon.source import HwmonSource  # when configured

    return HwmonSource(settings)
