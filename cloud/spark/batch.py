"""One batch: from the DataFrame that Spark hands over to the commit, in as few passes as fit."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from cloud.spark import executor
from cloud.spark.decode import Request
from cloud.spark.errors import NotStorable
from cloud.spark.part import Part
from cloud.spark.settings import Stream
from cloud.spark.store import Stored
from cloud.spark.writer import Writer

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_log = logging.getLogger(__name__)

Place = tuple[str, int]
"""Topic and partition."""


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
        start: dict[Place, int] = {}
        whole = False
        while not whole:
            request = Request(_now(), self._settings.max_readings, self._settings.max_packs, start)
            try:
                parts = self._pass(batch, request)
            except NotStorable as error:
                _log.error("a batch cannot be stored, now record by record: %s", error)
                self._store_one_by_one(batch, start)
                return
            whole = _advance(start, parts)

    def _store_one_by_one(self, batch: "DataFrame", start: dict[Place, int]) -> None:
        """Find the record that cannot be stored, and make a dead letter of it."""
        refused: dict[tuple[str, int, int], str] = {}
        whole = False
        while not whole:
            request = Request(_now(), self._settings.max_readings, 1, start, refused)
            parts = executor.collect(batch, request)
            for part in parts:
                topic, partition, offset = part.offsets[0] if part.offsets else ("", 0, 0)
                record = (topic, partition, offset - 1)
                try:
                    self._committed(self._writer.store([part], self._log), [part], {})
                except NotStorable as error:
                    if record in refused:
                        _log.error("record %s cannot even be kept as rejected: %s", record, error)
                        continue
                    refused[record] = str(error)
                    part.whole = False
                    part.offsets = []
            whole = _advance(start, parts)

    def _pass(self, batch: "DataFrame", request: Request) -> list[Part]:
        began = time.perf_counter()
        parts = executor.collect(batch, request)
        decoded = time.perf_counter()
        stored = self._writer.store(parts, self._log)
        ended = time.perf_counter()
        cost = {"decode_s": decoded - began, "store_s": ended - decoded}
        self._committed(stored, parts, cost)
        return parts


def _advance(start: dict[Place, int], parts: list[Part]) -> bool:
    """Note where the next pass begins; return whether none is needed."""
    for part in parts:
        for topic, partition, offset in part.offsets:
            start[topic, partition] = max(offset, start.get((topic, partition), 0))
    return all(part.whole for part in parts)


def _now() -> int:
    return time.time_ns() // 1000
