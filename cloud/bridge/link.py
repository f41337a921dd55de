"""The bridge's connection to the MQTT broker: paho, with PUBLISH and PUBACK on a way of their own.

paho does the protocol: connecting, properties, subscriptions, keepalive, publishing receipts.
It is given a socket (framed_socket.py) that takes the PUBLISH packets out of what is received and
that gathers what is to be sent, so that a hundred acknowledgements are one TLS record.

No thread: the bridge's loop calls `read`, `flush` and `tick`.
"""

import logging
import ssl
import time
from pathlib import Path
from struct import Struct
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud.bridge.errors import FrameRefused, LinkFailed, SettingsUnusable
from cloud.bridge.framed_socket import FramedSocket
from cloud.bridge.frames import Handle
from cloud.bridge.settings import Mqtt
from cloud.tls import client_context
from wire import topics

_log = logging.getLogger(__name__)

MAXIMUM_PACKET_SIZE = 8 * 1024 * 1024
RECEIVE_MAXIMUM = 2000  # packs unacknowledged; the broker sends no more
_SESSION_S = 7 * 86_400  # the broker keeps what comes while the bridge is away
_KEEPALIVE_S = 10
_CONNECT_S = 2.0
_RECEIPTS_IN_FLIGHT = 100

_PINGREQ = b"\xc0\x00"
_PUBACK = Struct("!HH")


