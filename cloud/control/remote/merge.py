"""Desired configurations merged, and compared with what a device reports. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from wire.configuration import Reported, SourceConfiguration

Sources = Mapping[str, SourceConfiguration]

IN_STEP = "in step"
WAITING = "waiting for the device"
REFUSED = "refused"
DIFFERS = "differs"


def merge(layers: Iterable[Sources]) -> dict[str, SourceConfiguration]:
    """Merge documents key by key; a later one wins. Calibration is a key for each channel."""
    merged: dict[str, SourceConfiguration] = {}
    for layer in layers:
        for name, source in layer.items():
            below = merged.get(name, SourceConfiguration())
            merged[name] = SourceConfiguration(
                on=below.on if source.on is UNSET else source.on,
                interval_s=below.interval_s if source.interval_s is UNSET else source.interval_s,
                calibration=below.calibration | source.calibration,
            )
    return merged


def of_device(
    groups: Iterable[Sources], own: Sources, known: Iterable[str] | None
) -> tuple[dict[str, SourceConfiguration], list[str]]:
    """Return what a device should do, and which sources of its groups it does not have.

    `known` are its sources as it reports them, None before it has. A document with a source that
    a device does not have is refused by it as a whole, so such of its groups are left out.
    """
    said = merge(groups)
    out = [] if known is None else sorted(set(said) - set(known))
    return merge([{name: one for name, one in said.items() if name not in out}, own]), out


@dataclass(frozen=True)
class Difference:
    """A key in which a device does not do what it should."""

    key: str
    desired: Any
    reported: Any


def differences(desired: Sources, reported: Sources) -> list[Difference]:
    """Return the keys that are desired otherwise than reported."""
    found = []
    for name, source in desired.items():
        there = reported.get(name, SourceConfiguration())
        wanted = _keys(source)
        has = _keys(there)
        found += [
            Difference(f"{name}/{key}", msgspec.to_builtins(value), _builtin(has.get(key)))
            for key, value in wanted.items()
            if has.get(key) != value
        ]
    return found


def standing(number: int, desired: Sources, reported: Reported | None) -> tuple[str, str]:
    """Return how a device stands with version `number` of what it should do, and why."""
    if reported is None or reported.version != number:
        # Version 0 was never told to anybody.
        return (IN_STEP, "") if number == 0 else (WAITING, "")
    if not reported.applied:
        return REFUSED, reported.error or "it gave no reason"
    found = differences(desired, reported.sources)
    if not found:
        return IN_STEP, ""
    named = ", ".join(
        f"{one.key} is {_word(one.reported)}, not {_word(one.desired)}" for one in found[:5]
    )
    more = f", and {len(found) - 5} more" if found[5:] else ""
    return DIFFERS, f"since a command, or by itself: {named}{more}"


def _keys(source: SourceConfiguration) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if source.on is not UNSET:
        keys["on"] = source.on
    if source.interval_s is not UNSET:
        keys["interval_s"] = source.interval_s
    keys.update((f"calibration/{channel}", by) for channel, by in source.calibration.items())
    return keys


def _builtin(value: Any) -> Any:
    return None if value is None else msgspec.to_builtins(value)


def _word(value: Any) -> str:
    match value:
        case None:
            return "unset"
        case bool():
            return "on" if value else "off"
        case {"factor": factor, "offset": offset}:
            return f"x {factor:g} + {offset:g}"
        case _:
            return f"{value:g}"
