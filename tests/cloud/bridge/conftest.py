"""The bridge between the session's broker and Kafka."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.bridge.rig import BridgeProcess, Client, KafkaReader
from tests.servers import Broker, Kafka


@pytest.fixture
def bridge(broker: Broker, kafka: Kafka, tmp_path: Path) -> Iterator[BridgeProcess]:
    """A bridge, not yet started."""
    process = BridgeProcess(
        tmp_path,
        {
            "mqtt": {
                "host": broker.host,
                "port": broker.port,
                "ca": broker.ca,
                "username": broker.username,
                "password_file": broker.password_file,
            },
            "kafka": {"bootstrap": kafka.bootstrap, "partitions": 3},
        },
    )
    yield process
    if process.running:
        process.kill()
    print(process.log.read_text())


@pytest.fixture
def client(broker: Broker) -> Iterator[Client]:
    """Somebody who sends for every device and hears all receipts."""
    with Client(broker) as connected:
        yield connected


@pytest.fixture
def log(kafka: Kafka) -> KafkaReader:
    """What stands in Kafka."""
    return KafkaReader(kafka.bootstrap)
