"""What is new of a part, with the identifiers of the database in its rows. Pure."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cloud.spark.copy_rows import text_row
from cloud.spark.fresh import Key, fresh_rows
from cloud.spark.part import Part, TextReading


class Share(NamedTuple):
    """A part; which of its packs are new; the ids of its series and kinds, by place."""

    part: Part
    keep: NDArray[np.bool_]
    series: NDArray[np.int32]
    kinds: NDArray[np.int32]

    def with_identifiers(self, rows: NDArray[np.void]) -> NDArray[np.void]:
        """Return a copy of ROWs of the part that PostgreSQL can take."""
        rows = rows.copy()
        if len(rows):
            rows["series"] = self.series[rows["series"]]
            rows["kind"] = self.kinds[rows["kind"]]
        return rows

    def numbers(self) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Return the ROWs of new numbered packs and their PARTIALs by minute."""
        rows, minutes = fresh_rows(self.part, self.keep)
        minutes = minutes.copy()
        if len(minutes):
            minutes["series"] = self.series[minutes["series"]]
        return self.with_identifiers(rows), minutes

    def texts(self, *, foreign: bool) -> list[TextReading]:
        """Return the new readings that are strings."""
        packs = self.part.packs
        return [
            text
            for text in self.part.texts
            if self.keep[text.pack] and (packs[text.pack].epoch is None) == foreign
        ]

    def readings(self) -> Counter[Key]:
        """Count the readings of new numbered packs."""
        counts: Counter[Key] = Counter()
        for pack, new in zip(self.part.packs, self.keep, strict=True):
            if new and pack.epoch is not None:
                counts[pack.device, pack.epoch] += pack.readings
        return counts

    def encode(self, text: TextReading) -> bytes:
        """Encode a string for COPY."""
        received = self.part.packs[text.pack].received
        series, kind = int(self.series[text.series]), int(self.kinds[text.kind])
        return text_row(text.time, received, text.text, series, kind)
