"""What has arrived of each device's packs, the worst first. Pure.

The server counts packs by device and *epoch* (a device begins a new one when its buffer was made
anew), over the whole life of the epoch, and by day.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from control_panel.model.things import Completeness, CompletenessDay


class Verdict(StrEnum):
    """What is to be said of an epoch or a device, the worst first."""

    MISSING = "missing"
    """Packs that nobody accounts for."""
    LOST = "lost"
    """The device has said that it no longer has them."""
    WAITING = "waiting"
    """All are stored, or on the device still."""
    COMPLETE = "complete"
    EMPTY = "empty"


_ORDER = list(Verdict)


class Tally(NamedTuple):
    """Packs: what was ever made is the sum of all the others."""

    stored: int
    on_device: int
    lost: int
    missing: int

    @property
    def made(self) -> int:
        """How many the device has made, as far as anybody knows."""
        return self.stored + self.on_device + self.lost + self.missing

    @property
    def share(self) -> float:
        """How much of it is stored, 0 to 1; all of nothing."""
        return self.stored / self.made if self.made else 1.0

    @property
    def verdict(self) -> Verdict:
        """The worst that is to be said."""
        if self.missing:
            return Verdict.MISSING
        if self.lost:
            return Verdict.LOST
        if self.on_device:
            return Verdict.WAITING
        return Verdict.COMPLETE if self.made else Verdict.EMPTY


class Row(NamedTuple):
    """A device, or one of its epochs (`epoch` is empty for the whole device)."""

    device: str
    epoch: str
    tally: Tally
    first_seq: int
    last_seq: int
    epochs: int


def rows(found: Iterable[Completeness]) -> list[Row]:
    """Return devices, the worst first, each followed by its epochs if it has several."""
    devices: dict[str, list[Completeness]] = {}
    for one in found:
        devices.setdefault(one.device, []).append(one)
    wholes = sorted((_whole(device, epochs) for device, epochs in devices.items()), key=_badness)
    made: list[Row] = []
    for whole in wholes:
        made.append(whole)
        if whole.epochs > 1:
            made += sorted((_epoch(one) for one in devices[whole.device]), key=_badness)
    return made


class Day(NamedTuple):
    """A day of a device, in UTC."""

    day: date
    tally: Tally


def days(found: Iterable[CompletenessDay]) -> list[Day]:
    """Return the days of a device, the newest first."""
    made = [Day(one.day, Tally(one.stored, one.on_device, one.lost, one.missing)) for one in found]
    return sorted(made, key=lambda day: day.day, reverse=True)


def total(found: Iterable[Completeness]) -> Tally:
    """Return the sum of all."""
    return _sum([_epoch(one).tally for one in found])


def _epoch(one: Completeness) -> Row:
    tally = Tally(one.stored, one.on_device, one.lost, one.missing)
    return Row(one.device, one.epoch, tally, one.first_seq, one.last_seq, 1)


def _whole(device: str, epochs: Sequence[Completeness]) -> Row:
    tally = _sum([_epoch(one).tally for one in epochs])
    single = epochs[0] if len(epochs) == 1 else None
    return Row(
        device,
        single.epoch if single else "",
        tally,
        single.first_seq if single else 0,
        single.last_seq if single else 0,
        len(epochs),
    )


def _sum(tallies: Sequence[Tally]) -> Tally:
    return Tally(
        sum(one.stored for one in tallies),
        sum(one.on_device for one in tallies),
        sum(one.lost for one in tallies),
        sum(one.missing for one in tallies),
    )


def _badness(row: Row) -> tuple[int, int, str, str]:
    verdict = row.tally.verdict
    amount = {
        Verdict.MISSING: row.tally.missing,
        Verdict.LOST: row.tally.lost,
        Verdict.WAITING: row.tally.on_device,
    }.get(verdict, 0)
    return _ORDER.index(verdict), -amount, row.device, row.epoch


class Part(NamedTuple):
    """A piece of a bar, from 0 to 1; `kind` is a word of Tally's members."""

    kind: str
    begin: float
    end: float


_LEAST = 0.012


def parts(tally: Tally, least: float = _LEAST) -> list[Part]:
    """Divide a bar; what there is at all is at least so wide that it is seen."""
    kinds = [
        (kind, getattr(tally, kind))
        for kind in ("stored", "on_device", "lost", "missing")
        if getattr(tally, kind) > 0
    ]
    if not kinds:
        return []
    widths = [max(least, number / tally.made) for _, number in kinds]
    whole = sum(widths)
    made, at = list[Part](), 0.0
    for (kind, _), width in zip(kinds, widths, strict=True):
        made.append(Part(kind, at, min(1.0, at + width / whole)))
        at = made[-1].end
    return made
