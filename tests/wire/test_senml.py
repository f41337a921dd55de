import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.pack import PackRefused, decode_pack
from wire.senml import SenMLRefused, resolve

CASES = Path(__file__).parent / "cases"
RFC_8428 = sorted((CASES / "senml").iterdir())
REFUSED = sorted((CASES / "refused").iterdir())
NOW_S = 1_600_000_000
NOW = NOW_S * 1_000_000
OTHER_DEVICES = "5.1.6-collection-of-resources"


def microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


def rounded(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Times are compared as microseconds: adding seconds as doubles is not exact."""
    return [record | {"t": microseconds(record["t"])} for record in records]


def stored(records: list[dict[str, Any]]) -> Iterator[tuple[str, int, float | str, str]]:
    """What this project keeps of resolved records: numbers, strings, booleans and sums."""
    for record in records:
        unit = record.get("u", "")
        for label in ("v", "vs", "vb"):
            if label in record:
                yield record["n"], microseconds(record["t"]), record[label], unit
        if "s" in record:
            sum_unit = f"{unit}.s" if unit else "s"
            yield record["n"] + "/sum", microseconds(record["t"]), record["s"], sum_unit


@pytest.mark.parametrize("case", RFC_8428, ids=lambda case: case.name)
def test_a_pack_resolves_as_rfc_8428_has_it(case: Path) -> None:
    resolved = json.loads((case / "resolved.json").read_bytes())
    assert rounded(resolve((case / "pack.json").read_bytes(), now=NOW_S)) == rounded(resolved)


@pytest.mark.parametrize(
    "case", [case for case in RFC_8428 if case.name != OTHER_DEVICES], ids=lambda case: case.name
)
def test_the_quick_decoder_reads_what_the_plain_one_resolves(case: Path) -> None:
    resolved = json.loads((case / "resolved.json").read_bytes())
    pack = decode_pack("pi-7", (case / "pack.json").read_bytes(), received_utc=NOW)
    readings = [(r.channel, r.time_utc, r.value, r.unit) for r in pack.readings]
    assert sorted(map(repr, readings)) == sorted(
        repr((name, time, float(value) if type(value) is int else value, unit))
        for name, time, value, unit in stored(resolved)
    )
    assert [refusal.detail for refusal in pack.refused] == [
        "data values (vd) are not stored" for record in resolved if "vd" in record
    ]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_faulty_pack_is_refused_with_its_reason(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_bytes())
    payload = (case / "pack.json").read_bytes()
    if "pack" in expected:
        with pytest.raises(PackRefused) as refused:
            decode_pack("pi-7", payload, received_utc=NOW)
        assert refused.value.reason == expected["pack"]
        assert refused.value.detail
    else:
        pack = decode_pack("pi-7", payload, received_utc=NOW)
        assert [[r.record, r.reason] for r in pack.refused] == expected["records"]
        assert all(refusal.detail for refusal in pack.refused)
        assert [reading.channel for reading in pack.readings] == expected["channels"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b"\xff",
        b'[{"n":"a"}]',
        b'[{"n":"a","v":"1"}]',
        b'[{"n":"a","v":1,"vs":"1"}]',
        b'[{"n":"a","v":1,"x_":"1"}]',
        b'[{"n":"a","v":1,"bver":11}]',
        b'[{"n":"a","v":1,"bver":0}]',
        b'[{"n":"a","v":1},{"bver":5}]',
        b"[" * 10_000,
    ],
)
def test_what_is_not_senml_is_not_resolved(payload: bytes) -> None:
    with pytest.raises(SenMLRefused):
        resolve(payload)


@given(st.binary(max_size=200))
def test_the_plain_resolver_raises_nothing_but_a_refusal(payload: bytes) -> None:
    with contextlib.suppress(SenMLRefused):
        resolve(payload)


def test_without_now_relative_times_stay_relative() -> None:
    assert resolve(b'[{"n":"a","t":-5,"v":1}]') == [{"n": "a", "t": -5.0, "v": 1.0}]
