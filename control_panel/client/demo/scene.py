"""What the demonstration shows, as `data/scene.json` says it.

Times there are texts: `@-90` is 90 s before the demonstration began, `~-2` is 2 s before now,
`#-1` is the day before today. `{@-90}` stands for one within a sentence of the server's.
"""

import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import msgspec

from wire.reading import TimeQuality

_WITHIN = re.compile(r"\{@(-?\d+)\}")
DATA = files("control_panel.client.demo") / "data"


class Measured(msgspec.Struct, frozen=True):
    """A channel: the track that it plays, and how its values are made of it."""

    channel: str
    track: str
    unit: str = ""
    label: str = ""
    minimum: float | None = None
    maximum: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    digits: int = 2
    source: str = ""
    each: int = 1
    """Of so many readings of the track one is taken."""


class Player(msgspec.Struct, frozen=True, kw_only=True):
    """A device, and what it sends; times in seconds from when the demonstration began."""

    name: str
    epoch: str
    packs: int
    """So many it has made when the demonstration begins."""
    site: str = ""
    every_s: float = 1.0
    channels: tuple[Measured, ...] = ()
    sends: bool = True
    until_s: float | None = None
    """It has measured no longer than that."""
    held: tuple[float, float, float] | None = None
    """Within its track, in seconds: from here, to there, and when these readings come late."""
    quality: TimeQuality = TimeQuality.SYNCED
    garbage: str = ""
    """What it also sends, which is no pack."""
    status: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None


class Refusal(msgspec.Struct, frozen=True):
    """What a real server would do: `path` is a pattern of `fnmatch`."""

    method: str
    path: str
    would: str


class Scene(msgspec.Struct, frozen=True):
    """All of it; `answers` by their paths, a list where the API gives pages."""

    players: tuple[Player, ...]
    answers: dict[str, Any]
    acts: tuple[Refusal, ...]


def read() -> Scene:
    """Return what comes with the program."""
    return msgspec.json.decode((DATA / "scene.json").read_bytes(), type=Scene)


def _written(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def dated(said: Any, began_s: float, now_s: float) -> Any:
    """Return it with the times that its texts stand for."""
    if isinstance(said, dict):
        return {key: dated(value, began_s, now_s) for key, value in said.items()}
    if isinstance(said, list):
        return [dated(value, began_s, now_s) for value in said]
    if not isinstance(said, str):
        return said
    if said[:1] not in {"@", "~", "#"}:
        return _WITHIN.sub(lambda found: _written(began_s + float(found[1])), said)
    if said[0] == "#":
        return (
            (datetime.fromtimestamp(now_s, UTC) + timedelta(days=int(said[1:]))).date().isoformat()
        )
    base = began_s if said[0] == "@" else now_s
    return datetime.fromtimestamp(base + float(said[1:]), UTC).isoformat()


def seconds(said: Any, began_s: float, now_s: float) -> Any:
    """Return it with the same times as seconds since 1970, as devices say them."""
    if isinstance(said, dict):
        return {key: seconds(value, began_s, now_s) for key, value in said.items()}
    if isinstance(said, list):
        return [seconds(value, began_s, now_s) for value in said]
    if isinstance(said, str) and said[:1] in {"@", "~"}:
        return (began_s if said[0] == "@" else now_s) + float(said[1:])
    return said
