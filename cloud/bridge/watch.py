"""Watches Kafka: makes the topics that are missing, and says which log there is.

A thread of its own, since asking may take seconds when Kafka is away.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from cloud.bridge.errors import LogFailed
from cloud.bridge.log import MESSAGE_MAX_BYTES
from cloud.bridge.settings import Kafka
from wire import topics

_EVERY_S = 1.0
_ANSWER_S = 5.0

_LARGE = {"max.message.bytes": str(MESSAGE_MAX_BYTES)}
# A compacted topic is compacted up to its newest segment only: small ones keep it small.
_COMPACTED = {
    "cleanup.policy": "compact",
    "segment.bytes": "16777216",
    "segment.ms": "3600000",
    **_LARGE,
}


@dataclass(frozen=True, slots=True)
class LogSeen:
    """Kafka answers; these are the ids of the topics of packs and of receipts."""

    log_id: str
    receipts_id: str
    receipts_partitions: int


@dataclass(frozen=True, slots=True)
class LogAway:
    """Kafka does not answer, or not as it should."""

    error: LogFailed


class LogWatch:
    """Asks once a second, tells each change of the answer."""

    def __init__(self, settings: Kafka, tell: Callable[[LogSeen | LogAway], None]) -> None:
        self._settings = settings
        self._tell = tell
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; the thread ends within seconds and is not waited for."""
        self._stopping = True
        self._wake.set()

    def look_again(self) -> None:
        """Ask now, and tell the answer even if it is the same: something went wrong."""
        self._wake.set()

    def _run(self) -> None:
        properties: dict[str, Any] = {
            "bootstrap.servers": self._settings.bootstrap,
            "client.id": "fieldline-bridge-watch",
            "reconnect.backoff.ms": 100,
            "reconnect.backoff.max.ms": 1000,
            "log_level": 2,
            "error_cb": lambda _error: None,  # told as LogAway
            **self._settings.client(),
        }
        admin = AdminClient(properties)
        told: LogSeen | LogAway | None = None
        while not self._stopping:
            try:
                answer: LogSeen | LogAway = self._ask(admin)
            except KafkaException as error:
                answer = LogAway(LogFailed(self._settings.bootstrap, _sentence(error.args[0])))
            if answer != told and not (isinstance(answer, LogAway) and isinstance(told, LogAway)):
                told = answer
                self._tell(answer)
            if self._wake.wait(_EVERY_S):
                self._wake.clear()
                told = None

    def _ask(self, admin: AdminClient) -> LogSeen | LogAway:
        names = [topics.PACKS, topics.DEVICES, topics.RECEIPTS, topics.REJECTED, topics.ALERTS]
        found = {}
        missing = []
        futures = admin.describe_topics(TopicCollection(names), request_timeout=_ANSWER_S)
        for name, future in futures.items():
            try:
                found[name] = future.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
                missing.append(name)
        if missing:
            self._make(admin, missing)
            return LogAway(LogFailed(self._settings.bootstrap, "the topics are being made"))
        receipts = found[topics.RECEIPTS]
        return LogSeen(
            str(found[topics.PACKS].topic_id), str(receipts.topic_id), len(receipts.partitions)
        )

    def _make(self, admin: AdminClient, names: list[str]) -> None:
        few = min(self._settings.partitions, 4)
        plans = {
            topics.PACKS: (self._settings.partitions, _LARGE),
            topics.DEVICES: (few, _COMPACTED),
            topics.RECEIPTS: (few, _COMPACTED),
            topics.REJECTED: (few, _LARGE),
            topics.ALERTS: (few, {}),
        }
        new = [
            NewTopic(
                name,
                num_partitions=plans[name][0],
                replication_factor=self._settings.replication,
                config=plans[name][1],
            )
            for name in names
        ]
        for future in admin.create_topics(new, request_timeout=_ANSWER_S).values():
            try:
                future.result()
            except KafkaException as error:
                # Another bridge may have been quicker.
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        self._wake.set()


def _sentence(error: KafkaError) -> str:
    return f"{error.str()} ({error.name()}); asking again every second"
