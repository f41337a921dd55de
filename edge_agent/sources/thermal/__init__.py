"""The thermal zones of the processor board: /sys/class/thermal."""

from edge_agent.sources.api import Source
from edge_agent.sources.thermal.settings import Settings

__all__ = ["Settings", "open"]


def open(settings: Settings) -> Source:  # noqa: A001 - the name that every source has
    """Make the source."""
    from edge_agent.sources.thermal.source import ThermalSource  # when configured

    return ThermalSource(settings)
