"""Waveforms, for demonstrations and load tests without any hardware."""

from edge_agent.sources.api import Source
from edge_agent.sources.simulated.settings import Settings
from edge_agent.sources.simulated.source import SimulatedSource

__all__ = ["Settings", "open"]


def open(settings: Settings) -> Source:  # noqa: A001 - the name that every source has
    """Make the source."""
    return SimulatedSource(settings)
