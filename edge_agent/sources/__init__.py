"""The kinds of source. To add one: make its folder, and name it here and in pyproject.toml."""

from types import ModuleType
from typing import Any

from edge_agent.sources import arduino, host, hwmon, replay, simulated, thermal
from edge_agent.sources.api import Source

SourceSettings = (
    arduino.Settings
    | host.Settings
    | hwmon.Settings
    | replay.Settings
    | simulated.Settings
    | thermal.Settings
)
"""What a `[[source]]` of the configuration is, told apart by its key `kind`."""

KINDS: dict[str, ModuleType] = {
    "arduino": arduino,
    "host": host,
    "hwmon": hwmon,
    "replay": replay,
    "simulated": simulated,
    "thermal": thermal,
}


def open_source(settings: Any) -> Source:
    """Make the source that the settings are for."""
    kind: str = type(settings).__struct_config__.tag
    source: Source = KINDS[kind].open(settings)
    return source
