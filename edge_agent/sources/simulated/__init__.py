"""Waveforms, for demonstrations and load tests without any hardware."""

from edge_agent.sources.api import Source
from edge_agent.sources.simulated.settings import Settings

__all__ = ["Settings", "open"]


def open(settings: Settings) -> Source:  # noqa: A001 - the name that every source has
    """Make the source."""
    from edge_agent.sources.simulated.source import SimulatedSource  # when configured

    return SimulatedSource(settings)
