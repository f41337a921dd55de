"""Configurations as people write them: files, and `SOURCE.KEY=VALUE`. Pure, but for `read`."""

import copy
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cloud.stack.errors import StackError

Sources = dict[str, dict[str, Any]]

KEYS = "SOURCE.on, SOURCE.interval_s, SOURCE.calibration.CHANNEL.factor or .offset"


def read(file: Path) -> Sources:
    """Read a document, `[sources.NAME]` in TOML, or the same as JSON. Raises StackError."""
    try:
        text = file.read_text("utf-8")
        found = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise StackError(f"{file} cannot be read: {error}") from None
    if not isinstance(found, dict) or set(found) != {"sources"}:
        raise StackError(
            f"{file} must say [sources.NAME] and nothing beside; see docs/control.md, "
            "Desired configuration"
        )
    sources: Sources = found["sources"]
    return sources


def changed(sources: Mapping[str, Mapping[str, Any]], changes: Sequence[str]) -> Sources:
    """Return a document after `KEY=VALUE`s; nothing after the `=` takes the key away.

    Raises StackError with what keys there are.
    """
    made: Sources = copy.deepcopy({name: dict(source) for name, source in sources.items()})
    for change in changes:
        key, equals, value = change.partition("=")
        source, dot, rest = key.partition(".")
        if not (equals and dot and source):
            raise StackError(f"{change!r} is no KEY=VALUE; keys are {KEYS}")
        *middle, last = ["calibration", *rest[12:].rsplit(".", 1)] if (
            rest.startswith("calibration.")
        ) else [rest]  # fmt: skip
        if (middle, last) not in (([], "on"), ([], "interval_s")) and not (
            len(middle) == 2 and last in {"factor", "offset"}
        ):
            raise StackError(f"there is no key {key!r}; keys are {KEYS}")
        _set(made, [source, *middle, last], _value(key, value))
    return made


def keys(sources: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return every key with its value as they are written."""
    found = {}
    for name, source in sorted(sources.items()):
        for key in ("on", "interval_s"):
            if key in source:
                found[f"{name}.{key}"] = word(source[key])
        for channel, by in sorted(source.get("calibration", {}).items()):
            for part in ("factor", "offset"):
                found[f"{name}.calibration.{channel}.{part}"] = word(by[part])
    return found


def word(value: Any) -> str:
    """Write a value as it is given on the command line."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}"


def _set(made: Sources, way: Sequence[str], value: Any) -> None:
    places: list[dict[str, Any]] = [made]
    for part in way[:-1]:
        places.append(places[-1].setdefault(part, {}))
    if value is not None:
        places[-1][way[-1]] = value
        return
    places[-1].pop(way[-1], None)
    for place, part in zip(reversed(places[:-1]), reversed(way[:-1]), strict=True):
        if not place[part]:
            del place[part]


def _value(key: str, text: str) -> Any:
    if not text:
        return None
    if key.endswith(".on"):
        switch = {"on": True, "true": True, "off": False, "false": False}.get(text.lower())
        if switch is None:
            raise StackError(f"{key} is on or off, not {text!r}")
        return switch
    try:
        return float(text)
    except ValueError:
        raise StackError(f"{key} is a number, not {text!r}") from None
