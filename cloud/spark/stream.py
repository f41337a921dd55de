"""The stream: one query, which is started again whenever it or its log is no more."""

import logging
import shutil
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.kafka_security import for_java
from cloud.spark import executor
from cloud.spark.alerts.horizon import Horizon
from cloud.spark.batch import Batches
from cloud.spark.errors import LogAway, StreamError
from cloud.spark.log import TOPICS, Log, LogWatch
from cloud.spark.outbox import Outbox
from cloud.spark.part import Part
from cloud.spark.progress import Progress
from cloud.spark.settings import Settings
from cloud.spark.store import Stored, connect
from cloud.spark.writer import Stopping, Writer

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

_log = logging.getLogger(__name__)

_TICK_S = 1.0
_NOTHING_NEW = "Waiting for data to arrive"
"""What Spark says between two looks for data, of which the last may have found some."""

_FAILURES_OF_A_CHECKPOINT = 2
"""So many queries in a row that end before a batch: the checkpoint is at fault."""

_KAFKA = {
    "kafka.default.api.timeout.ms": "30000",
    "kafka.request.timeout.ms": "10000",
    "kafka.reconnect.backoff.max.ms": "500",
    "kafkaConsumer.pollTimeoutMs": "10000",
    # A consumer asks ahead for what is not there yet, and Kafka lets that request, and with it
    # the next batch, wait so long: 500 ms if nothing is said.
    "kafka.fetch.max.wait.ms": "5",
    "startingOffsets": "earliest",
    # What Kafka lost, devices send again: their receipts do not say that it is stored.
    "failOnDataLoss": "false",
    "includeHeaders": "true",
}


