"""Readings of producers that number nothing: which are new, repeated, or contradict. Pure.

One is known by its series, time and kind. Again with the same value it is a repetition; with
another, a contradiction, whose pack becomes a dead letter. The first one stays, so a replay of
the log finds the same contradictions, at the same places of the log.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from cloud.spark.aggregate import order_by_series_time
from cloud.spark.copy_rows import ROW, concatenated, times_of
from cloud.spark.part import Rejection, TextReading, array
from cloud.spark.share import Share

CONFLICTING = "conflicting_value"

Known = tuple[int, float | None, str | None]
"""A place in `Foreign.firsts`, counted from 1, and what is stored there: a number or a string."""


class Foreign:
    """The foreign readings of a batch: rows of numbers in order of arrival, then texts."""

    def __init__(self, shares: list[Share]) -> None:
        """Find the first reading of each (series, time, kind)."""
        self._shares = shares
        rows = []
        places = []
        for number, share in enumerate(shares):
            packs = array(share.part.foreign_packs, np.int32)
            arrival = np.argsort(packs, kind="stable")
            rows.append(share.with_identifiers(array(share.part.foreign, ROW))[arrival])
            places.append(np.stack((np.full(len(packs), number), packs[arrival])))
        self._rows = concatenated(rows)
        self._texts = [(share, text) for share in shares for text in share.texts(foreign=True)]
        number_of = {id(share): number for number, share in enumerate(shares)}
        texts = [(number_of[id(share)], text.pack) for share, text in self._texts]
        places.append(np.array(texts, np.int64).reshape(-1, 2).T)
        self._places = np.concatenate(places, axis=1)
        self._values = np.append(
            self._rows["value"].astype(np.float64), np.full(len(self._texts), np.nan)
        )
        self._series = self._column("series", [int(s.series[t.series]) for s, t in self._texts])
        self._kinds = self._column("kind", [int(s.kinds[t.kind]) for s, t in self._texts])
        self._times = np.append(
            times_of(self._rows), np.array([t.time for _, t in self._texts], np.int64)
        )
        order = np.lexsort((self._kinds, self._times, self._series))
        columns = (self._series[order], self._times[order], self._kinds[order])
        new = np.ones(len(order), np.bool_)
        new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
        self._firsts = order[new]
        self._same = np.empty(len(order), np.intp)  # for each row the place of its first one
        self._same[order] = np.cumsum(new) - 1

    def __len__(self) -> int:
        return len(self._values)

    @property
    def firsts(self) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
        """Series, times and kinds to ask the database for."""
        return self._series[self._firsts], self._times[self._firsts], self._kinds[self._firsts]

    def new(
        self, known: Iterable[Known]
    ) -> tuple[NDArray[np.void], list[tuple[Share, list[TextReading]]], list[Rejection]]:
        """Return what to store, ROWs in order and texts, and the contradictions."""
        count = len(self._rows)
        values = self._values[self._firsts]
        texts = {
            place: self._texts[first - count][1].text
            for place, first in enumerate(self._firsts.tolist())
            if first >= count
        }
        fresh = np.ones(len(self._firsts), np.bool_)
        for place, value, text in known:
            fresh[place - 1] = False
            values[place - 1] = np.nan if value is None else value
            texts.pop(place - 1, None)
            if text is not None:
                texts[place - 1] = text
        differing = self._values != values[self._same]  # a NaN differs from all
        for row, (_, reading) in enumerate(self._texts, count):
            differing[row] = texts.get(int(self._same[row])) != reading.text
        kept = self._firsts[fresh]
        rows = self._rows[kept[kept < count]]
        ordered = order_by_series_time(
            rows["series"].astype(np.int32), times_of(rows), rows["value"].astype(np.float64)
        )
        new_texts = [self._texts[place - count] for place in kept[kept >= count].tolist()]
        return (
            rows[ordered],
            [(share, [text]) for share, text in new_texts],
            self._letters(np.flatnonzero(differing)),
        )

    def _letters(self, differing: NDArray[np.intp]) -> list[Rejection]:
        """Make one dead letter of each pack that contradicts."""
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row in differing.tolist():
            share, pack = self._places[:, row].tolist()
            found[share, pack].append(row)
        letters = []
        for (number, pack), rows in found.items():
            share = self._shares[number]
            place = int(np.flatnonzero(share.series == self._series[rows[0]])[0])
            channel = share.part.series[place][1]
            time = datetime.fromtimestamp(int(self._times[rows[0]]) / 1e6, UTC)
            more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
            reason = f"{CONFLICTING}: {channel!r} has another value at {time.isoformat()}{more}"
            letter = next(letter for letter in share.part.letters if letter.pack == pack)
            letters.append(msgspec.structs.replace(letter, reason=reason))
        return letters

    def _column(self, field: str, texts: list[int]) -> NDArray[np.int32]:
        return np.append(self._rows[field].astype(np.int32), np.array(texts, np.int32))
