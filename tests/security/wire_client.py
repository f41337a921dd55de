"""An MQTT client that says what it is told to, byte by byte, also what no library would.

Synchronous and pipelined: hundreds of publishes are on their way before the first answer is read,
so that a matrix of a hundred thousand takes seconds. Packets: MQTT 3.1.1 and 5.0, chapter 3.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

V311, V5 = 4, 5
NOT_AUTHORISED = 135
_PATIENCE_S = 20.0
_ALIAS = 0x23


@dataclass(frozen=True)
class Login:
    """Where to connect, and as whom: a user with a password, or certificate and key."""

    port: int
    ca: Path
    user: str = ""
    password: str = ""
    pair: tuple[Path, Path] | None = None


@dataclass(frozen=True)
class Will:
    """What the broker is to say when we vanish."""

    topic: bytes
    payload: bytes


class Closed(Exception):
    """The broker has ended the connection."""


class Client:
    """One connection; `code` is the broker's answer to CONNECT."""

    def __init__(
        self,
        login: Login,
        version: int = V5,
        *,
        client_id: str = "",
        will: Will | None = None,
        clean: bool = True,
    ) -> None:
        self.version = version
        self.heard: list[tuple[str, bytes]] = []
        self._read = bytearray()
        context = ssl.create_default_context(cafile=str(login.ca))
        if login.pair is not None:
            context.load_cert_chain(*login.pair)
        plain = socket.create_connection(("127.0.0.1", login.port), timeout=_PATIENCE_S)
        try:
            self._socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        except OSError:
            plain.close()
            raise
        flags = 0x02 if clean else 0
        body = text(client_id)
        if will is not None:
            flags |= 0x2C  # retained, QoS 1
            body += self._properties() + text(will.topic) + text(will.payload)
        if login.user:
            flags |= 0xC0
            body += text(login.user) + text(login.password)
        head = text("MQTT") + bytes([version, flags]) + struct.pack("!H", 300)
        self._send(0x10, head + self._properties(session=not clean) + body)
        kind, answer = self._packet()
        assert kind == 2, kind
        self.code = answer[1]

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self.close()

    def publish_all(
        self, topics: Sequence[str | bytes], payload: bytes, *, retain: bool = False
    ) -> list[int]:
        """Return the broker's reason for each (QoS 1); MQTT 3.1.1 tells none: always 0."""
        head = 0x33 if retain else 0x32
        packets = [
            packet(head, text(topic) + struct.pack("!H", n) + self._properties() + payload)
            for n, topic in enumerate(topics, 1)
        ]
        codes: dict[int, int] = {}
        for begin in range(0, len(packets), 100):
            self._socket.sendall(b"".join(packets[begin : begin + 100]))
            while len(codes) < min(begin + 100, len(packets)):
                number, code = self._acknowledged()
                codes[number] = code
        return [codes[n] for n in range(1, len(packets) + 1)]

    def publish(self, topic: str | bytes, payload: bytes = b"x", *, retain: bool = False) -> int:
        """Return the broker's reason; raises Closed."""
        return self.publish_all([topic], payload, retain=retain)[0]

    def publish_alias(self, topic: str, alias: int, payload: bytes) -> int:
        """Publish with a topic alias (MQTT 5): a topic sets it, an empty one uses it."""
        properties = bytes([3, _ALIAS]) + struct.pack("!H", alias)
        self._send(0x32, text(topic) + struct.pack("!H", 1) + properties + payload)
        return self._acknowledged()[1]

    def subscribe_all(self, filters: Sequence[str]) -> list[int]:
        """Return the broker's reason for each: below 128 it is granted."""
        codes: list[int] = []
        for begin in range(0, len(filters), 200):
            batch = filters[begin : begin + 200]
            asked = b"".join(text(one) + b"\x01" for one in batch)
            self._send(0x82, struct.pack("!H", 1) + self._properties() + asked)
            answer = self._until(9)
            codes += answer[-len(batch) :]
        return codes

    def subscribe(self, wanted: str) -> int:
        """Return the broker's reason; raises Closed."""
        return self.subscribe_all([wanted])[0]

    def hear_until(self, payload: bytes) -> list[tuple[str, bytes]]:
        """Return and forget all that came, up to a payload."""
        while not any(heard == payload for _, heard in self.heard):
            kind, body = self._packet()
            self._took(kind, body)
        heard, self.heard = self.heard, []
        return heard

    def settle(self) -> None:
        """Take in what is on its way: the broker answers a ping after it."""
        self._send(0xC0, b"")
        self._until(13)

    def vanish(self) -> None:
        """Break off, so that the will is said."""
        self._socket.close()

    def close(self) -> None:
        """Leave with a goodbye, if there is still somebody to take it."""
        try:
            self._send(0xE0, b"")
        except OSError:
            pass  # the broker was faster
        finally:
            self._socket.close()

    def _acknowledged(self) -> tuple[int, int]:
        body = self._until(4)
        return int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0

    def _until(self, wanted: int) -> bytes:
        while True:
            kind, body = self._packet()
            if kind == wanted:
                return body
            self._took(kind, body)

    def _took(self, kind: int, body: bytes) -> None:
        if kind == 14:
            raise Closed(f"the broker ends it, reason {body[0] if body else 0}")
        assert kind == 3, kind
        length = int.from_bytes(body[:2], "big")
        rest = body[2 + length :]
        # All that we are sent is QoS 0 or 1 with short properties.
        quality = self._quality
        if quality:
            self._send(0x40, rest[:2])
            rest = rest[2:]
        if self.version == V5:
            rest = rest[1 + rest[0] :]
        self.heard.append((body[2 : 2 + length].decode(), bytes(rest)))

    def _packet(self) -> tuple[int, bytes]:
        first = self._bytes(1)[0]
        length = shift = 0
        while True:
            byte = self._bytes(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        self._quality = first >> 1 & 3
        return first >> 4, self._bytes(length)

    def _bytes(self, count: int) -> bytes:
        while len(self._read) < count:
            try:
                more = self._socket.recv(65_536)
            except ConnectionError as error:
                raise Closed(str(error)) from None
            if not more:
                raise Closed("the broker has closed the connection")
            self._read += more
        found = bytes(self._read[:count])
        del self._read[:count]
        return found

    def _send(self, head: int, body: bytes) -> None:
        self._socket.sendall(packet(head, body))

    def _properties(self, *, session: bool = False) -> bytes:
        if self.version != V5:
            return b""
        return b"\x05\x11" + struct.pack("!I", 600) if session else b"\0"


def text(words: str | bytes) -> bytes:
    """A string as it is on the wire."""
    raw = words.encode() if isinstance(words, str) else words
    return struct.pack("!H", len(raw)) + raw


def packet(head: int, body: bytes) -> bytes:
    """A packet with its length."""
    length, left = bytearray(), len(body)
    while True:
        left, byte = left >> 7, left & 0x7F
        length.append(byte | (0x80 if left else 0))
        if not left:
            return bytes([head]) + bytes(length) + body
