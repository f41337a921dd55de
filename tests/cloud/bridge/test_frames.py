"""PUBLISH packets are taken out of the stream, however it is cut; the rest is left untouched."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.bridge.errors import FrameRefused
from cloud.bridge.frames import Frames

Message = tuple[bytes, int, bytes]


def number(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 127
        out.append(low | (128 if value else 0))
        if not value:
            return bytes(out)


def publish(topic: bytes, mid: int, payload: bytes, properties: bytes = b"", dup: int = 0) -> bytes:
    """MQTT 5.0, 3.3."""
    body = struct.pack("!H", len(topic)) + topic
    if mid:
        body += struct.pack("!H", mid)
    body += number(len(properties)) + properties + payload
    return bytes([0x30 | dup << 3 | (2 if mid else 0)]) + number(len(body)) + body


def other(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + number(len(body)) + body


messages = st.tuples(
    st.binary(max_size=40),
    st.integers(0, 65_535),
    st.one_of(st.binary(max_size=300), st.integers(16_000, 40_000).map(bytes)),
)
packets = st.one_of(
    st.tuples(st.just("publish"), messages, st.binary(max_size=200), st.integers(0, 1)),
    st.tuples(
        st.just("other"),
        st.sampled_from([0x20, 0x40, 0x90, 0xD0, 0xE0]),
        st.binary(max_size=200),
    ),
)


@given(st.lists(packets, max_size=12), st.data())
def test_however_the_stream_is_cut_each_message_comes_once_and_whole(
    happenings: list[tuple[object, ...]], data: st.DataObject
) -> None:
    stream, rest = b"", b""
    expected: list[Message] = []
    for happening in happenings:
        match happening:
            case ("publish", (bytes(topic), int(mid), bytes(payload)), bytes(props), int(dup)):
                expected.append((topic, mid, payload))
                stream += publish(topic, mid, payload, props, dup)
            case ("other", int(kind), bytes(body)):
                stream += other(kind, body)
                rest += other(kind, body)
    got: list[Message] = []
    frames = Frames(lambda *message: got.append(message))
    while stream:
        size = data.draw(st.integers(1, max(1, min(len(stream), 20_000))))
        hold = data.draw(st.booleans())
        before = len(got)
        frames.feed(stream[:size], hold=hold)
        stream = stream[size:]
        if hold:
            assert len(got) == before
    frames.feed(b"")
    assert got == expected
    assert frames.rest == rest
    assert not frames.blocked


def test_what_stands_before_a_held_message_is_let_through() -> None:
    got: list[Message] = []
    frames = Frames(lambda *message: got.append(message))
    connack, pingresp = other(0x20, b"\0\0\0"), other(0xD0, b"")
    frames.feed(connack + publish(b"t", 1, b"x") + pingresp, hold=True)
    assert (bytes(frames.rest), len(got), frames.blocked) == (connack, 0, True)
    frames.feed(b"")
    assert (bytes(frames.rest), frames.blocked) == (connack + pingresp, False)
    assert got == [(b"t", 1, b"x")]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"\x32\x02\x00\x00", id="no identifier"),
        pytest.param(b"\x32\x04\x00\x01t\x00", id="half an identifier"),
        pytest.param(b"\x32\x05\x00\x01t\x00\x01", id="no properties"),
        pytest.param(b"\x32\x06\x00\x01t\x00\x01\x05", id="properties longer than the packet"),
        pytest.param(b"\x32\x07\x00\x01t\x00\x01\xff\xff", id="properties without end"),
        pytest.param(b"\x32\x05\x00\x09t\x00\x01", id="topic longer than the packet"),
        pytest.param(b"\x32\xff\xff\xff\xff\x01", id="length of five bytes"),
    ],
)
def test_what_is_no_packet_is_refused(packet: bytes) -> None:
    frames = Frames(lambda *_: None)
    with pytest.raises(FrameRefused):
        frames.feed(packet)
