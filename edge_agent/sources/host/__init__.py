"""This machine itself: CPU, memory, load, disks, network."""

from edge_agent.sources.api import Source
from edge_agent.sources.host.settings import Settings

__all__ = ["Settings", "open"]


def open(settings: Settings) -> Source:  # noqa: A001 - the name that every source has
    """Make the source."""
    from edge_agent.sources.host.source import HostSource  # when configured

    return HostSource(settings)
