"""Chips and their sensors as the kernel shows them (Documentation/hwmon/sysfs-interface.rst)."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edge_agent.sources import sysfs
from edge_agent.sources.names import distinct, slug

_VALUE = re.compile(r"(temp|fan|in|curr|power|energy|humidity)(\d+)_(input|average)")


class Quantity(NamedTuple):
    """A unit of SenML, how many of the kernel's units it is, and what values can be."""

    unit: str
    divisor: int
    lowest: float
    highest: float


QUANTITIES = {
    "temp": Quantity("Cel", 1000, -273.15, 2000),
    "fan": Quantity("1/min", 1, 0, 500_000),
    "in": Quantity("V", 1000, -1000, 1000),
    "curr": Quantity("A", 1000, -10_000, 10_000),
    "power": Quantity("W", 1_000_000, -100_000, 100_000),
    "energy": Quantity("J", 1_000_000, 0, 1e13),
    "humidity": Quantity("%RH", 1000, 0, 100),
}


class Sensor(NamedTuple):
    """One sensor, named by chip and label, which stay over reboots as hwmonN does not."""

    what: str
    label: str
    quantity: Quantity
    folder: Path
    attribute: str
    file: str

    def read(self) -> float | None:
        """Return the value in the quantity's unit; None if it fails, is at fault, or nonsense."""
        if sysfs.integer(self.folder / f"{self.attribute}_fault"):
            return None
        raw = sysfs.integer(self.folder / self.file)
        if raw is None:
            return None
        value = raw / self.quantity.divisor
        return value if self.quantity.lowest <= value <= self.quantity.highest else None


def find(root: Path) -> list[Sensor]:
    """Return all sensors that are switched on, in an order that does not depend on hwmonN."""
    chips = []
    for folder in root.iterdir() if root.is_dir() else ():
        # Old drivers keep their files in the device's folder.
        for place in (folder, folder / "device"):
            name = sysfs.text(place / "name")
            if name and any(_VALUE.fullmatch(path.name) for path in place.iterdir()):
                chips.append((name, _device(folder), place))
                break
    chips.sort()
    occurrences = Counter(name for name, _, _ in chips)
    called = distinct(
        slug(name if occurrences[name] == 1 else f"{name}-{device}").lower()
        for name, device, _ in chips
    )
    return [
        sensor
        for what, (name, _, place) in zip(called, chips, strict=True)
        for sensor in _sensors(what, name, place)
    ]


def _device(folder: Path) -> str:
    """Return the name of the device behind a chip: 0000:01:00.0, nvme0, i2c address; or ''."""
    device = folder / "device"
    return device.resolve().name if device.exists() else ""


def _sensors(chip: str, chip_name: str, place: Path) -> Iterator[Sensor]:
    found: dict[tuple[str, int], str] = {}
    for path in place.iterdir():
        match = _VALUE.fullmatch(path.name)
        if match:
            key = (match[1], int(match[2]))
            if match[3] == "input" or key not in found:
                found[key] = path.name
    ordered = [
        (kind, f"{kind}{number}", file)
        for (kind, number), file in sorted(found.items())
        if sysfs.integer(place / f"{kind}{number}_enable") != 0
    ]
    labels = [sysfs.text(place / f"{attribute}_label") for _, attribute, _ in ordered]
    occurrences = Counter(labels)
    names = distinct(
        slug(label).lower() if label and occurrences[label] == 1 else attribute
        for label, (_, attribute, _) in zip(labels, ordered, strict=True)
    )
    for name, label, (kind, attribute, file) in zip(names, labels, ordered, strict=True):
        yield Sensor(
            f"{chip}/{name}",
            f"{chip_name} {label or attribute}",
            QUANTITIES[kind],
            place,
            attribute,
            file,
        )
