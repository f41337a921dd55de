"""Raw messages to be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.decoding import MOST_LINES, decoded, dump
from wire.errors import WireError
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality
from wire.topics import Kind

NOW = 1_795_400_000_000_000


def test_a_pack_is_its_readings_and_json_is_indented() -> None:
    payload = encode_pack(
        "pi-7", [Reading("heat", NOW, 21.5, "Cel"), Reading("door", NOW, True)],
        epoch="k" * 16, sequence=42, quality=TimeQuality.SYNCED,
    )  # fmt: skip
    text = decoded("pi-7", Kind.DATA, payload, NOW)
    assert "pack 42, 2 readings" in text
    assert "heat = 21.5 Cel" in text
    assert "door = True" in text
    assert decoded("pi-7", "status", b'{"a":1}', NOW) == '{\n  "a": 1\n}'
    assert decoded("pi-7", "status", b"", NOW) == ""


@pytest.mark.parametrize(
    ("kind", "payload"), [("data", b"{}"), ("status", b"\xff"), ("meta", b"{")]
)
def test_garbage_says_why(kind: str, payload: bytes) -> None:
    with pytest.raises(WireError):
        decoded("pi-7", kind, payload, NOW)


@given(st.binary(max_size=100))
def test_all_bytes_can_be_read_back(payload: bytes) -> None:
    octets = bytes.fromhex("".join(line[8:55] for line in dump(payload).splitlines()))
    assert octets == payload


def test_long_ones_are_cut_and_say_so() -> None:
    assert "5 more bytes" in dump(bytes(16 * MOST_LINES + 5))
