"""Hears the devices at the broker, with a login that the API draws for this panel."""

import ssl
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from control_panel.client.api import Api, route
from control_panel.client.connections import trusting
from control_panel.client.errors import ClientError
from control_panel.client.inbox import Heard, Inbox, Link
from control_panel.model.things import LiveLogin
from wire.errors import WireError
from wire.topics import parse

LINK = "live"
_KEEPALIVE_S = 20
_CONNECT_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0


class Live:
    """A thread that keeps a connection to the broker; what it hears goes into the inbox."""

    def __init__(self, api: Api, inbox: Inbox) -> None:
        self._api = api
        self._inbox = inbox
        self._stopped = threading.Event()
        self._ended = threading.Event()
        self._why = ""
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End without waiting."""
        self._stopped.set()
        self._ended.set()

    def _run(self) -> None:
        pause = _FIRST_PAUSE_S
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                # Drawn each time: whoever was away for long may find the old one withdrawn.
                login = self._api.post(route("live"), LiveLogin)
                said, fix = self._listen(login), "It is tried again by itself"
            except ClientError as error:
                said, fix = error.said, error.fix
            if self._stopped.is_set():
                return
            self._inbox.link(Link(LINK, False, said, fix))
            if time.monotonic() - began > _LONGEST_PAUSE_S:
                pause = _FIRST_PAUSE_S
            self._stopped.wait(pause)
            pause = min(_LONGEST_PAUSE_S, pause * 2)

    def _listen(self, login: LiveLogin) -> str:
        """Listen until the connection is lost; say why it was."""
        self._ended.clear()
        self._why = ""
        client = connecting(login)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._heard
        client.user_data_set(login.topics)
        where = f"the broker at {login.host}:{login.port}"
        try:
            client.connect(login.host, login.port, keepalive=_KEEPALIVE_S)
        except (OSError, ssl.SSLError) as error:
            return f"{where} cannot be reached ({error})"
        client.loop_start()
        try:
            self._ended.wait()
        finally:
            client.disconnect()
            client.loop_stop()
        return f"{where}: {self._why}"

    def _connected(
        self, client: mqtt.Client, topics: Any, _flags: Any, reason: ReasonCode, _: Any
    ) -> None:
        if reason.is_failure:
            self._end(f"it does not let this panel in ({reason})")
            return
        client.subscribe([(topic, SubscribeOptions(qos=0)) for topic in topics])
        self._inbox.link(Link(LINK, up=True))

    def _disconnected(
        self, _client: mqtt.Client, _topics: Any, _flags: Any, reason: ReasonCode, _: Any
    ) -> None:
        self._end(f"the connection was lost ({reason})")

    def _end(self, why: str) -> None:
        self._why = self._why or why
        self._ended.set()

    def _heard(self, _client: mqtt.Client, _topics: Any, message: mqtt.MQTTMessage) -> None:
        try:
            device, kind = parse(message.topic)
        except WireError:
            return  # the topics that were granted name no others
        now_utc = self._api.connections.clock.now_utc()
        self._inbox.hear(Heard(device, kind, bytes(message.payload), now_utc))


def connecting(login: LiveLogin) -> mqtt.Client:
    """Return a client for this login that has not connected yet. Raises NotTrusted."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False
    )
    client.connect_timeout = _CONNECT_S
    client.tls_set_context(trusting(login.ca))
    client.username_pw_set(login.username, login.password)
    return client