class Link:
    """A session with the broker. `number` counts connections: acknowledgements belong to one."""

    def __init__(self, settings: Mqtt, handle: Handle) -> None:
        self.number = 0
        self.failure: LinkFailed | None = None
        self.refused_receipts = 0
        self._settings = settings
        self._handle = handle
        self._socket: FramedSocket | None = None
        self._accepted = False
        self._receipts_in_flight = 0
        self._opened_at = self._pinged_at = 0.0
        self._client = self._make_client()

    @property
    def socket(self) -> ssl.SSLSocket | None:
        """The open socket, to wait on."""
        return self._socket

    @property
    def up(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._accepted and self._socket is not None

    @property
    def blocked(self) -> bool:
        """Whether a pack was left standing by `read(hold=True)`."""
        return self._socket is not None and self._socket.frames.blocked

    @property
    def wants_to_write(self) -> bool:
        """Whether `flush` left something."""
        return self._socket is not None and bool(self._socket.outgoing)

    def connect(self) -> None:
        """Connect, for two seconds at most; `up` follows when the broker has agreed."""
        self.failure = None
        self._accepted = False
        # Receipts on their way are told anew; paho would send the old ones once more.
        self._client.drop_out_messages()
        self._receipts_in_flight = 0
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = _SESSION_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        properties.MaximumPacketSize = MAXIMUM_PACKET_SIZE
        try:
            self._client.connect(
                self._settings.host,
                self._settings.port,
                keepalive=_KEEPALIVE_S,
                clean_start=False,
                properties=properties,
            )
        except (OSError, ValueError) as error:
            self._fail(str(error) or type(error).__name__)
        self.flush()

    def read(self, *, hold: bool) -> bool:
        """Receive and handle packets; returns whether there may be more at once.

        With `hold` no pack is taken.
        """
        sock = self._socket
        if sock is None:
            return False
        try:
            more = sock.take(hold=hold)
        except FrameRefused as error:
            self._fail(str(error))
            return False
        while self._socket is sock and (sock.frames.rest or sock.ended):
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        return more

    def acknowledge(self, mid: int) -> None:
        """Tell the broker that it may forget a pack; sent by `flush`."""
        if self._socket is not None:
            self._socket.outgoing += _PUBACK.pack(0x4002, mid)

    def flush(self) -> None:
        """Send what has been gathered."""
        if self._client.want_write():  # paho queues what it is told within its callbacks
            self._client.loop_write()
        if self._socket is not None and self._socket.outgoing:
            self._socket.flush()
            if self._socket.ended:
                self._fail("connection lost")

    def tick(self, now: float, *, hold: bool) -> None:
        """Keep the connection alive; call at least once a second.

        While held, the broker's answers to pings stand behind packs that we do not read: paho
        would take it for dead.
        """
        if self._socket is None:
            return
        if not self._accepted and not hold and now - self._opened_at > _CONNECT_S:
            self._fail("accepted the connection and then said nothing")
        elif not hold:
            self._client.loop_misc()
        elif now - self._pinged_at >= _KEEPALIVE_S / 2:
            self._pinged_at = now
            self._socket.send(_PINGREQ)

    @property
    def room_for_receipts(self) -> int:
        """How many receipts may be published now."""
        return _RECEIPTS_IN_FLIGHT - self._receipts_in_flight if self.up else 0

    def publish_receipt(self, device: str, payload: bytes, *, retain: bool) -> None:
        """Publish to a device; sent by `flush`."""
        self._receipts_in_flight += 1
        self._client.publish(topics.receipt(device), payload, qos=1, retain=retain)

    def ask_for_devices(self) -> None:
        """Subscribe to what devices say of themselves: the broker sends all that is retained.

        Not shared, since a shared subscription is given nothing retained; and QoS 0, so that
        nothing queues while the bridge is away: the newest is retained anyway.
        """
        self._client.subscribe(
            [
                (topics.all_devices(kind), SubscribeOptions(qos=0))
                for kind in (topics.Kind.STATUS, topics.Kind.META)
            ]
        )

    def close(self) -> None:
        """Say goodbye; the broker keeps the session."""
        if self._socket is not None:
            self._socket.patient = True
            self._client.disconnect()
            self.flush()
        self._drop()

    def abandon(self) -> None:
        """Close without a word: the broker sends again what is unacknowledged."""
        self._drop()

    def _make_client(self) -> paho.Client:
        settings = self._settings
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            protocol=paho.MQTTv5,
            manual_ack=True,
        )
        try:
            context = client_context(settings.ca)
        except OSError as error:
            raise SettingsUnusable("mqtt.ca", f"{settings.ca}: {error}") from error
        context.sslsocket_class = FramedSocket
        client.tls_set_context(context)
        try:
            password = Path(settings.password_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsUnusable("mqtt.password_file", str(error)) from error
        client.username_pw_set(settings.username, password)
        client.connect_timeout = _CONNECT_S
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _fail(self, reason: str) -> None:
        broker = f"{self._settings.host}:{self._settings.port}"
        self.failure = self.failure or LinkFailed(broker, reason)
        self._drop()

    def _drop(self) -> None:
        self._accepted = False
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _on_socket_open(self, _client: paho.Client, _data: object, sock: Any) -> None:
        self._socket = sock
        sock.attach(self._handle)
        self.number += 1
        self._opened_at = self._pinged_at = time.monotonic()

    def _on_socket_close(self, _client: paho.Client, _data: object, _sock: object) -> None:
        self._socket = None
        self._accepted = False

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, code: ReasonCode, _props: object
    ) -> None:
        if code.is_failure:
            self._fail(f"refused the connection: {code}")
            return
        self._accepted = True
        group = self._settings.group
        client.subscribe(
            [
                (topics.shared(group, topics.all_devices(kind)), SubscribeOptions(qos=1))
                for kind in (topics.Kind.DATA, topics.Kind.BACKFILL)
            ]
        )
        self.ask_for_devices()

    def _on_subscribe(
        self,
        _client: paho.Client,
        _data: object,
        _mid: int,
        codes: list[ReasonCode],
        _props: object,
    ) -> None:
        for code in codes:
            if code.is_failure:
                self._fail(f"refused a subscription: {code}; look at the bridge's access rules")
                return

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, code: ReasonCode, _props: object
    ) -> None:
        self._fail(f"connection lost: {code}")

    def _on_publish(
        self, _client: paho.Client, _data: object, _mid: int, code: ReasonCode, _props: object
    ) -> None:
        self._receipts_in_flight -= 1
        if code.is_failure:
            self.refused_receipts += 1
            if self.refused_receipts & (self.refused_receipts - 1) == 0:  # 1st, 2nd, 4th, 8th …
                _log.error(
                    "the broker refused a receipt: %s (%d so far)", code, self.refused_receipts
                )
