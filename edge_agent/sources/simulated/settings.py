from typing import Annotated, Literal

import msgspec

from edge_agent.sources.fields import SourceName

Wave = Literal["sine", "ramp", "square", "noise", "constant"]


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One channel, or several alike: `center` ± `amplitude`, repeating after `period_s`."""

    channel: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9:._-][A-Za-z0-9:./_-]{0,79}\Z")]
    wave: Wave = "sine"
    center: float = 0.0
    amplitude: float = 1.0
    period_s: Annotated[float, msgspec.Meta(gt=0, le=31_536_000)] = 60.0
    unit: str = ""
    label: str = ""
    copies: Annotated[
        int,
        msgspec.Meta(ge=1, le=10_000, description="makes channels <channel>-1, <channel>-2, …"),
    ] = 1


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="simulated"
):
    """Which signals to make up, and how often."""

    name: SourceName
    signals: Annotated[tuple[Signal, ...], msgspec.Meta(min_length=1)]
    rate_hz: Annotated[
        float, msgspec.Meta(ge=1e-4, le=10_000, description="readings a second of each channel")
    ] = 1.0
    seed: Annotated[int, msgspec.Meta(ge=0, description="another seed, another noise")] = 0
