"""Takes PUBLISH packets out of the bytes that an MQTT 5 broker sends.

Why paho does not do this: it reads a packet by three or more calls of `recv`, builds a message
object, a property object and a log line of it, takes five locks, and writes each acknowledgement
as a TLS record of its own. Measured through a broker with TLS: 35 µs a message for that alone; the
whole bridge, Kafka's client included, now needs 18. All but PUBLISH is left to paho.

Format: MQTT 5.0, 2.1.4 (remaining length), 3.3 (PUBLISH). Pure, no IO.
"""

from collections.abc import Callable

from cloud.bridge.errors import FrameRefused

_PUBLISH = 0x30
_QOS = 0x06

Handle = Callable[[bytes, int, bytes], None]
"""Called with topic, packet identifier (0 for QoS 0) and payload."""


class Frames:
    """Bytes in; PUBLISH packets to `handle`, all other packets to `rest`, each whole."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._buffer = bytearray()
        self._wanted = 2  # no packet can be complete with less
        self.rest = bytearray()
        self.blocked = False  # a PUBLISH stands at the front and must wait

    def feed(self, data: bytes, *, hold: bool = False) -> None:
        """Take bytes in and handle every packet that is complete.

        With `hold`, stop before the first PUBLISH: `blocked` becomes true, and stays so until
        the next call without `hold`. Raises FrameRefused.
        """
        buffer = self._buffer
        buffer += data
        if not hold:
            self.blocked = False
        at, size = 0, len(buffer)
        if size < self._wanted:  # in the middle of a large packet
            return
        self._wanted = 2
        while size - at >= 2:
            start = at + 2
            length = buffer[at + 1]
            if length > 127:
                length, start = _number(buffer, at + 1, size)
                if start < 0:
                    break
            end = start + length
            kind = buffer[at]
            if kind & 0xF0 == _PUBLISH and hold:
                self.blocked = True
                break
            if end > size:
                self._wanted = end - at
                break
            if kind & 0xF0 == _PUBLISH:
                self._publish(kind, start, end)
            else:
                self.rest += buffer[at:end]
            at = end
        del buffer[:at]

    def _publish(self, kind: int, start: int, end: int) -> None:
        buffer = self._buffer
        if end - start < 3:
            raise FrameRefused("PUBLISH too short")
        topic_end = start + 2 + (buffer[start] << 8 | buffer[start + 1])
        at = topic_end
        mid = 0
        if kind & _QOS:
            if at + 2 > end:
                raise FrameRefused("PUBLISH too short")
            mid = buffer[at] << 8 | buffer[at + 1]
            at += 2
        if at >= end:
            raise FrameRefused("PUBLISH without properties")
        properties = buffer[at]
        at += 1
        if properties:
            if properties > 127:
                properties, at = _number(buffer, at - 1, end)
                if at < 0:
                    raise FrameRefused("properties without end")
            at += properties
            if at > end:
                raise FrameRefused("properties longer than the packet")
        self._handle(bytes(buffer[start + 2 : topic_end]), mid, bytes(buffer[at:end]))


def _number(buffer: bytearray, at: int, size: int) -> tuple[int, int]:
    """Decode a variable byte integer; return it and where it ends, or -1 if it does not yet."""
    value = 0
    for i in range(4):
        if at + i >= size:
            return 0, -1
        byte = buffer[at + i]
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value, at + i + 1
    raise FrameRefused("a length of more than four bytes")
