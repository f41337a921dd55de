"""From records to a part: whatever is in them, nothing raises and nothing is dropped silently."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloud.spark import part
from cloud.spark.batch import advance
from cloud.spark.copy_rows import ROW, times_of
from cloud.spark.decode import Range, Record, Request, decode_records, identity
from wire.pack import PackRefused, decode_columns, encode_pack
from wire.reading import Reading, TimeQuality

NOW = 1_795_400_000_000_000
REQUEST = Request(NOW, 10**6, 10**6)
EPOCH = "k3v9x0q2m4t7a1zz"


def record(value: bytes | None, *, offset: int = 0, key: bytes | None = b"pi-7") -> Record:
    return Record("fieldline.packs", 0, offset, NOW, key, value, b"mqtt:fieldline/v1/pi-7/data")


def pack(sequence: int, *values: float | str | bool, epoch: str = EPOCH) -> bytes:
    readings = [Reading("a/b", NOW - 10**6 * n, value, "V") for n, value in enumerate(values)]
    return encode_pack("pi-7", readings, epoch=epoch, sequence=sequence, quality=TimeQuality.SYNCED)


def rows_of(data: bytes) -> Any:
    return part.array(data, ROW)


def says_something(value: bytes | None) -> bool:
    """Whether it holds a reading or a fault; base fields alone are neither (docs/protocols.md)."""
    try:
        columns = decode_columns("pi-7", value or b"", received_utc=NOW)
    except PackRefused:
        return True
    return bool(columns.channels or columns.refused)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.binary(max_size=60)
            | st.recursive(
                st.none() | st.booleans() | st.floats() | st.text(max_size=8),
                lambda inner: (
                    st.lists(inner, max_size=4)
                    | st.dictionaries(
                        st.sampled_from(["n", "bn", "t", "v", "vs", "ep", "sq", "bt", "u", "x_"]),
                        inner,
                    )
                ),
                max_leaves=8,
            ).map(lambda value: json.dumps(value).encode())
            | st.none(),
            st.binary(max_size=8) | st.just(b"pi-7") | st.none(),
        ),
        max_size=6,
    )
)
@example([(b"[{}]", b"pi-7")])
@example([(b"[" * 100_000, b"pi-7")])
@example([(b'[{"n":"x","vs":"\\ud800"}]', b"pi-7")])
@example([(b'[{"n":"x","vs":"\\u0000","u":"\\u0000"}]', b"pi-7")])
@example([(b'[{"n":"x","v":1e999}]', b"pi-\0")])
def test_no_bytes_raise(some: list[tuple[bytes | None, bytes | None]]) -> None:
    records = [record(value, key=key, offset=n) for n, (value, key) in enumerate(some)]
    made = decode_records(records, REQUEST)
    assert part.decode(part.encode(made)) == made
    assert made.records == len(records)
    told = {rejection.offset for rejection in made.rejections}
    stored = len(made.packs) + made.repeated
    assert len(told) + stored >= len([value for value, _ in some if says_something(value)])
    for rejection in made.rejections:
        rejection.reason.encode()
        assert "\0" not in rejection.reason + rejection.device + rejection.origin


def test_a_pack_twice_is_taken_once() -> None:
    made = decode_records([record(pack(0, 1.0)), record(pack(0, 1.0), offset=1)], REQUEST)
    assert (len(made.packs), made.repeated, len(rows_of(made.rows))) == (1, 1, 1)


def test_two_readings_of_one_instant_in_a_pack_are_both_kept() -> None:
    readings = [Reading("a", NOW, 1.0), Reading("a", NOW, 2.0)]
    payload = encode_pack("pi-7", readings, epoch=EPOCH, sequence=0, quality=TimeQuality.SYNCED)
    assert len(rows_of(decode_records([record(payload)], REQUEST).rows)) == 2


def test_rows_are_sorted_and_carry_their_pack() -> None:
    made = decode_records([record(pack(0, 1, 2, 3)), record(pack(1, 4, True), offset=1)], REQUEST)
    rows = rows_of(made.rows)
    assert (np.diff(times_of(rows)) >= 0).all()
    assert sorted(part.array(made.row_packs, np.int32).tolist()) == [0, 0, 0, 1, 1]
    assert sorted(rows["value"].tolist()) == [1.0, 1.0, 2.0, 3.0, 4.0]


def test_strings_and_foreign_readings_go_their_own_way() -> None:
    foreign = b'[{"n":"a","vs":"text"},{"n":"b","v":3}]'
    made = decode_records([record(pack(0, "text", 1.0)), record(foreign, offset=1)], REQUEST)
    assert [(text.pack, text.text) for text in made.texts] == [(0, "text"), (1, "text")]
    assert len(rows_of(made.rows)) == len(rows_of(made.foreign)) == 1
    assert made.packs[1].epoch is None


def test_a_pack_refused_as_a_whole_counts_by_its_identity() -> None:
    payload = pack(7, 1.0).replace(b"pi-7", b"pi-8")
    made = decode_records([record(payload)], REQUEST)
    assert [(p.epoch, p.sequence, p.readings) for p in made.packs] == [(EPOCH, 7, 0)]
    (rejection,) = made.rejections
    assert rejection.reason.startswith("device_mismatch: ")
    assert rejection.payload == payload
    assert rejection.pack == 0


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{}", b'[{"ep":1,"sq":2}]', b'[{"ep":"k3v9x0q2m4t7a1zz"}]', b"["]
)
def test_what_has_no_identity_is_given_none(payload: bytes) -> None:
    assert identity(payload) == (None, None)


def test_a_part_that_grows_too_large_says_where_to_go_on() -> None:
    records = [record(pack(n, 1.0, 2.0), offset=n) for n in range(5)]
    made = decode_records(records, REQUEST._replace(readings=3))
    assert (made.whole, made.offsets) == (False, [("fieldline.packs", 0, 0, 2)])
    start = {("fieldline.packs", 0, 0): 2}
    rest = decode_records(records, REQUEST._replace(start=start))
    assert (rest.whole, [p.sequence for p in rest.packs]) == (True, [2, 3, 4])


def test_what_one_task_handled_hides_nothing_that_another_left_of_the_same_partition() -> None:
    records = [record(pack(n, 1.0, 2.0), offset=10 + 3 * n) for n in range(8)]
    tasks = [records[:5], records[5:]]
    start: dict[Range, int] = {}
    seen: list[int | None] = []
    whole = False
    while not whole:
        request = REQUEST._replace(readings=3, start=start)
        parts = [decode_records(task, request) for task in tasks]
        seen += [entry.sequence for part in parts for entry in part.packs]
        whole = advance(start, parts)
    assert sorted(seen, key=str) == list(range(8))


def test_a_clock_of_kafka_that_is_ahead_lets_no_future_in() -> None:
    ahead = record(pack(0, 1.0))._replace(received=NOW + 10**15)
    assert decode_records([ahead], REQUEST).packs[0].received == NOW
