"""Kafka as the stack runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from cloud.stack.errors import ServerMissing
from cloud.stack.folder import Folder
from cloud.stack.servers import kafka as server
from tests.servers import Kafka
from tests.waiting import eventually


@pytest.fixture
def own_kafka(tmp_path: Path) -> Kafka:
    return Kafka(Folder(tmp_path))


def make_topic(kafka: Kafka, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    made = admin.create_topics([NewTopic(name, 1, 1)], request_timeout=20)
    made[name].result(20)


def topic_names(kafka: Kafka) -> set[str]:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    return set(admin.list_topics(timeout=20).topics)


def test_a_message_outlives_kill_9_and_a_deleted_folder_is_made_anew(own_kafka: Kafka) -> None:
    own_kafka.start()
    try:
        make_topic(own_kafka, "kept")
        producer = Producer(
            {"bootstrap.servers": own_kafka.bootstrap, "acks": "all", "log_level": 0}
        )
        producer.produce("kept", b"reading")
        assert producer.flush(20) == 0
        own_kafka.kill()
        own_kafka.start()
        consumer = Consumer(
            {"bootstrap.servers": own_kafka.bootstrap, "group.id": "test",
             "auto.offset.reset": "earliest", "log_level": 0}
        )  # fmt: skip
        consumer.subscribe(["kept"])
        message = eventually(lambda: consumer.poll(1.0), what="the message is read")
        consumer.close()
        assert message is not None
        assert message.value() == b"reading"

        own_kafka.kill()
        own_kafka.wipe()
        own_kafka.start()
        assert "kept" not in topic_names(own_kafka)
        make_topic(own_kafka, "kept")
    finally:
        if own_kafka.running:
            own_kafka.kill()


def test_naming_a_topic_does_not_make_it(kafka: Kafka) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    admin.list_topics("never-made", timeout=20)
    assert "never-made" not in topic_names(kafka)


def test_missing_jars_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ServerMissing, match="make setup"):
        server.prepare(Folder(tmp_path), jars=tmp_path)


def test_a_cluster_id_may_begin_with_a_dash(own_kafka: Kafka) -> None:
    folder = Folder(own_kafka.own.parent)
    command = server.prepare(folder)
    java, properties = command[: command.index("kafka.Kafka")], own_kafka.own / "server.properties"
    server.format_storage(java, properties, own_kafka.own / "logs", "-" + "A" * 21)
    meta = (own_kafka.own / "logs" / "meta.properties").read_text()
    assert "cluster.id=-AAAAAAAAAAAAAAAAAAAAA" in meta
