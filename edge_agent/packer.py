"""Makes packs of readings, has them written, then offers them to be sent."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from edge_agent import early
from edge_agent.buffer import Buffer, Early, NewPack
from edge_agent.clock import EARLIEST_UTC, Clock
from edge_agent.errors import BufferFull, DiskFailed, EpochBegun
from edge_agent.intake import Entry, Intake
from wire.pack import PackTooLarge, ReadingRefused, encode_pack, fault
from wire.ranges import RangeSet
from wire.reading import Reading, TimeQuality

READINGS = 800
"""In a pack at most. Larger ones save little and make a lost message dearer."""
BYTES = 200_000

FLUSH_S = 5.0
RETRY_S = 0.5
DATED_AT_ONCE = 8
"""So many rows of what waited for the clock, of `READINGS` at most each, become packs at once."""

_Group = tuple[TimeQuality, list[Reading]]

_log = logging.getLogger(__name__)


class LiveLane(Protocol):
    """Where packs go that have just been written, if anybody is there to take them."""

    def is_open(self) -> bool:
        """Say whether a pack offered now would probably be taken."""

    def offer(self, epoch: str, number: int, payload: bytes) -> bool:
        """Take a pack to be sent at once, or not."""


class Packer:
    """One thread: intake -> packs -> buffer -> the live lane of the sink.

    `refused(n)` hears of readings that cannot travel and were dropped.
    """

    def __init__(
        self,
        device: str,
        intake: Intake,
        buffer: Buffer,
        lane: LiveLane,
        refused: Callable[[int], None],
        *,
        clock: Clock,
    ) -> None:
        self._device = device
        self._intake = intake
        self._buffer = buffer
        self._lane = lane
        self._refused = refused
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="packer")
        self.problem = ""
        """Why nothing is written at the moment, or nothing."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Write what is there, then end; the intake must be closed."""
        self._stopping.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            entries = self._intake.take(FLUSH_S)
            self._date()
            if entries:
                self._write(entries)
                self._intake.done()
            elif self._stopping.is_set():
                return
            else:
                self._try_flush()

    def _try_flush(self) -> None:
        try:
            self._buffer.flush()
        except (DiskFailed, EpochBegun) as error:
            _log.warning("%s", error)

    def _write(self, entries: list[Entry]) -> None:
        """Write until it succeeds: readings leave the memory only for the disk."""
        positions = {e.source: e.position for e in entries if e.position is not None}
        groups = _parts(e for e in entries if e.unset_offset is None)
        waiting = self._keep([e for e in entries if e.unset_offset is not None])
        identity = self._buffer.identity
        packs = self._encode(groups, *identity)
        while True:
            claim = self._lane.is_open()
            try:
                self._buffer.put(packs, positions, claim=claim, early=waiting)
                break
            except EpochBegun:
                identity = self._buffer.identity
                packs = self._encode(groups, *identity)
            except (DiskFailed, BufferFull) as error:
                if not self.problem:
                    _log.error("%s", error)
                self.problem = str(error)
                self._date()  # what waits may be all that the buffer is full of
                if self._buffer.identity != identity:
                    identity = self._buffer.identity
                    packs = self._encode(groups, *identity)
                if self._stopping.wait(RETRY_S):
                    count = sum(len(entry.readings) for entry in entries)
                    _log.error("stopping with %d readings that could not be written", count)
                    return
        if self.problem:
            self.problem = ""
            _log.warning("the buffer takes readings again")
        if claim:
            self._send_live(identity, packs)

    def _keep(self, entries: list[Entry]) -> list[Early]:
        """Readings of an unset clock as what waits for the right time."""
        kept: list[Early] = []
        for offset in dict.fromkeys(e.unset_offset for e in entries):
            assert offset is not None
            for quality, readings in _parts(e for e in entries if e.unset_offset == offset):
                sound = [r for r in readings if _fault_but_time(r) is None]
                if len(sound) < len(readings):
                    _log.warning(
                        "dropped %d readings that can't travel", len(readings) - len(sound)
                    )
                    self._refused(len(readings) - len(sound))
                if sound:
                    kept.append(early.keep(self._clock.boot, offset, quality, sound))
        return kept

    def _date(self) -> None:
        """Make packs of what waited for the clock, oldest first, once the clock is known."""
        if not self._clock.is_known():
            return
        try:
            while (batch := self._buffer.waiting(most=DATED_AT_ONCE))[1]:
                number, kept = batch
                began_utc = self._clock.now_utc() - self._clock.boot_time()
                origins = early.origins(self._buffer.boots_waiting(), self._clock.boot, began_utc)
                groups = list(early.dated(kept, origins))
                packs = self._encode(groups, *self._buffer.identity)
                self._buffer.put(packs, {}, dated=number)
        except (DiskFailed, BufferFull, EpochBegun) as error:
            _log.warning("%s", error)  # tried again at the next turn

    def _send_live(self, identity: tuple[str, int], packs: list[NewPack]) -> None:
        epoch, first = identity
        for number, pack in enumerate(packs, first):
            if not self._lane.offer(epoch, number, pack.payload):
                last = first + len(packs) - 1
                self._buffer.not_sent(RangeSet(((number, last),)))
                return

    def _encode(self, groups: list[_Group], epoch: str, number: int) -> list[NewPack]:
        packs: list[NewPack] = []
        todo = groups[::-1]
        while todo:
            quality, readings = todo.pop()
            try:
                payload = encode_pack(
                    self._device,
                    readings,
                    epoch=epoch,
                    sequence=number + len(packs),
                    quality=quality,
                )
                if len(payload) > BYTES and len(readings) > 1:
                    raise PackTooLarge
            except PackTooLarge:
                half = len(readings) // 2
                todo += [(quality, readings[half:]), (quality, readings[:half])]
            except ReadingRefused as error:
                self._refuse(readings, error)
                if readings:
                    todo.append((quality, readings))
            else:
                packs.append(NewPack(min(r.time_utc for r in readings), payload))
        return packs

    def _refuse(self, readings: list[Reading], error: ReadingRefused) -> None:
        """Take out, for good, the readings that cannot travel."""
        before = len(readings)
        readings[:] = [reading for reading in readings if fault(reading) is None]
        if len(readings) == before:  # the encoder is stricter than `fault`: never go round for ever
            readings.remove(error.reading)
        _log.warning("dropped %d readings: %s", before - len(readings), error)
        self._refused(before - len(readings))


def _parts(entries: Iterable[Entry]) -> list[_Group]:
    """Readings by the quality of their time, of which a pack has one, cut for packs."""
    groups: dict[TimeQuality, list[Reading]] = {}
    for entry in entries:
        groups.setdefault(entry.quality, []).extend(entry.readings)
    return [(quality, part) for quality, readings in groups.items() for part in _cut(readings)]


def _fault_but_time(reading: Reading) -> str | None:
    return fault(msgspec.structs.replace(reading, time_utc=EARLIEST_UTC))


def _cut(readings: list[Reading]) -> list[list[Reading]]:
    """Cut into packs of nearly equal size."""
    n = -(-len(readings) // READINGS)
    size = -(-len(readings) // n) if n else 1
    return [readings[i : i + size] for i in range(0, len(readings), size)]
