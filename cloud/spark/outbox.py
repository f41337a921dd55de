"""What the stream tells Kafka after a commit: ranges stored, and dead letters."""

from collections.abc import Iterable

from confluent_kafka import Producer

from cloud.spark.part import Rejection
from cloud.spark.settings import Kafka
from wire import topics
from wire.ranges import RangeSet
from wire.stored import StoredRanges, encode_stored


class Outbox:
    """Sends without waiting. What Kafka never gets is told again at the next start of a query."""

    def __init__(self, settings: Kafka) -> None:
        properties = {
            "bootstrap.servers": settings.bootstrap,
            "linger.ms": 0,
            "acks": "all",
            "reconnect.backoff.max.ms": 500,
            "allow.auto.create.topics": False,
            "queue.buffering.max.kbytes": 32_768,
            "message.max.bytes": 8_454_144,
            "log_level": 0,
            "error_cb": lambda _: None,
        }
        self._producer = Producer(properties | settings.properties)
        self.dropped = 0

    def stored(self, log: str, ranges: Iterable[tuple[str, str, RangeSet]]) -> None:
        """Say what is stored of epochs: (device, epoch, numbers)."""
        for device, epoch, numbers in ranges:
            value = encode_stored(StoredRanges(log, epoch, numbers))
            self._produce(topics.RECEIPTS, device, value, [])

    def rejected(self, rejections: Iterable[Rejection]) -> None:
        """Pass on dead letters: the bytes untouched, with reason and origin."""
        for rejection in rejections:
            headers = [("reason", rejection.reason.encode()), ("origin", rejection.origin.encode())]
            self._produce(topics.REJECTED, rejection.device, rejection.payload, headers)

    def close(self) -> None:
        """Give what is on its way some seconds."""
        self._producer.flush(3)

    def _produce(
        self, topic: str, key: str, value: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        self._producer.poll(0)
        try:
            self._producer.produce(
                topic, value, key, headers=list(headers), on_delivery=self._count_failure
            )
        except (BufferError, Exception) as error:  # noqa: BLE001 -- see below
            # A full queue, or a value larger than Kafka takes: both only tell what the
            # database has, and neither may stop the stream.
            self._count_failure(error, None)

    def _count_failure(self, error: object, _: object) -> None:
        if error is not None:
            self.dropped += 1
