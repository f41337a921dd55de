"""Makes packs of readings, has them written, then offers them to be sent."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from edge_agent.buffer import Buffer, NewPack
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
    ) -> None:
        self._device = device
        self._intake = intake
        self._buffer = buffer
        self._lane = lane
        self._refused = refused
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
        groups = [
            (quality, part) for quality, readings in _groups(entries) for part in _cut(readings)
        ]
        identity = self._buffer.identity
        packs = self._encode(groups, *identity)
        while True:
            claim = self._lane.is_open()
            try:
                self._buffer.put(packs, positions, claim=claim)
                break
            except EpochBegun:
                identity = self._buffer.identity
                packs = self._encode(groups, *identity)
            except (DiskFailed, BufferFull) as error:
                if not self.problem:
                    _log.error("%s", error)
                self.problem = str(error)
                if self._stopping.wait(RETRY_S):
                    count = sum(len(readings) for _, readings in groups)
                    _log.error("stopping with %d readings that could not be written", count)
                    return
        if self.problem:
            self.problem = ""
            _log.warning("the buffer takes readings again")
        if claim:
            self._send_live(identity, packs)

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


def _groups(entries: Sequence[Entry]) -> list[_Group]:
    """Readings by the quality of their time: a pack has one."""
    groups: dict[TimeQuality, list[Reading]] = {}
    for entry in entries:
        groups.setdefault(entry.quality, []).extend(entry.readings)
    return list(groups.items())


def _cut(readings: list[Reading]) -> list[list[Reading]]:
    """Cut into packs of nearly equal size."""
    n = -(-len(readings) // READINGS)
    size = -(-len(readings) // n) if n else 1
    return [readings[i : i + size] for i in range(0, len(readings), size)]
