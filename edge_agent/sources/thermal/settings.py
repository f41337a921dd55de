from typing import Annotated

import msgspec

from edge_agent.sources.fields import Interval, SourceName


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="thermal"
):
    """Which thermal zones to read, and how often."""

    name: SourceName
    interval_s: Interval = 10.0
    root: Annotated[str, msgspec.Meta(description="the kernel's folder of thermal zones")] = (
        "/sys/class/thermal"
    )
