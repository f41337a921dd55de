from typing import Annotated

import msgspec

from edge_agent.sources.fields import Interval, SourceName


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="host"
):
    """What to read of this machine, and how often."""

    name: SourceName
    interval_s: Interval = 10.0
    cpu_states: Annotated[
        bool, msgspec.Meta(description="also the share of each state: user, system, iowait, …")
    ] = False
    mounts: Annotated[
        tuple[str, ...], msgspec.Meta(description="mount points whose use is read")
    ] = ("/",)
    disks: Annotated[
        tuple[str, ...] | None,
        msgspec.Meta(description="block devices, e.g. mmcblk0; without the key all real ones"),
    ] = None
    interfaces: Annotated[
        tuple[str, ...] | None,
        msgspec.Meta(description="network interfaces, e.g. wlan0; without the key all real ones"),
    ] = None
    proc: Annotated[str, msgspec.Meta(description="where procfs is mounted")] = "/proc"
