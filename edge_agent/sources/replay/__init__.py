"""Recorded readings, from CSV or JSON, played back."""

from edge_agent.sources.api import Source
from edge_agent.sources.replay.settings import Settings

__all__ = ["Settings", "open"]


def open(settings: Settings) -> Source:  # noqa: A001 - the name that every source has
    """Make the source."""
    from edge_agent.sources.replay.source import ReplaySource  # when configured

    return ReplaySource(settings)
