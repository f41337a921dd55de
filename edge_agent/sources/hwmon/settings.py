from typing import Annotated

import msgspec

from edge_agent.sources.fields import Interval, SourceName


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="hwmon"
):
    """Which chips to read, and how often."""

    name: SourceName
    interval_s: Interval = 10.0
    root: Annotated[
        str, msgspec.Meta(description="the kernel's folder of hardware monitoring chips")
    ] = "/sys/class/hwmon"
