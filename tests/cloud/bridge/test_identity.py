"""The identity of a pack, read from its first record alone, is the one that decoding finds."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.bridge.identity import identify
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

EPOCH = "k3v9x0q2m4t7a1zz"


@given(
    st.integers(0, 2**62), st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=16, max_size=16)
)
def test_a_pack_of_ours_is_identified(sequence: int, epoch: str) -> None:
    readings = [Reading("gas/co", 1_795_400_000_000_000 + i, float(i), "ppm") for i in range(3)]
    payload = encode_pack(
        "pi-7", readings, epoch=epoch, sequence=sequence, quality=TimeQuality.SYNCED
    )
    assert identify(payload) == (epoch, sequence)


@pytest.mark.parametrize(
    "text",
    [
        ' [ {"sq": 3 , "ep":"k3v9x0q2m4t7a1zz", "n":"a","v":1} ]',
        '[{"n":"a","vs":"}{\\"}","ep":"k3v9x0q2m4t7a1zz","sq":3},{"v":1}]',
        '[{"n":"a","x":{"y":{}},"ep":"k3v9x0q2m4t7a1zz","sq":3}]',
    ],
)
def test_it_is_found_whatever_stands_around_it(text: str) -> None:
    json.loads(text)
    assert identify(text.encode()) == (EPOCH, 3)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{" + b"}" * 100_000,
        b'[{"n":"a","v":1}]',
        b'[{"ep":"k3v9x0q2m4t7a1zz","v":1}]',
        b'[{"sq":3,"v":1}]',
        b'[{"ep":"short","sq":3}]',
        b'[{"ep":"k3v9x0q2m4t7a1zz","sq":-1}]',
        b'[{"ep":"k3v9x0q2m4t7a1zz","sq":1.5}]',
        b'[{"ep":"k3v9x0q2m4t7a1zz","sq":4611686018427387905}]',
        b'[{"ep":7,"sq":3}]',
        b'[{"v":1},{"ep":"k3v9x0q2m4t7a1zz","sq":3}]',
    ],
)
def test_a_payload_without_identity_has_none(payload: bytes) -> None:
    assert identify(payload) is None
