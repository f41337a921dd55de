"""A microcontroller on a serial port."""

from edge_agent.sources.api import Source
from edge_agent.sources.arduino.settings import Settings

__all__ = ["Settings", "open"]


def open(settings: Settings) -> Source:  # noqa: A001 - the name that every source has
    """Make the source."""
    from edge_agent.sources.arduino.source import ArduinoSource  # when configured

    return ArduinoSource(settings)
