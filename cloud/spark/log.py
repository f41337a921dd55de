"""Which Kafka log the stream reads: the ids of its topics, and how far it goes."""

from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from cloud.spark.errors import LogAway
from cloud.spark.settings import Kafka
from wire import topics

TOPICS = (topics.PACKS, topics.DEVICES)
_TIMEOUT_S = 5.0


class Log(NamedTuple):
    """`id` names the log of the packs in receipts; with `devices` it names the checkpoint."""

    id: str
    devices: str
    partitions: tuple[tuple[str, int], ...]

    @property
    def checkpoint(self) -> str:
        """Name the folder: what was read of one log says nothing about another."""
        # An id is base64, whose "/" would make a folder in a folder.
        return f"{self.id}.{self.devices}".replace("/", "_")


class LogWatch:
    """Asks Kafka. Every method raises LogAway if it does not answer."""

    def __init__(self, settings: Kafka) -> None:
        properties: dict[str, str | int | float | bool] = {
            "bootstrap.servers": settings.bootstrap,
            "socket.timeout.ms": 5000,
            "reconnect.backoff.max.ms": 500,
            "log_level": 0,
        }
        self._admin = AdminClient({**properties, **settings.client()})

    def look(self) -> Log:
        """Return the log as it is now; its topics are the bridge's to make."""
        futures = self._admin.describe_topics(
            TopicCollection(list(TOPICS)), request_timeout=_TIMEOUT_S
        )
        try:
            found = {name: future.result(_TIMEOUT_S + 1) for name, future in futures.items()}
        except (KafkaException, TimeoutError) as error:
            raise LogAway(str(error)) from error
        partitions = tuple(
            (name, partition.id) for name in TOPICS for partition in found[name].partitions
        )
        packs, devices = (str(found[name].topic_id) for name in TOPICS)
        return Log(packs, devices, partitions)

    def ends(self, log: Log) -> Mapping[tuple[str, int], int]:
        """Return the offset after the last record of each partition."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(*place): latest for place in log.partitions}
        futures = self._admin.list_offsets(asked, request_timeout=_TIMEOUT_S)
        try:
            return {
                (place.topic, place.partition): future.result(_TIMEOUT_S + 1).offset
                for place, future in futures.items()
            }
        except (KafkaException, TimeoutError) as error:
            raise LogAway(str(error)) from error
