"""Thermal zones as the kernel shows them (Documentation/driver-api/thermal/sysfs-api.rst)."""

import re
from pathlib import Path
from typing import NamedTuple

from edge_agent.sources import sysfs
from edge_agent.sources.names import distinct, slug

_ZONE = re.compile(r"thermal_zone(\d+)")

COLDEST, HOTTEST = -100_000, 300_000
"""Millidegrees beyond which a driver says that it has no value (-274 °C, 2^31 - 1, …)."""


class Zone(NamedTuple):
    """One zone, named by its type, which stays the same over reboots as its number may not."""

    what: str
    type: str
    path: Path


def find(root: Path) -> list[Zone]:
    """Return the zones in order of their numbers; zones of one type are numbered: gpu, gpu-2."""
    numbered = []
    for folder in root.iterdir() if root.is_dir() else ():
        match = _ZONE.fullmatch(folder.name)
        if match:
            numbered.append((int(match[1]), folder, sysfs.text(folder / "type") or "zone"))
    numbered.sort()
    names = distinct(slug(type_.lower()) for _, _, type_ in numbered)
    return [
        Zone(what, type_, folder / "temp")
        for what, (_, folder, type_) in zip(names, numbered, strict=True)
    ]


def celsius(millidegrees: int | None) -> float | None:
    """Return degrees Celsius, or None if there is no value or it is none that can be."""
    if millidegrees is None or not COLDEST <= millidegrees <= HOTTEST:
        return None
    return millidegrees / 1000
