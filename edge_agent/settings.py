"""agent.toml: everything a person can choose, with its range and unit."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge_agent.buffer import Quota
from edge_agent.sinks.mqtt.settings import Settings as Mqtt
from edge_agent.sources import SourceSettings
from wire import settings as toml
from wire.names import is_device_name

Megabytes = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0.05, le=3600)]
Minutes = Annotated[float, msgspec.Meta(ge=0.05, le=1440)]


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[agent]`: who this device is, and where it keeps its readings."""

    device: str
    data: str


class BufferSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[buffer]`: how much is kept, and how often it is written."""

    quota_mb: Megabytes = 1024
    when_full: Literal["drop_oldest", "refuse_new"] = "drop_oldest"
    commit_s: Seconds = 1.0
    hole_min: Minutes = 3.0

    def quota(self) -> Quota:
        """Return the quota in bytes."""
        return Quota(self.quota_mb * 1_000_000, self.when_full)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of agent.toml."""

    agent: Agent
    mqtt: Mqtt
    buffer: BufferSettings = BufferSettings()
    source: tuple[SourceSettings, ...] = ()


def read(path: Path) -> Settings:
    """Read agent.toml. Raises wire's SettingsRefused, and OSError if there is no such file."""
    settings = toml.read(path.read_text(encoding="utf-8"), Settings, file=str(path))
    if not is_device_name(settings.agent.device):
        raise toml.SettingsRefused(
            str(path),
            "agent.device",
            f"{settings.agent.device!r} in [agent] is no name for a device",
            "it begins with a letter or digit, then letters, digits, '.', '_' or '-', 63 at most",
        )
    names = [source.name for source in settings.source]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise toml.SettingsRefused(
                str(path),
                f"source[{place}].name",
                f"two sources have the name {name!r}",
                "give each a name of its own: channels and positions are kept under it",
            )
    return settings
