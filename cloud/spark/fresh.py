"""Which packs and readings of a batch are new. Pure."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from cloud.spark.aggregate import PARTIAL, aggregate
from cloud.spark.copy_rows import ROW, times_of
from cloud.spark.part import PackEntry, Part, array
from wire.ranges import RangeSet

_DAY_US = 86_400_000_000
_NEVER = np.iinfo(np.int64).max

Key = tuple[str, str]
"""Device and epoch: a row of the ledger."""


def numbers_of(parts: Iterable[Part]) -> dict[Key, RangeSet]:
    """Return the sequence numbers of a batch by device and epoch."""
    numbers: dict[Key, list[tuple[int, int]]] = {}
    for part in parts:
        for pack in part.packs:
            if pack.epoch is not None and pack.sequence is not None:
                key = (pack.device, pack.epoch)
                numbers.setdefault(key, []).append((pack.sequence, pack.sequence))
    return {key: RangeSet.of(ranges) for key, ranges in numbers.items()}


class Sieve:
    """Says of each pack of a batch, once, whether it is new."""

    def __init__(self, stored: Mapping[Key, RangeSet]) -> None:
        """`stored` are the numbers of this batch that the ledger already has."""
        self._stored = stored
        self._seen: set[tuple[str, str, int]] = set()

    def keep(self, packs: list[PackEntry]) -> NDArray[np.bool_]:
        """Return whether each pack is new; a foreign one, which has no number, always is."""
        return np.array([self._is_new(pack) for pack in packs], np.bool_)

    def _is_new(self, pack: PackEntry) -> bool:
        if pack.epoch is None or pack.sequence is None:
            return True
        name = (pack.device, pack.epoch, pack.sequence)
        if name in self._seen:
            return False
        self._seen.add(name)
        stored = self._stored.get((pack.device, pack.epoch))
        return stored is None or pack.sequence not in stored


def fresh_rows(part: Part, keep: NDArray[np.bool_]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return the rows of new packs and their partial aggregates by minute.

    Almost always all are new and the executor's own aggregates hold; if not, they are made
    again from the rows that are left.
    """
    rows = array(part.rows, ROW)
    if keep.all():
        return rows, array(part.minutes, PARTIAL)
    rows = rows[keep[array(part.row_packs, np.int32)]]
    return rows, aggregate_rows(rows)


def days_of(part: Part) -> NDArray[np.int64]:
    """Return of each pack the UTC day of its first reading, or on which it came if it has none.

    Days are counted from 1970.
    """
    first = np.full(len(part.packs), _NEVER)
    np.minimum.at(first, array(part.row_packs, np.int32), times_of(array(part.rows, ROW)))
    for text in part.texts:
        first[text.pack] = min(first[text.pack], text.time)
    received = np.array([pack.received for pack in part.packs], np.int64)
    return np.where(first == _NEVER, received, first) // _DAY_US


def aggregate_rows(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Aggregate ROWs that are in order of series and time by minute."""
    series, values = rows["series"].astype(np.int32), rows["value"].astype(np.float64)
    return aggregate(series, times_of(rows), values)
