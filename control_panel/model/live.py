"""What is heard of the devices: newest values, readings in order of time, raw messages.

How much memory that takes at most:

- newest values of 20,000 channels, texts cut at 200 characters: some 15 MB;
- the newest 600 readings of 1,000 channels that nobody watches: 13 MB;
- 2,000,000 readings of the watched channels together, at most 500,000 each: 43 MB;
- raw messages: 4 MB and their rows; status and meta of 5,000 devices.

What does not fit is counted in `unkept`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
import numpy as np

from control_panel.model.messages import Messages
from control_panel.model.series import NEVER, Series
from control_panel.model.things import Channel as Stored
from wire.errors import WireError
from wire.pack import decode_columns
from wire.reading import Channel, TimeQuality
from wire.receipt import Receipt, decode_receipt
from wire.status import Meta, Status, decode_meta, decode_status
from wire.topics import Kind

Key = tuple[str, str]
"""Device and channel."""
Said = TypeVar("Said")

CHANNELS = 20_000
GLANCED = 1_000
GLANCED_READINGS = 600
WATCHED_READINGS = 2_000_000
WATCHED_READINGS_EACH = 500_000
DEVICES = 5_000
_SHOWN_TEXT = 200


class Newest(msgspec.Struct, frozen=True):
    """A channel's newest value; `time_utc` the device's, `received_utc` ours, both in µs."""

    value: float | str | bool
    unit: str
    time_utc: int
    received_utc: int
    uncertain: bool = False


class Changes(msgspec.Struct, frozen=True):
    """What is new since the last time."""

    channels: frozenset[Key]
    added: frozenset[Key]
    devices: frozenset[str]


class Live:
    """All that is heard, fed with `hear`; `tell` then calls whoever `listen`s."""

    def __init__(self) -> None:
        self.newest: dict[Key, Newest] = {}
        self.described: dict[Key, Channel] = {}
        self.statuses: dict[str, Status] = {}
        self.metas: dict[str, Meta] = {}
        self.receipts: dict[str, Receipt] = {}
        self.messages = Messages()
        self.unkept = 0
        """Readings and announcements that did not fit into the memory given."""
        self.began_utc = NEVER
        """Since when all that devices send is heard, in µs; NEVER: not yet."""
        self.refused = 0
        """Records within sound packs that gave no reading."""
        self._series: dict[Key, Series] = {}
        self._watched: dict[Key, int] = {}
        self._glanced = 0
        self._listeners: list[Callable[[Changes], None]] = []
        self._changed: set[Key] = set()
        self._added: set[Key] = set()
        self._devices: set[str] = set()

    def begin(self, now_utc: int) -> None:
        """Hearing begins, or begins again: what was said before may be missing in memory."""
        self.began_utc = now_utc
        for series in self._series.values():
            series.complete_utc = NEVER
            series.version += 1

    def know(self, stored: Iterable[Stored]) -> None:
        """Take channels as the server has them: some of them are silent now."""
        for one in stored:
            key = one.device, one.channel
            if key in self.described or len(self.described) >= CHANNELS:
                continue
            if key not in self.newest:
                self._added.add(key)
            self.described[key] = Channel(
                one.channel, one.label, one.unit, one.minimum, one.maximum
            )

    def series(self, device: str, channel: str) -> Series | None:
        """Return a channel's readings; None if none have come or there is no room for them."""
        return self._series.get((device, channel))

    def unit(self, device: str, channel: str) -> str:
        """Return the unit of the newest value, or that which the device announced."""
        newest = self.newest.get((device, channel))
        if newest is not None and newest.unit:
            return newest.unit
        described = self.described.get((device, channel))
        return described.unit if described is not None else ""

    def watch(self, keys: Iterable[Key]) -> Callable[[], None]:
        """Keep long series of these channels; call what is returned when nobody watches them."""
        watched = list(keys)
        for key in watched:
            self._watched[key] = self._watched.get(key, 0) + 1
        self._share_out()

        def unwatch() -> None:
            for key in watched:
                left = self._watched.get(key, 0) - 1
                if left > 0:
                    self._watched[key] = left
                else:
                    self._watched.pop(key, None)
            watched.clear()
            self._share_out()

        return unwatch

    def listen(self, listener: Callable[[Changes], None]) -> Callable[[], None]:
        """Call the listener at each `tell` with something new, until what is returned is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def tell(self) -> None:
        """Say what has changed since the last time."""
        if not (self._changed or self._added or self._devices):
            return
        changes = Changes(
            frozenset(self._changed), frozenset(self._added), frozenset(self._devices)
        )
        self._changed.clear()
        self._added.clear()
        self._devices.clear()
        for listener in tuple(self._listeners):
            listener(changes)

    def hear(self, device: str, kind: str, payload: bytes, received_utc: int) -> None:
        """Take in a message; one that is not sound is kept with its reason and stops nothing."""
        fault = ""
        try:
            if kind in {Kind.DATA, Kind.BACKFILL}:
                self._readings(device, payload, received_utc, fresh=kind == Kind.DATA)
            elif payload:  # an empty retained message only takes the one before away
                self._announcement(device, kind, payload)
        except WireError as error:
            fault = str(error)
        self._devices.add(device)
        self.messages.keep(device, kind, payload, received_utc, fault)

    def _announcement(self, device: str, kind: str, payload: bytes) -> None:
        if kind == Kind.STATUS:
            self._keep(self.statuses, device, decode_status(payload))
        elif kind == Kind.RECEIPT:
            self._keep(self.receipts, device, decode_receipt(payload))
        elif kind == Kind.META:
            meta = decode_meta(payload)
            if not self._keep(self.metas, device, meta):
                return
            for channel in meta.channels:
                key = device, channel.channel
                if key not in self.described:
                    if len(self.described) >= CHANNELS:
                        self.unkept += 1
                        continue
                    self._added.add(key)
                self.described[key] = channel

    def _keep(self, kept: dict[str, Said], device: str, said: Said) -> bool:
        if device not in kept and len(kept) >= DEVICES:
            self.unkept += 1
            return False
        kept[device] = said
        return True

    def _readings(self, device: str, payload: bytes, received_utc: int, *, fresh: bool) -> None:
        columns = decode_columns(device, payload, received_utc=received_utc)
        self.refused += len(columns.refused)
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for row, channel in enumerate(columns.channels):
            rows[channel].append(row)
        booleans = set(columns.booleans)
        for channel, its in rows.items():
            key = device, channel
            row = max(its, key=columns.times.__getitem__)
            value: float | str | bool | None = columns.values[row]
            if value is None:
                value = (columns.texts[row] or "")[:_SHOWN_TEXT]
            elif row in booleans:
                value = bool(value)
            newest = Newest(
                value,
                columns.units[row],
                columns.times[row],
                received_utc,
                columns.qualities[row] is TimeQuality.ESTIMATED,
            )
            if self._note(key, newest):
                self._append(
                    key,
                    [
                        (columns.times[n], number, columns.qualities[n] is TimeQuality.ESTIMATED)
                        for n in its
                        if (number := columns.values[n]) is not None
                    ],
                    fresh,
                )

    def _note(self, key: Key, newest: Newest) -> bool:
        """Keep a channel's newest value; False if there is no room for the channel."""
        before = self.newest.get(key)
        if before is None:
            if len(self.newest) >= CHANNELS:
                self.unkept += 1
                return False
            self._added.add(key)
        if before is None or newest.time_utc >= before.time_utc:
            self.newest[key] = newest
        self._changed.add(key)
        return True

    def _append(self, key: Key, readings: list[tuple[int, float, bool]], fresh: bool) -> None:
        if not readings:
            return
        series = self._series.get(key)
        if series is None:
            if key not in self._watched:
                if self._glanced >= GLANCED:
                    self.unkept += len(readings)
                    return
                self._glanced += 1
            series = self._series[key] = Series(self._limit(key))
            series.complete_utc = NEVER
        if fresh and series.complete_utc == NEVER:
            # Devices send what is new in order: from here on all of it is heard.
            sure = [time_utc for time_utc, _, guessed in readings if not guessed]
            series.complete_utc = min(sure or [time_utc for time_utc, _, _ in readings])
        times, values, uncertain = zip(*readings, strict=True)
        series.append(
            np.array(times, np.int64), np.array(values, np.float64), np.array(uncertain, np.bool_)
        )

    def _limit(self, key: Key) -> int:
        if key not in self._watched:
            return GLANCED_READINGS
        return min(WATCHED_READINGS // len(self._watched), WATCHED_READINGS_EACH)

    def _share_out(self) -> None:
        """Give each series its part of the memory; those without any are let go."""
        glanced = 0
        for key in list(self._series):
            if key not in self._watched:
                glanced += 1
                if glanced > GLANCED:
                    del self._series[key]
                    continue
            if self._series[key].limit != self._limit(key):
                self._series[key].limit = self._limit(key)
        self._glanced = min(glanced, GLANCED)
