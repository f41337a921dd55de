"""Reads what the stream has stored from `fieldline.receipts`, from the beginning and on.

A thread of its own: it sleeps in librdkafka until there is something.
"""

import logging
import threading
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from cloud.bridge.settings import Kafka
from wire import topics
from wire.errors import WireError
from wire.names import check_device_name
from wire.stored import StoredRanges, decode_stored

_log = logging.getLogger(__name__)

_BATCH = 500
_PATIENCE_S = 1.0

Tell = Callable[[list[tuple[str, StoredRanges]]], None]


class StoredReader:
    """Tells (device, what is stored of it) in batches, in the order of the topic."""

    def __init__(self, settings: Kafka, receipts_id: str, partitions: int, tell: Tell) -> None:
        self.receipts_id = receipts_id
        self.refused = 0
        self._settings = settings
        self._partitions = partitions
        self._tell = tell
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stored", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; the thread ends within a second and is not waited for."""
        self._stopping.set()

    def _run(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._settings.bootstrap,
                "client.id": "fieldline-bridge-stored",
                "group.id": "fieldline-bridge-stored",  # demanded, not used: offsets are ours
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "reconnect.backoff.ms": 100,
                "reconnect.backoff.max.ms": 1000,
                "queued.max.messages.kbytes": 4096,
                "log_level": 2,
                "error_cb": lambda _error: None,  # LogWatch says what is wrong
                **self._settings.client(),
            }
        )
        consumer.assign(
            [
                TopicPartition(topics.RECEIPTS, number, OFFSET_BEGINNING)
                for number in range(self._partitions)
            ]
        )
        while not self._stopping.is_set():
            batch = []
            first = consumer.poll(_PATIENCE_S)  # `consume` would wait for a whole batch
            if first is None:
                continue
            for message in [first, *consumer.consume(_BATCH, timeout=0)]:
                value = message.value()
                if message.error() is not None or value is None:
                    continue
                try:
                    device = check_device_name((message.key() or b"").decode())
                    batch.append((device, decode_stored(value)))
                    continue
                except (WireError, UnicodeDecodeError) as error:
                    reason = str(error)
                self.refused += 1
                if self.refused & (self.refused - 1) == 0:  # the 1st, 2nd, 4th, 8th …
                    _log.warning(
                        "%s: message %d of partition %d is no list of stored packs: %s (%d so far)",
                        topics.RECEIPTS,
                        message.offset(),
                        message.partition(),
                        reason,
                        self.refused,
                    )
            if batch and not self._stopping.is_set():
                self._tell(batch)
        consumer.close()
