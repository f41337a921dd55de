"""The stream as a process, with Kafka before and PostgreSQL behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from cloud.sql.verify import Verification, verify
from tests.cloud.databases import dsn
from tests.servers import CHECKOUT, Kafka, Postgres
from tests.waiting import eventually
from wire import topics
from wire.ranges import RangeSet
from wire.stored import decode_stored

PARTITIONS = {
    topics.PACKS: 3,
    topics.DEVICES: 1,
    topics.RECEIPTS: 1,
    topics.REJECTED: 1,
    topics.ALERTS: 1,
}


class Chain:
    """What a test does with it."""

    def __init__(
        self,
        kafka: Kafka,
        postgres: Postgres,
        database: str,
        folder: Path,
        limits: str = "max_packs = 1500\nmax_readings = 10000\n",
    ) -> None:
        self.kafka = kafka
        self.postgres = postgres
        self.database = database
        self.folder = folder
        self.log = folder / "stream.log"
        self.checkpoints = folder / "checkpoints"
        password = postgres.password_file("fieldline_stream")
        self.config = folder / "stream.toml"
        self.config.write_text(
            f'[kafka]\nbootstrap = "{kafka.bootstrap}"\n'
            f'[postgres]\ndsn = "host={postgres.host} port={postgres.port} dbname={database} '
            f'user=fieldline_stream"\npassword_file = "{password}"\n'
            f'[spark]\ncheckpoints = "{self.checkpoints}"\n'
            f'jars = "{CHECKOUT / "build/jars/spark"}"\n'
            f'[stream]\nprogress_file = "{folder / "stream.json"}"\n{limits}'
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the stream; it may still be waiting for the others then."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cloud.spark", "--config", str(self.config)],
                stdout=log, stderr=log, cwd=CHECKOUT, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """Kill Python and the JVM at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)

    def stop(self) -> int:
        """Stop it as supervision does; return its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(40)

    @property
    def process_group(self) -> int | None:
        """Python, the JVM and its workers."""
        return None if self._process is None else self._process.pid

    @property
    def virtual_machines(self) -> list[psutil.Process]:
        """Spark's JVM; what it starts itself for a moment is not of this list."""
        if self._process is None:
            return []
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # such a one, gone again
                if process.name() == "java":
                    found.append(process)
        return found

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def make_topics(self) -> None:
        """Make what the bridge would make."""
        admin = AdminClient({"bootstrap.servers": self.kafka.bootstrap, "log_level": 0})
        wanted = [NewTopic(name, count, 1) for name, count in PARTITIONS.items()]

        def made() -> bool:
            for future in admin.create_topics(wanted).values():
                try:
                    future.result(10)
                except KafkaException as error:
                    if "TOPIC_ALREADY_EXISTS" not in str(error):
                        raise AssertionError(str(error)) from None
            return True

        eventually(made, within=60, what="topics are made")

    def send(self, records: Iterable[tuple[str, bytes]], topic: str = topics.PACKS) -> None:
        """Put (key, payload) into Kafka as the bridge does."""
        producer = Producer(
            {
                "bootstrap.servers": self.kafka.bootstrap,
                "message.max.bytes": 8_000_000,
                "log_level": 0,
            }
        )
        for key, payload in records:
            name = f"mqtt:{topics.ROOT}/{key}/data".encode()
            origin: list[tuple[str, str | bytes | None]] = [("origin", name)]
            producer.produce(topic, payload, key, headers=origin)
            producer.poll(0)
        assert producer.flush(60) == 0

    def consume(self, topic: str) -> list[Message]:
        """Return all that is in a topic now, whatever its number of partitions."""
        consumer = Consumer(
            {"bootstrap.servers": self.kafka.bootstrap, "group.id": "tests", "log_level": 0}
        )
        try:
            known = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            ends = {}
            for number in known:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), 30)
                if low < high:
                    ends[number] = high
            consumer.assign([TopicPartition(topic, number, 0) for number in ends])
            messages = []
            while ends:
                message = consumer.poll(30)
                assert message is not None
                assert message.error() is None, message.error()
                partition, offset = message.partition(), message.offset()
                assert partition is not None
                assert offset is not None
                messages.append(message)
                if offset + 1 >= ends.get(partition, 0):
                    ends.pop(partition, None)
            return messages
        finally:
            consumer.close()

    def receipts(self) -> dict[tuple[str, str], RangeSet]:
        """Return the last ranges published, by device and epoch."""
        found = {}
        for message in self.consume(topics.RECEIPTS):
            stored = decode_stored(message.value() or b"")
            found[(message.key() or b"").decode(), stored.epoch] = stored.stored
        return found

    def query(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Ask as Grafana does."""
        address = dsn(self.postgres, self.database, "fieldline_reader")
        with psycopg.connect(address, autocommit=True) as reader:
            return reader.execute(statement.encode(), arguments).fetchall()

    def wait_for(self, stored: dict[str, int], within: float = 90) -> None:
        """Wait until each device has so many packs stored."""

        def there() -> bool:
            assert self.running, self.log.read_text()[-3000:]
            try:
                rows = self.query(
                    "SELECT device, sum(stored)::int FROM fieldline.completeness GROUP BY device"
                )
            except psycopg.OperationalError as error:
                raise AssertionError(str(error)) from None
            counts = {device: count for device, count in rows}  # noqa: C416 -- for mypy
            behind = {d: counts.get(d) for d, n in stored.items() if counts.get(d) != n}
            assert not behind, f"{behind}: {self.log.read_text()[-1500:]}"
            return True

        eventually(there, within=within, what=f"{sum(stored.values())} packs are stored")

    def verify(self) -> Verification:
        """Verify the database."""
        address = dsn(self.postgres, self.database, "fieldline_reader")
        with psycopg.connect(address, autocommit=True) as reader:
            return verify(reader)
