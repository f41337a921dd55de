"""`fieldline tail TOPIC`."""

import argparse
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from queue import Empty, Queue
from typing import Any

from cloud.stack.errors import NotReached, StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Kafka, Mqtt, read_plan
from cloud.stack.tailing import Message, as_json, kafka_line, mqtt_line
from cloud.tls import client_context


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Print messages as they come, until there were enough or Ctrl-C."""
    plan = read_plan(folder)
    topic = options.topic
    is_mqtt = "/" in topic or topic in {"#", "+"}
    messages = _mqtt(plan.mqtt, topic) if is_mqtt else _kafka(plan.kafka, topic)
    for shown, message in enumerate(messages, start=1):
        if options.json:
            line = json.dumps(as_json(message))
        elif is_mqtt:
            line = f"{_clock(message)}{' (retained)' if message.retained else ''}  " + mqtt_line(
                message.topic, message.payload, message.at_utc
            )
        else:
            line = f"{_clock(message)}  " + kafka_line(
                topic, message.key, message.payload, message.headers, message.at_utc
            )
        print(line, flush=True)
        if shown == options.lines:
            break
    return 0


def _kafka(kafka: Kafka, topic: str) -> Iterator[Message]:
    from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": "fieldline-tail",  # nothing is committed under it
            "enable.auto.commit": False,
            "log_level": 0,
            **kafka.client(),
        }
    )
    try:
        try:
            known = consumer.list_topics(timeout=5).topics
        except KafkaException:
            raise NotReached(f"Kafka does not answer at {kafka.bootstrap}") from None
        if topic not in known:
            ours = ", ".join(sorted(name for name in known if not name.startswith("__")))
            raise StackError(f"Kafka has no topic {topic!r}; it has {ours or 'none yet'}")
        consumer.assign(
            [TopicPartition(topic, number, OFFSET_END) for number in known[topic].partitions]
        )
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if (error := message.error()) is not None:
                if error.fatal():
                    raise StackError(f"Kafka: {error.str()}")
                continue  # librdkafka connects anew by itself
            at_ms = message.timestamp()[1]
            headers = {str(name): _bytes(said) for name, said in list(message.headers() or ())}
            key, value = _bytes(message.key()), _bytes(message.value())
            yield Message(at_ms * 1000, topic, value, key, headers)
    finally:
        consumer.close()


def _mqtt(mqtt: Mqtt, topic_filter: str) -> Iterator[Message]:
    from paho.mqtt.client import Client, MQTTv5, topic_matches_sub
    from paho.mqtt.enums import CallbackAPIVersion

    if not _is_filter(topic_filter, topic_matches_sub):
        raise StackError(f"{topic_filter!r} is no MQTT topic filter; `#` may only stand at its end")
    came: Queue[Message | StackError] = Queue()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.username_pw_set(mqtt.watcher.username, mqtt.watcher.password())
    client.tls_set_context(client_context(mqtt.ca))

    def connected(_c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            came.put(StackError(f"the broker refuses the login: {reason}"))
        else:
            client.subscribe(topic_filter, qos=0)

    def subscribed(_c: Any, _u: Any, _m: Any, reasons: Any, _p: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            came.put(StackError(f"the broker does not let us read {topic_filter!r}: {reasons[0]}"))

    def message(_c: Any, _u: Any, said: Any) -> None:
        now = time.time_ns() // 1000
        came.put(Message(now, said.topic, said.payload, retained=said.retain))

    client.on_connect = connected
    client.on_subscribe = subscribed
    client.on_message = message
    try:
        client.connect(mqtt.host, mqtt.port)
    except OSError as error:
        raise NotReached(
            f"the broker does not answer at {mqtt.host}:{mqtt.port} ({error})"
        ) from None
    client.loop_start()
    try:
        while True:
            try:
                heard = came.get(timeout=1.0)
            except Empty:
                continue
            if isinstance(heard, StackError):
                raise heard
            yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def _is_filter(text: str, matches: Any) -> bool:
    try:
        matches(text, "a")
    except ValueError:
        return False
    parts = text.split("/")
    return all("#" not in part for part in parts[:-1]) and all(
        part in {"#", "+"} or not set("#+") & set(part) for part in parts
    )


def _bytes(said: object) -> bytes:
    return said if isinstance(said, bytes) else str(said or "").encode()


def _clock(message: Message) -> str:
    return datetime.fromtimestamp(message.at_utc / 1e6, UTC).strftime("%H:%M:%S.%f")[:-3]
