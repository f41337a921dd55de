"""What the panel remembers of itself from one start to the next."""

from typing import Any

import msgspec


class PanelSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Nothing of this matters: what cannot be read is as if it were not there."""

    geometry: str = ""
    """The window's place and size, as Qt writes it, in base64."""
    view: str = "overview"
    scheme: str = "system"
    """Or `light` or `dark`."""
    language: str = ""
    """Empty: that of the system."""
    views: dict[str, dict[str, Any]] = {}
    """What each view wants to find again: columns, filters, layouts."""


def read(content: bytes | None) -> PanelSettings:
    """Read settings; those of another version or a damaged file are the first ones again."""
    if content is None:
        return PanelSettings()
    try:
        return msgspec.json.decode(content, type=PanelSettings)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return PanelSettings()


def written(settings: PanelSettings) -> bytes:
    """Return them as JSON that a person may read."""
    return msgspec.json.format(msgspec.json.encode(settings), indent=1)
