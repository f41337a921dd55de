"""Recorded readings as devices send them: packs, what is late, status and meta, and garbage."""

import threading
from typing import NamedTuple

import msgspec

from control_panel.client.clock import Clock
from control_panel.client.demo.recording import Recording
from control_panel.client.demo.scene import Player, Scene, seconds
from control_panel.client.inbox import Heard, Inbox, Link
from control_panel.client.live import LINK
from wire.pack import encode_pack
from wire.ranges import RangeSet
from wire.reading import Reading
from wire.receipt import Receipt, encode_receipt
from wire.topics import Kind

_TURN_S = 0.1
_BEFORE_US = 12_000_000
"""What was said in these last seconds is heard at once, as what a broker keeps is."""
_STATUS_EVERY_US = 10_000_000
_GARBAGE_EVERY_US = 7_000_000
_RECEIPT_EVERY = 4
_MOST = 900
"""Readings a pack."""


class Due(NamedTuple):
    """What a device says at a time."""

    at_utc: int
    kind: Kind
    payload: bytes


class Replay:
    """A thread that says into the inbox what devices say until now, as the clock goes."""

    def __init__(self, scene: Scene, recording: Recording, clock: Clock, inbox: Inbox) -> None:
        self._players = scene.players
        self._recording = recording
        self._clock = clock
        self._inbox = inbox
        self._said_utc: dict[str, int] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End without waiting."""
        self._stopped.set()

    def until(self, now_utc: int) -> list[Heard]:
        """Return what devices say since this was asked last, in its order."""
        found = [
            Heard(player.name, one.kind, one.payload, one.at_utc)
            for player in self._players
            for one in self._due(player, now_utc)
        ]
        return sorted(found, key=lambda one: one.received_utc)

    def _run(self) -> None:
        self._inbox.link(Link(LINK, up=True))
        while True:
            for message in self.until(self._clock.now_utc()):
                self._inbox.hear(message)
            if self._stopped.wait(_TURN_S):
                return

    def _due(self, player: Player, now_utc: int) -> list[Due]:
        """Return what it says since it was last asked, up to now."""
        first = player.name not in self._said_utc
        began_utc = self._recording.began_utc
        step_us = round(player.every_s * 1e6)
        since_utc = self._said_utc.get(player.name, began_utc - _BEFORE_US)
        until_utc = began_utc + (now_utc - began_utc) // step_us * step_us
        if first:
            # On its own pace from the beginning; who is slow has said something before that.
            since_utc -= (since_utc - began_utc) % step_us
        if until_utc <= since_utc and not first:
            return []
        self._said_utc[player.name] = until_utc
        found = self._announced(player, since_utc, until_utc, first=first)
        if not player.sends:
            return found
        for end_utc in range(since_utc + step_us, until_utc + 1, step_us):
            begin_utc = end_utc - step_us
            if first and end_utc == since_utc + step_us:
                begin_utc -= 60_000_000 if player.every_s >= 5 else 0
            found += self._packs(player, begin_utc, end_utc)
        return found

    def _packs(self, player: Player, begin_utc: int, end_utc: int) -> list[Due]:
        """Return the pack of a stretch of time, and what comes late in it."""
        step_us = round(player.every_s * 1e6)
        sequence = player.packs + (end_utc - self._recording.began_utc) // step_us
        fresh = [
            one
            for one in self._readings(player, begin_utc, end_utc)
            if not self._is_held(player, one.time_utc)
        ]
        made = []
        if fresh:
            made.append(Due(end_utc, Kind.DATA, _pack(player, fresh, sequence)))
            if sequence % _RECEIPT_EVERY == 0:
                made.append(Due(end_utc, Kind.RECEIPT, _receipt(player, sequence)))
        late = self._late(player, begin_utc, end_utc)
        for first in range(0, len(late), _MOST):
            pack = _pack(
                player, late[first : first + _MOST], max(sequence - 100 + first // _MOST, 0)
            )
            made.append(Due(end_utc, Kind.BACKFILL, pack))
        return made

    def _readings(self, player: Player, begin_utc: int, end_utc: int) -> list[Reading]:
        found = []
        for channel in player.channels:
            times, values = self._recording.between(player, channel, begin_utc, end_utc)
            found += [
                Reading(channel.channel, time_utc, value, channel.unit)
                for time_utc, value in zip(times.tolist(), values.tolist(), strict=True)
            ]
        return found

    def _is_held(self, player: Player, time_utc: int) -> bool:
        if player.held is None:
            return False
        begin_s, end_s, _ = player.held
        track = player.channels[0].track
        return begin_s <= self._recording.position_us(track, time_utc) / 1e6 < end_s

    def _late(self, player: Player, begin_utc: int, end_utc: int) -> list[Reading]:
        """Return what was held, if the time at which it comes lies in this stretch."""
        if player.held is None:
            return []
        begin_us, until_us, comes_us = (round(one * 1e6) for one in player.held)
        position_us = self._recording.position_us(player.channels[0].track, end_utc)
        if not position_us - (end_utc - begin_utc) < comes_us <= position_us:
            return []
        held_utc = end_utc - position_us
        # A reading at the very begin of the stretch is one that was held.
        return self._readings(player, held_utc + begin_us - 1, held_utc + until_us - 1)

    def _announced(
        self, player: Player, since_utc: int, until_utc: int, *, first: bool
    ) -> list[Due]:
        """Return its status and meta when they are due, and what is no message of ours."""
        now_s, began_s = until_utc / 1e6, self._recording.began_utc / 1e6
        found = []
        if player.meta is not None and first:
            found.append(Due(since_utc, Kind.META, msgspec.json.encode(player.meta)))
        if player.status is not None and (first or _passed(since_utc, until_utc, _STATUS_EVERY_US)):
            status = seconds(player.status, began_s, now_s)
            found.append(Due(until_utc, Kind.STATUS, msgspec.json.encode(status)))
        if player.garbage and (first or _passed(since_utc, until_utc, _GARBAGE_EVERY_US)):
            found.append(Due(until_utc, Kind.DATA, player.garbage.encode()))
        return found


def _passed(since_utc: int, until_utc: int, every_us: int) -> bool:
    return since_utc // every_us != until_utc // every_us


def _pack(player: Player, readings: list[Reading], sequence: int) -> bytes:
    return encode_pack(
        player.name, readings, epoch=player.epoch, sequence=sequence, quality=player.quality
    )


def _receipt(player: Player, sequence: int) -> bytes:
    stored = RangeSet.of([(0, sequence)])
    return encode_receipt(Receipt("demonstration", player.epoch, stored, stored))
