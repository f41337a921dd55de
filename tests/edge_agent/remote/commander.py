"""Plays the API honestly: gives a device commands and configuration, hears its answers."""

from __future__ import annotations

import ssl
import threading
import time
import uuid
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from cloud.stack import accounts
from tests.servers import Broker
from tests.waiting import eventually
from wire import topics
from wire.command import Command, Reply, decode_reply, encode_command
from wire.configuration import Reported, decode_reported
from wire.status import Status, decode_status


class Commander:
    """`replies` by id, in the order of their coming."""

    def __init__(self, broker: Broker, device: str) -> None:
        self.device = device
        self.replies: list[Reply] = []
        self.reported: list[Reported] = []
        self.statuses: list[Status] = []
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"api-of-{device}", protocol=paho.MQTTv5
        )
        self._client.tls_set_context(ssl.create_default_context(cafile=broker.ca))
        self._client.username_pw_set(accounts.CONTROL, broker.password_of(accounts.CONTROL))
        self._client.on_message = self._take
        self._client.on_connect = self._connected
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert self._subscribed.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for topic in (topics.config_desired(self.device), topics.config_reported(self.device)):
            self._client.publish(topic, b"", qos=1, retain=True)
        self._client.disconnect()
        self._client.loop_stop()

    def ask(self, command: str, *, identity: str = "", late_s: float = -60, **said: Any) -> Reply:
        """Give a command; the device's answer."""
        identity = identity or uuid.uuid4().hex
        before = len(self.replies)
        message = Command(identity, command, time.time() - late_s, said)
        self.publish(topics.cmd(self.device), encode_command(message))
        return eventually(
            lambda: [r for r in self.replies[before:] if r.id == identity],
            what=f"an answer to {command}",
        )[0]

    def desire(self, payload: bytes) -> None:
        """Say, retained, what the device should do."""
        self.publish(topics.config_desired(self.device), payload, retain=True)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def _connected(self, client: paho.Client, *_: object) -> None:
        kinds = ("cmd/reply", "config/reported", "status")
        client.subscribe([(topics.all_devices(kind), 1) for kind in kinds])

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        device, kind = topics.parse(message.topic)
        if device != self.device or not message.payload:
            return
        payload = bytes(message.payload)
        match kind:
            case topics.Kind.CMD_REPLY:
                self.replies.append(decode_reply(payload))
            case topics.Kind.CONFIG_REPORTED:
                self.reported.append(decode_reported(payload))
            case topics.Kind.STATUS:
                self.statuses.append(decode_status(payload))
