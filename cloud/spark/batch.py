"""One batch: from the DataFrame that Spark hands over to the commit, in as few passes as fit."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cloud.spark import executor, salvage
from cloud.spark.decode import Range, Request
from cloud.spark.errors import NotStorable
from cloud.spark.held import Held
from cloud.spark.part import Part
from cloud.spark.settings import Stream
from cloud.spark.store import Stored
from cloud.spark.writer import Writer

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_log = logging.getLogger(__name__)

_HELD_BYTES = 8_000_000


class Batches:
    """Stores batches of one log; `committed` hears of every transaction, with what it cost."""

    def __init__(
        self,
        writer: Writer,
        settings: Stream,
        log: str,
        committed: Callable[[Stored, list[Part], dict[str, float]], None],
    ) -> None:
        self._writer = writer
        self._settings = settings
        self._log = log
        self._committed = committed

    def store(self, batch: "DataFrame") -> None:
        """Store what is new in a batch. Raises what Spark raises, or writer.Stopping."""
        start: dict[Range, int] = {}
        whole = False
        while not whole:
            request = Request(_now(), self._settings.max_readings, self._settings.max_packs, start)
            try:
                parts = self._pass(batch, request)
            except NotStorable as error:
                _log.error("a batch cannot be stored, now by halves: %s", error)
                self._salvage(batch, start)
                return
            whole = advance(start, parts)

    def _salvage(self, batch: "DataFrame", start: dict[Range, int]) -> None:
        """Store what goes of the batch from `start` on; keep the rest as dead letters."""
        whole = False
        while not whole:
            request = Request(_now(), self._settings.max_readings, self._settings.max_packs, start)
            found = executor.collect_records(batch, request, _HELD_BYTES)
            for held in found:
                salvage.keep(held.records, self._store_parts, request.now_utc)
            whole = advance(start, found)

    def _store_parts(self, parts: list[Part], refusable: bool) -> None:
        stored = self._writer.store(parts, self._log, refusable=refusable)
        self._committed(stored, parts, {})

    def _pass(self, batch: "DataFrame", request: Request) -> list[Part]:
        began = time.perf_counter()
        parts = executor.collect(batch, request)
        decoded = time.perf_counter()
        stored = self._writer.store(parts, self._log)
        ended = time.perf_counter()
        cost = {"decode_s": decoded - began, "store_s": ended - decoded}
        self._committed(stored, parts, cost)
        return parts


def advance(start: dict[Range, int], done: Sequence[Part | Held]) -> bool:
    """Note where the next pass begins; return whether none is needed."""
    for one in done:
        for topic, partition, first, offset in one.offsets:
            start[topic, partition, first] = offset
    return all(one.whole for one in done)


def _now() -> int:
    return time.time_ns() // 1000
