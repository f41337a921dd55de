"""A reading of the doctor's own, from the broker to the row, with the time that each hop took."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from cloud.stack.doctor.checkup import Wrong
from cloud.stack.doctor.stack import Stack
from cloud.stack.plan import Account
from cloud.tls import client_context
from wire import topics

_PUBLISHED_S = 5.0
_CARRIED_S = 10.0
_STORED_S = 20.0
CHANNEL = "probe"


def travel(stack: Stack) -> str:
    """Send a reading and follow it. Raises Wrong, which says where it was seen last."""
    login = stack.plan.mqtt.doctor
    if login is None:
        raise Wrong(
            "there is no account for a reading of the doctor's own",
            "`fieldline down`, then `fieldline up` makes one (at a broker elsewhere there is none)",
        )
    time_us = time.time_ns() // 1000
    mark = uuid.uuid4().int % 2**40
    log = _Log(stack)
    try:
        began = time.monotonic()
        _publish(stack, login, time_us, mark)
        published = time.monotonic()
        log.wait_for(login.username.encode(), str(mark).encode())
        carried = time.monotonic()
    finally:
        log.close()
    _wait_for_row(stack, login.username, time_us, mark)
    stored = time.monotonic()
    return (
        f"a reading took {_ms(stored - began)}: to the broker {_ms(published - began)}, to Kafka "
        f"{_ms(carried - published)}, to its row {_ms(stored - carried)}"
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _publish(stack: Stack, login: Account, time_us: int, mark: int) -> None:
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    mqtt = stack.plan.mqtt
    done = threading.Event()
    refused: list[str] = []
    pack = json.dumps([{"n": CHANNEL, "t": time_us / 1e6, "v": mark}])

    def connected(client: paho.Client, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        if code.is_failure:
            refused.append(str(code))
            done.set()
        else:
            client.publish(topics.data(login.username), pack, qos=1)

    def published(_c: Any, _u: Any, _m: int, code: Any, _p: Any) -> None:
        if code.is_failure:
            refused.append(str(code))
        done.set()

    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.tls_set_context(client_context(mqtt.ca))
    client.username_pw_set(login.username, login.password())
    client.on_connect = connected
    client.on_publish = published
    client.connect(mqtt.host, mqtt.port)
    client.loop_start()
    try:
        answered = done.wait(_PUBLISHED_S)
    finally:
        client.disconnect()
        client.loop_stop()
    if refused:
        raise Wrong(
            f"the broker refuses the reading: {refused[0]}",
            "`fieldline restart broker` gives it its accounts and rules anew",
        )
    if not answered:
        raise Wrong(
            f"the broker has not taken the reading within {_PUBLISHED_S:.0f} s",
            "`fieldline logs broker`; `fieldline restart broker`",
        )


class _Log:
    """Reads `fieldline.packs` from where it ended when this was made."""

    def __init__(self, stack: Stack) -> None:
        from confluent_kafka import Consumer, TopicPartition

        cluster = stack.plan.kafka
        silent = logging.getLogger("fieldline.doctor.kafka")
        silent.setLevel(logging.CRITICAL)
        self._consumer = Consumer(
            {
                "bootstrap.servers": cluster.bootstrap,
                "group.id": f"fieldline-doctor-{uuid.uuid4().hex}",
                "enable.auto.commit": False,
                **cluster.client(),
            },
            logger=silent,
        )
        partitions = self._consumer.list_topics(topics.PACKS, timeout=5).topics[topics.PACKS]
        places = []
        for number in partitions.partitions:
            _, end = self._consumer.get_watermark_offsets(
                TopicPartition(topics.PACKS, number), timeout=5
            )
            places.append(TopicPartition(topics.PACKS, number, end))
        self._consumer.assign(places)

    def wait_for(self, key: bytes, mark: bytes) -> None:
        """Return when the reading is there. Raises Wrong."""
        deadline = time.monotonic() + _CARRIED_S
        while time.monotonic() < deadline:
            message = self._consumer.poll(0.2)
            if message is None or message.error():
                continue
            if message.key() == key and mark in (message.value() or b""):
                return
        raise Wrong(
            f"the broker has taken the reading, and it is not in Kafka after {_CARRIED_S:.0f} s: "
            "the bridge does not carry it",
            "`fieldline logs bridge` says why; `fieldline restart bridge`",
        )

    def close(self) -> None:
        self._consumer.close()


def _wait_for_row(stack: Stack, device: str, time_us: int, mark: int) -> None:
    import psycopg

    server = stack.plan.postgres
    with psycopg.connect(
        server.dsn("fieldline_reader"), password=server.password("fieldline_reader"),
        autocommit=True, connect_timeout=5, application_name="fieldline doctor",
    ) as connection:  # fmt: skip

        def asked(query: str) -> Any:
            row = connection.execute(query.encode(), (device, time_us / 1e6 - 1)).fetchone()
            return None if row is None else row[0]

        if not _within(_STORED_S, lambda: asked(_ROW) == mark):
            refused = asked(_REJECTED)
            if refused:
                raise Wrong(
                    f"the stream rejects the reading: {refused}",
                    "see `fieldline.rejected`; the clock of this machine may be wrong",
                )
            raise Wrong(
                f"the reading is in Kafka, and in no table after {_STORED_S:.0f} s: the stream "
                "does not store it",
                "`fieldline logs stream` says why; `fieldline restart stream`",
            )


_ROW = """
SELECT value::bigint FROM fieldline.reading
WHERE device = %s AND time >= to_timestamp(%s) ORDER BY time DESC LIMIT 1
"""
_REJECTED = """
SELECT reason FROM fieldline.rejected
WHERE device = %s AND time >= to_timestamp(%s) ORDER BY time DESC LIMIT 1
"""


def _within(seconds: float, true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
