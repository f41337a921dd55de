from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from wire.configuration import (
    Calibration,
    Desired,
    Reported,
    SourceConfiguration,
    decode_desired,
    decode_reported,
    encode_desired,
    encode_reported,
)
from wire.errors import MessageRefused

words = st.from_regex(r"\A[A-Za-z0-9][a-z0-9./_-]{0,20}\Z")
calibrations = st.builds(Calibration, st.floats(-1e15, 1e15).filter(bool), st.floats(-1e15, 1e15))
sources = st.dictionaries(
    words,
    st.builds(
        SourceConfiguration,
        st.just(UNSET) | st.booleans(),
        st.just(UNSET) | st.floats(1e-3, 86_400),
        st.dictionaries(words, calibrations, max_size=2),
    ),
    max_size=3,
)
versions = st.integers(0, 2**62)


@given(st.builds(Desired, versions, sources))
def test_a_desired_configuration_survives_the_wire(desired: Desired) -> None:
    assert decode_desired(encode_desired(desired)) == desired


@given(st.builds(Reported, versions, st.booleans(), words, sources))
def test_a_reported_configuration_survives_the_wire(reported: Reported) -> None:
    assert decode_reported(encode_reported(reported)) == reported


@given(st.binary(max_size=60))
def test_any_bytes_are_a_configuration_or_refused(payload: bytes) -> None:
    with contextlib.suppress(MessageRefused):
        assert decode_desired(payload).version >= 0


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b'{"sources":{}}', "version"),
        (b'{"version":-1}', ">= 0"),
        (b'{"version":1,"source":{}}', "unknown field `source`"),
        (b'{"version":1,"sources":{"a":{"of":true}}}', "unknown field `of`"),
        (b'{"version":1,"sources":{"a":{"interval_s":0}}}', "> 0"),
        (b'{"version":1,"sources":{"a":{"calibration":{"c":{"factor":0}}}}}', "factor of 0"),
        (b'{"version":1,"sources":{"a":{"calibration":{"c":{"factor":1e999}}}}}', "refused|range"),
        (b'{"version":1,"sources":{"a":{"calibration":{"c d":{}}}}}', "no name for a channel"),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_reason(payload: bytes, sentence: str) -> None:
    with pytest.raises(MessageRefused, match=sentence):
        decode_desired(payload)