class Runner:
    """Runs until `stopping` is set."""

    def __init__(
        self, settings: Settings, spark: "SparkSession", stopping: threading.Event
    ) -> None:
        """Connect to nothing yet: everything may be away at the start."""
        self._settings = settings
        self._spark = spark
        self._stopping = stopping
        self._watch = LogWatch(settings.kafka)
        self._outbox = Outbox(settings.kafka)
        postgres = settings.postgres
        self._writer = Writer(lambda: connect(postgres.dsn, postgres.password()), stopping)
        self._writing = threading.Lock()
        self._progress = Progress(Path(settings.stream.progress_file))
        self._handled: dict[tuple[str, int], int] = {}
        self._horizon = Horizon()
        self._batches_done = 0

    def run(self) -> None:
        """Run; returns when asked to stop. Raises what means that Spark itself is gone."""
        failures = 0
        try:
            while not self._stopping.is_set():
                log = self._wait_for_log()
                if log is None:
                    break
                if failures >= _FAILURES_OF_A_CHECKPOINT:
                    self._forget_checkpoint(log)
                before = self._batches_done
                failed = self._follow(log)
                failures = failures + 1 if failed and self._batches_done == before else 0
                if failed:
                    self._progress.errors += 1
                    self._stopping.wait(min(0.1 * 2**failures, 1.0))
        finally:
            self._outbox.close()
            self._writer.close()

    def _wait_for_log(self) -> Log | None:
        said = ""
        while not self._stopping.is_set():
            try:
                return self._watch.look()
            except LogAway as error:
                if str(error) != said:
                    _log.warning("Kafka: %s; asking again until it answers", error)
                    said = str(error)
            self._progress.write(time.time())
            self._stopping.wait(0.5)
        return None

    def _follow(self, log: Log) -> bool:
        """Run a query over one log until it ends or the log changes; return whether it failed."""
        self._handled.clear()
        self._horizon = Horizon()
        self._outbox.close()
        self._outbox = Outbox(self._settings.kafka)
        try:
            told = self._tell_all(log)
        except Stopping:
            return False
        _log.info("reading log %s; %d epochs are in the ledger", log.id, told)
        try:
            query = self._start(log)
        except Exception as error:  # noqa: BLE001 -- py4j raises what the JVM raised
            _log.warning("the query did not start: %s", _first_line(error))
            self._check_spark()
            return True
        try:
            while not self._stopping.wait(_TICK_S) and query.isActive:
                if not self._is_current(log):
                    return False
                if self._outbox.lost_ranges():
                    self._tell_all(log)
                self._look(query)
            failure = None if self._stopping.is_set() else query.exception()
        except Stopping:
            return False
        finally:
            self._stop(query)
        if failure is None:
            return False
        _log.warning("the query ended: %s", _first_line(failure))
        self._check_spark()
        return True

    def _tell_all(self, log: Log) -> int:
        """Tell the bridge what is stored of every epoch; return how many there are."""
        with self._writing:
            ranges = self._writer.all_ranges()
        self._outbox.stored(log.id, ranges)
        return len(ranges)

    def _is_current(self, log: Log) -> bool:
        """Whether Kafka still has this log; if it does not answer, the query will say so."""
        try:
            current = self._watch.look()
            if current != log:
                _log.warning("the log is another now, %s: reading it from its start", current.id)
                return False
            ends = self._watch.ends(log)
        except LogAway:
            pass
        else:
            self._horizon.ends(time.time_ns() // 1000, ends)
            self._progress.lag = sum(
                max(0, end - self._handled.get(place, end)) for place, end in ends.items()
            )
        self._progress.write(time.time())
        return True

    def _look(self, query: "StreamingQuery") -> None:
        """Look for silence; not while a batch is stored, or waits for PostgreSQL."""
        status = query.status
        if status["message"] == _NOTHING_NEW and not status["isDataAvailable"]:
            self._horizon.idle()
        if self._writing.acquire(timeout=_TICK_S / 10):
            try:
                transitions = self._writer.look(self._horizon)
            finally:
                self._writing.release()
            self._outbox.alerts(transitions)

    def _start(self, log: Log) -> "StreamingQuery":
        reader = self._spark.readStream.format("kafka").options(**_KAFKA)
        for key, value in for_java(self._settings.kafka.security).items():
            reader = reader.option(f"kafka.{key}", value)
        frame = (
            reader.option("kafka.bootstrap.servers", self._settings.kafka.bootstrap)
            .option("subscribe", ",".join(TOPICS))
            .option("maxOffsetsPerTrigger", self._settings.stream.max_packs)
            .load()
            .selectExpr(*executor.COLUMNS)
        )
        batches = Batches(
            self._writer, self._settings.stream, log.id, partial(self._committed, log)
        )

        def store(batch: "DataFrame", _: int) -> None:
            with self._writing:
                batches.store(batch)
            self._batches_done += 1

        checkpoint = Path(self._settings.spark.checkpoints) / log.checkpoint
        return (
            frame.writeStream.foreachBatch(store)
            .option("checkpointLocation", str(checkpoint))
            .queryName("fieldline")
            .start()
        )

    def _committed(
        self, log: Log, stored: Stored, parts: list[Part], cost: dict[str, float]
    ) -> None:
        self._outbox.stored(log.id, stored.ranges)
        self._outbox.rejected(stored.rejections)
        self._outbox.alerts(stored.alerts)
        for part in parts:
            for topic, partition, _, offset in part.offsets:
                handled = self._handled.get((topic, partition), 0)
                self._handled[topic, partition] = max(offset, handled)
                self._horizon.handled((topic, partition), offset)
        progress = self._progress
        progress.packs += sum(part.records for part in parts)
        progress.readings += stored.readings
        progress.newest = max(filter(None, (progress.newest, stored.newest)), default=None)
        progress.detail = {
            "repeated": progress.detail.get("repeated", 0) + sum(part.repeated for part in parts),
            "rejected": progress.detail.get("rejected", 0) + len(stored.rejections),
            **{name: round(seconds, 4) for name, seconds in cost.items()},
        }

    def _forget_checkpoint(self, log: Log) -> None:
        """Start anew from the log's beginning: a checkpoint only saves work, the ledger knows."""
        folder = Path(self._settings.spark.checkpoints) / log.checkpoint
        _log.warning("the checkpoint %s is of no use, reading the log from its start", folder)
        shutil.rmtree(folder, ignore_errors=True)

    def _check_spark(self) -> None:
        """Raise StreamError if the JVM is gone: then only a new process helps."""
        try:
            stopped = self._spark.sparkContext._jsc.sc().isStopped()
        except Exception as error:
            msg = f"Spark's process is gone: {_first_line(error)}"
            raise StreamError(msg) from error
        if stopped:
            raise StreamError("Spark has stopped")

    @staticmethod
    def _stop(query: "StreamingQuery") -> None:
        try:
            query.stop()
        except Exception as error:  # noqa: BLE001 -- py4j; a late query only stores what is new
            _log.warning("the query did not stop in time: %s", _first_line(error))


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " / ".join(lines[:2])[:400] or repr(error)
