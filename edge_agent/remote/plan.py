"""What each source is to do, from agent.toml, the desired configuration and commands. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from edge_agent.remote.errors import RemoteRefused
from edge_agent.remote.state import State
from wire.configuration import Desired, SourceConfiguration

Sources = Mapping[str, Any]
"""The settings of the sources of agent.toml, by name."""


def plan(state: State, sources: Sources) -> dict[str, SourceConfiguration]:
    """Return what holds for every source: what was said last of each key, else agent.toml's."""
    return {name: _source(state, name, settings) for name, settings in sources.items()}


def _source(state: State, name: str, settings: Any) -> SourceConfiguration:
    desired = state.desired.sources.get(name, SourceConfiguration())
    told = state.told.get(name, SourceConfiguration())
    on = _first(told.on, desired.on)
    return SourceConfiguration(
        on=state.sampling and state.revoked is None and on is not False,
        interval_s=_first(told.interval_s, desired.interval_s, interval_of(settings)),
        calibration=desired.calibration,
    )


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not UNSET), UNSET)


def take(state: State, desired: Desired, sources: Sources) -> State:
    """Return the state with a new desired configuration; raises RemoteRefused for the whole.

    What it says of a key ends what a command had said of it; the same document said again, as
    the broker does at each connection, ends nothing.
    """
    for name, source in desired.sources.items():
        check_source(name, sources)
        if source.interval_s is not UNSET:
            with_interval(name, sources[name], source.interval_s)
    if desired == state.desired:
        return state
    told = {name: _left(source, desired.sources.get(name)) for name, source in state.told.items()}
    kept = {name: source for name, source in told.items() if source != SourceConfiguration()}
    return msgspec.structs.replace(state, desired=desired, told=kept)


def _left(told: SourceConfiguration, desired: SourceConfiguration | None) -> SourceConfiguration:
    if desired is None:
        return told
    return SourceConfiguration(
        on=told.on if desired.on is UNSET else UNSET,
        interval_s=told.interval_s if desired.interval_s is UNSET else UNSET,
    )


def tell(state: State, source: str, **said: Any) -> State:
    """Return the state after a command about a source."""
    before = state.told.get(source, SourceConfiguration())
    told = state.told | {source: msgspec.structs.replace(before, **said)}
    return msgspec.structs.replace(state, told=told)


def check_source(name: str, sources: Sources) -> str:
    """Return the name of a source that there is; raises RemoteRefused."""
    if name not in sources:
        known = ", ".join(sources) or "none"
        raise RemoteRefused(f"there is no source {name[:64]!r}; this device has: {known}")
    return name


def interval_of(settings: Any) -> float | UnsetType:
    """Return a source's interval in seconds; unset if it has none or the board keeps its own."""
    if hasattr(settings, "interval_s"):
        return float(settings.interval_s)
    if getattr(settings, "interval_ms", None) is not None:
        return float(settings.interval_ms) / 1000
    if hasattr(settings, "rate_hz"):
        return 1 / float(settings.rate_hz)
    return UNSET


def with_interval(name: str, settings: Any, interval_s: float) -> Any:
    """Return settings that read so often; raises RemoteRefused outside the source's range."""
    kind = settings.__struct_config__.tag
    said = msgspec.to_builtins(settings)
    if hasattr(settings, "interval_s"):
        said["interval_s"] = interval_s
    elif hasattr(settings, "interval_ms"):
        said["interval_ms"] = round(interval_s * 1000)
    elif hasattr(settings, "rate_hz"):
        said["rate_hz"] = 1 / interval_s if interval_s > 0 else 0.0
    else:
        raise RemoteRefused(f"source {name!r} ({kind}) has no interval")
    try:
        return msgspec.convert(said, type(settings))
    except msgspec.ValidationError as error:
        raise RemoteRefused(
            f"source {name!r} ({kind}) cannot be read every {interval_s:g} s: {error}"
        ) from None
