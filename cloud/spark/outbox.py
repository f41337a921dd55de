"""What the stream tells Kafka after a commit: ranges stored, dead letters, and alerts."""

import logging
from collections.abc import Callable, Iterable

from confluent_kafka import KafkaException, Producer

from cloud.spark.alerts.book import Transition
from cloud.spark.part import Rejection
from cloud.spark.settings import Kafka
from wire import topics
from wire.ranges import RangeSet
from wire.stored import StoredRanges, encode_stored

_log = logging.getLogger(__name__)


class Outbox:
    """Sends to one log, without waiting.

    A new log gets a new outbox: a producer that knows the old log's topics would send to
    partitions that are no more. `lost_ranges` says whether everything must be told again.
    """

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
        self._producer = Producer(properties | settings.client())
        self._lost_ranges = False

    def stored(self, log: str, ranges: Iterable[tuple[str, str, RangeSet]]) -> None:
        """Say what is stored of epochs: (device, epoch, numbers)."""
        for device, epoch, numbers in ranges:
            value = encode_stored(StoredRanges(log, epoch, numbers))
            self._produce(topics.RECEIPTS, device, value, [], self._ranges_delivered)

    def rejected(self, rejections: Iterable[Rejection]) -> None:
        """Pass on dead letters: the bytes untouched, with reason and origin."""
        for rejection in rejections:
            headers = [("reason", rejection.reason.encode()), ("origin", rejection.origin.encode())]
            self._produce(
                topics.REJECTED, rejection.device, rejection.payload, headers, _letter_delivered
            )

    def alerts(self, transitions: Iterable[Transition]) -> None:
        """Say what fires, and what does no longer."""
        for transition in transitions:
            value = transition.message()
            self._produce(topics.ALERTS, transition.device, value, [], _alert_delivered)

    def lost_ranges(self) -> bool:
        """Say, once, whether Kafka did not get some of the ranges."""
        self._producer.poll(0)
        lost, self._lost_ranges = self._lost_ranges, False
        return lost

    def close(self) -> None:
        """Give what is on its way some seconds."""
        self._producer.flush(3)

    def _produce(
        self,
        topic: str,
        key: str,
        value: bytes,
        headers: list[tuple[str, bytes]],
        delivered: Callable[[object, object], None],
    ) -> None:
        self._producer.poll(0)
        try:
            self._producer.produce(topic, value, key, headers=list(headers), on_delivery=delivered)
        except (BufferError, KafkaException) as error:
            # A full queue, or a value larger than Kafka takes.
            delivered(error, None)

    def _ranges_delivered(self, error: object, _: object) -> None:
        if error is not None:
            self._lost_ranges = True


def _letter_delivered(error: object, _: object) -> None:
    if error is not None:
        # It is in the table `rejected`; the topic is for those who listen.
        _log.warning("a dead letter did not reach Kafka: %s", error)


def _alert_delivered(error: object, _: object) -> None:
    if error is not None:
        # It is in the tables, and the API was told of it there.
        _log.warning("an alert did not reach Kafka: %s", error)
