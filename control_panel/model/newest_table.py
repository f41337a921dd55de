"""Newest values as rows: what was heard live, and of the others what is stored."""

from collections.abc import Iterable

import msgspec
import numpy as np

from control_panel.model.live import Key, Live
from control_panel.model.things import Channel

_AT_LEAST_S, _UNKNOWN_S, _TIMES = 60.0, 600.0, 10.0
_LOOKED_AT = 20


class NewestRow(msgspec.Struct, frozen=True):
    """A channel's newest value; `time_utc` in µs, None if there is no value yet."""

    device: str
    channel: str
    label: str
    source: str
    value: float | str | bool | None
    unit: str
    time_utc: int | None

    @property
    def key(self) -> Key:
        """By what it is told from others."""
        return self.device, self.channel


class NewestTable:
    """Rows by device and channel; `take` what was stored, `look` at what is live."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._stored: dict[Key, Channel] = {}
        self._rows: dict[Key, NewestRow] = {}
        self._ordered: list[NewestRow] | None = None

    def take(self, stored: Iterable[Channel]) -> None:
        """Take channels as the server has them."""
        taken = {(one.device, one.channel): one for one in stored}
        self._stored.update(taken)
        self.look(taken)

    def look(self, keys: Iterable[Key]) -> None:
        """Look at these channels anew."""
        for key in keys:
            row = self._row(key)
            if self._rows.get(key) != row:
                self._rows[key] = row
                self._ordered = None

    def rows(self, words: str = "", device: str | None = None) -> list[NewestRow]:
        """Return the rows in which all words are, in the order of device and channel."""
        if self._ordered is None:
            self._ordered = [self._rows[key] for key in sorted(self._rows)]
        rows = self._ordered
        if device is not None:
            rows = [row for row in rows if row.device == device]
        for word in words.casefold().split():
            rows = [row for row in rows if word in _text(row)]
        return rows

    def usual_s(self, key: Key) -> float | None:
        """Return how many seconds usually lie between two readings, None if nobody knows."""
        series = self._live.series(*key)
        if series is None or len(series) < 3:
            return None
        times = series.all().times[-_LOOKED_AT:]
        return float(np.median(np.diff(times))) / 1e6

    def is_stale(self, row: NewestRow, now_utc: int) -> bool:
        """Whether a value is so old that it says little of now."""
        if row.time_utc is None:
            return False
        usual = self.usual_s(row.key)
        limit = _UNKNOWN_S if usual is None else max(_AT_LEAST_S, _TIMES * usual)
        return (now_utc - row.time_utc) / 1e6 > limit

    def _row(self, key: Key) -> NewestRow:
        stored, newest = self._stored.get(key), self._live.newest.get(key)
        described = self._live.described.get(key)
        label = described.label if described is not None else ""
        stored_utc = None
        if stored is not None:
            label = label or stored.label
            if stored.time is not None:
                stored_utc = round(stored.time.timestamp() * 1e6)
        source = described.source if described is not None else ""
        if newest is not None and (stored_utc is None or newest.time_utc >= stored_utc):
            unit = newest.unit or self._live.unit(*key)
            return NewestRow(*key, label, source, newest.value, unit, newest.time_utc)
        unit = stored.unit if stored is not None else self._live.unit(*key)
        value = stored.value if stored is not None else None
        return NewestRow(*key, label, source, value, unit, stored_utc)


def _text(row: NewestRow) -> str:
    return f"{row.device}\n{row.channel}\n{row.label}\n{row.unit}".casefold()
