"""One generation of Kafka's log: a producer, tied to the id of the log it was made for.

When the log is lost and made anew, a producer of the old one may hang for minutes on what it
knew, and an idempotent one may fail for good. So nothing is repaired: the bridge drops the
generation with all that is in flight, which the broker still holds unacknowledged, and makes
another.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from wire import topics

# Topics and producer carry a megabyte of garbage through, so that the stream can reject it with
# its bytes; what is larger the broker never gives us (link.MAXIMUM_PACKET_SIZE).
MESSAGE_MAX_BYTES = 8 * 1024 * 1024 + 65_536

_BAD_MESSAGE = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError._INVALID_ARG,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_RECORD,
    }
)

Delivered = Callable[["Delivery", bool], None]
"""Called for each message that is over; the flag is false if Kafka will never take it."""


class Delivery:
    """A message on its way, and what to do when it is there."""

    __slots__ = ("connection", "device", "identity", "mid", "size")

    def __init__(
        self, connection: int, mid: int, device: str, identity: tuple[str, int] | None, size: int
    ) -> None:
        self.connection = connection
        self.mid = mid
        self.device = device
        self.identity = identity
        self.size = size


class Log:
    """Sends packs to the log `log_id`. `failure` says why it is of no more use, once it is."""

    def __init__(
        self, log_id: str, *, bootstrap: str, properties: dict[str, str], delivered: Delivered
    ) -> None:
        self.log_id = log_id
        self.failure: str | None = None
        self.outstanding = 0  # packs sent and not yet acknowledged
        self.held_bytes = 0  # theirs, and those of messages about devices
        self._delivered = delivered
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": "fieldline-bridge",
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 5,
                "compression.type": "lz4",  # text: a fifth of the bytes, and quicker for it
                "message.max.bytes": MESSAGE_MAX_BYTES,
                "message.timeout.ms": 0,  # wait for Kafka as long as it takes
                "queue.buffering.max.messages": 1_000_000,  # the bridge keeps the limits
                "queue.buffering.max.kbytes": 2_097_151,
                "reconnect.backoff.ms": 100,
                "reconnect.backoff.max.ms": 1000,
                "topic.metadata.refresh.interval.ms": 10_000,
                "allow.auto.create.topics": False,
                "log_level": 2,  # the bridge itself says what is wrong
                "error_cb": self._on_error,
                **properties,
            }
        )

    def send_pack(
        self, key: bytes, payload: bytes, origin: bytes, received_ms: int, delivery: Delivery
    ) -> None:
        """Hand a pack to the producer; `delivered` is called from `poll` when it is over."""
        self.outstanding += 1
        self.held_bytes += delivery.size
        try:
            self._producer.produce(
                topics.PACKS,
                payload,
                key,
                on_delivery=partial(self._on_pack, delivery),
                timestamp=received_ms,
                headers=[("origin", origin)],
            )
        except KafkaException as error:
            self._on_pack(delivery, error.args[0], None)
        except BufferError:
            self._on_pack(delivery, KafkaError(KafkaError._QUEUE_FULL), None)

    @property
    def busy(self) -> bool:
        """Whether there is anything to `poll` for."""
        return self.held_bytes > 0

    def send_device(self, key: bytes, payload: bytes, received_ms: int, size: int) -> None:
        """Hand a status or meta to the producer."""
        self.held_bytes += size
        done = partial(self._on_device, size)
        try:
            self._producer.produce(
                topics.DEVICES, payload, key, on_delivery=done, timestamp=received_ms
            )
        except (KafkaException, BufferError) as error:
            done(error, None)

    def poll(self) -> int:
        """Handle what has been acknowledged; never blocks. Returns how many messages."""
        return int(self._producer.poll(0))

    def close(self) -> None:
        """Throw away what is in flight; nothing is called any more."""
        self._delivered = _ignore
        self._producer.purge()
        self._producer.poll(0)

    def _on_pack(self, delivery: Delivery, error: Any, _message: Message | None) -> None:
        self.outstanding -= 1
        self.held_bytes -= delivery.size
        if error is None:
            self._delivered(delivery, True)
        elif error.code() in _BAD_MESSAGE:
            self._delivered(delivery, False)
        else:
            self.failure = self.failure or str(error)

    def _on_device(self, size: int, error: Any, _message: Message | None) -> None:
        self.held_bytes -= size
        if error is not None:
            self.failure = self.failure or str(error)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self.failure = self.failure or str(error)


def _ignore(_delivery: Delivery, _taken: bool) -> None:
    pass
