"""One connection to the broker, from its making to its loss; a new connection is a new Link.

paho's own thread is not used: its loop is driven from `poll`, so that one thread sends, receives
and decides, and nothing here needs a lock. A new client for each connection keeps paho from
sending again by itself what the buffer will send again.
"""

import contextlib
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.errors import AgentError
from edge_agent.sinks.mqtt.settings import Settings
from edge_agent.tls import client_context

CONNECT_S = 5.0
SESSION_S = 24 * 3600
IN_FLIGHT = 20
"""Unacknowledged messages at most: Mosquitto's own default, and enough at any distance."""


class LinkFailed(AgentError):
    """There is no connection; `patient` if trying again at once would be of no use."""

    def __init__(self, reason: str, *, patient: bool = False) -> None:
        super().__init__(reason)
        self.patient = patient


class Acknowledged(NamedTuple):
    """The broker has answered message `mid`: MQTT 5 reason code and its name."""

    mid: int
    code: int
    name: str


class Received(NamedTuple):
    """A message has come."""

    topic: str
    payload: bytes


class Subscribed(NamedTuple):
    """The broker has answered the subscription: the topics that it refuses, each with why."""

    refused: dict[str, str]


Event = Acknowledged | Received | Subscribed


class Waker:
    """Lets another thread end a `poll` early."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable."""
        return self._read

    def wake(self) -> None:
        """End the poll that is going on, or the next one; nothing if there will be none."""
        with self._lock, contextlib.suppress(BlockingIOError):  # it is full of wake-ups already
            if not self._closed:  # by now the descriptor may be another file's
                os.write(self._write, b"!")

    def drain(self) -> None:
        """Forget the wake-ups."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)

    def close(self) -> None:
        """Release the descriptors."""
        with self._lock:
            self._closed = True
            os.close(self._read)
            os.close(self._write)


def _ended(settings: Settings, where: str, error: LinkFailed) -> str:
    # In TLS 1.3 a client believes to be connected before the server looks at its certificate.
    said = f"the broker at {where} ended the connection before it let this device in ({error})"
    if not settings.tls:
        return said
    if settings.certificate:
        return f"{said}. Does it trust the CA of [mqtt] certificate, and is that still valid?"
    return f"{said}. Does it demand a certificate? Then run `fieldline-agent enrol`"


class Link:
    """A live connection; raises LinkFailed wherever it turns out not to be."""

    def __init__(
        self,
        settings: Settings,
        device: str,
        will: tuple[str, bytes] | None,
        waker: Waker,
        *,
        probe: str = "",
    ) -> None:
        """Connect, or raise LinkFailed with a sentence saying why it can't be.

        A `probe` is a word that makes this a connection beside the agent's own: it leaves that
        one and its session alone, and has none itself.
        """
        if not settings.host:
            raise LinkFailed(
                "this device is not enrolled yet. Run `fieldline-agent enrol` with the code that"
                " `fieldline device enrol NAME` shows on the server",
                patient=True,
            )
        self._session_s = 0 if probe else SESSION_S
        self._events: list[Event] = []
        self._subscribed: tuple[str, ...] = ()
        self._lost = ""
        self._connack: tuple[ReasonCode, Properties | None] | None = None
        self._waker = waker
        self._client = self._make(settings, device, f"{device}~{probe}" if probe else device, will)
        self._misc_at = time.monotonic() + 1.0
        where = f"{settings.host}:{settings.port}"
        try:
            self._open(settings, where)
        except BaseException:
            self.drop()
            raise

    def _make(
        self, settings: Settings, device: str, client_id: str, will: tuple[str, bytes] | None
    ) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(0)  # whoever uses the link keeps to `in_flight`
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        reading = ""
        try:
            if not settings.certificate:
                password = None
                if reading := settings.password_file:
                    password = Path(reading).read_text(encoding="utf-8").strip()
                client.username_pw_set(settings.username or device, password)
            if settings.tls:
                reading = settings.ca
                context = client_context(settings.ca)
                if reading := settings.certificate:
                    context.load_cert_chain(settings.certificate, settings.key)
                client.tls_set_context(context)
        except (OSError, ssl.SSLError) as error:
            msg = f"cannot use {reading}: {error}"
            raise LinkFailed(
                f"{msg}. Check [mqtt] ca, password_file, certificate and key", patient=True
            ) from None
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _open(self, settings: Settings, where: str) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session_s
        try:
            self._client.connect(
                settings.host,
                settings.port,
                keepalive=settings.keepalive_s,
                clean_start=not self._session_s,
                properties=properties,
            )
        except ssl.SSLCertVerificationError as error:
            raise LinkFailed(
                f"the broker at {where} has a certificate that is not to be trusted"
                f" ({error.verify_message}). Check [mqtt] ca, host, and this machine's clock",
                patient=True,
            ) from None
        except ssl.SSLError as error:
            raise LinkFailed(
                f"no TLS with the broker at {where} ({error.reason or error})."
                " Is this its TLS port, and does it know this device's certificate?",
                patient=True,
            ) from None
        except socket.gaierror as error:
            raise LinkFailed(
                f"the name {settings.host!r} of the broker cannot be resolved ({error.strerror})."
                " Check [mqtt] host and the network"
            ) from None
        except (OSError, ValueError) as error:
            text = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise LinkFailed(f"the broker at {where} cannot be reached ({text})") from None
        deadline = time.monotonic() + CONNECT_S
        while self._connack is None:
            if time.monotonic() >= deadline:
                raise LinkFailed(f"the broker at {where} does not answer")
            try:
                self._turn(0.1)
            except LinkFailed as error:
                if self._connack is None:  # else it was refused, and the connection closed after it
                    raise LinkFailed(_ended(settings, where, error)) from None
        code, granted = self._connack
        if code.is_failure:
            raise LinkFailed(
                f"the broker at {where} refuses {settings.username or 'the device'}: {code}."
                " Check that the device is registered and not revoked, and [mqtt] certificate, or"
                " username and password_file",
                patient=True,
            )
        self.in_flight = min(IN_FLIGHT, getattr(granted, "ReceiveMaximum", IN_FLIGHT))
        self.largest: int = getattr(granted, "MaximumPacketSize", 268_435_455)

    def subscribe(self, *topics: str) -> None:
        """Ask for the messages of topics; again only when the broker has answered."""
        self._subscribed = topics
        self._client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics])

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Send a message (QoS 1); returns the number its acknowledgement will have."""
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        if self._lost:
            raise LinkFailed(self._lost)
        return info.mid

    def poll(self, timeout: float) -> Iterable[Event]:
        """Wait until something happens, `timeout` seconds at most; return what has."""
        if not self._events:
            self._turn(timeout)
        events, self._events = self._events, []
        return events

    def _turn(self, timeout: float) -> None:
        sock = self._client.socket()
        if self._lost or sock is None:
            raise LinkFailed(self._lost or "the connection to the broker is lost")
        pending = getattr(sock, "pending", None)  # TLS may have decrypted more than was read
        if pending is not None and pending() > 0:
            timeout = 0.0
            self._client.loop_read()
        else:
            writing = [sock] if self._client.want_write() else []
            wakes = self._waker.fileno()
            readable, writable, _ = select.select([sock.fileno(), wakes], writing, [], timeout)
            if wakes in readable:
                self._waker.drain()
            if sock.fileno() in readable:
                self._client.loop_read()
            if writable:
                self._client.loop_write()
        now = time.monotonic()
        if now >= self._misc_at:
            self._misc_at = now + 1.0
            self._client.loop_misc()
        if self._lost:
            raise LinkFailed(self._lost)

    def close(self) -> None:
        """Say goodbye; the will is not published."""
        self._client.disconnect()
        self.drop()

    def drop(self) -> None:
        """Cut the connection."""
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    # -- paho's callbacks: they only take note -------------------------------------------------

    def _on_connect(
        self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._connack = (code, properties)

    def _on_disconnect(
        self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        why = {
            142: "another client has logged in under this device's name",
            149: "a packet was larger than the broker takes",
        }.get(code.value, str(code))
        self._lost = f"the connection to the broker is lost ({why})"

    def _on_publish(
        self, _client: Any, _data: Any, mid: int, code: ReasonCode, _properties: Any
    ) -> None:
        self._events.append(Acknowledged(mid, code.value, str(code)))

    def _on_subscribe(
        self, _client: Any, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        answers = zip(self._subscribed, codes, strict=True)
        self._events.append(Subscribed({t: str(code) for t, code in answers if code.is_failure}))

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._events.append(Received(message.topic, bytes(message.payload)))
