"""Receipts, stored ranges, status and meta: what travels beside packs."""

import contextlib
import json
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.strategies import channels, epochs, numbers, sequences, wide_range_sets, words
from wire.errors import MessageRefused
from wire.ranges import RangeSet
from wire.receipt import MAX_RANGES, Receipt, decode_receipt, encode_receipt
from wire.status import (
    Board,
    BufferStatus,
    Meta,
    SourceStatus,
    Status,
    decode_meta,
    decode_status,
    encode_meta,
    encode_status,
)
from wire.stored import StoredRanges, decode_stored, encode_stored

DECODERS: list[Callable[[bytes], object]] = [
    decode_receipt,
    decode_stored,
    decode_status,
    decode_meta,
]
EPOCH = "k3v9x0q2m4t7a1zz"

counts = st.integers(0, 2**62)
sources = st.builds(
    SourceStatus,
    name=words,
    kind=words,
    state=st.sampled_from(["running", "failing", "finished", "stopped"]),
    reason=words,
    since=st.none() | numbers,
    readings=counts,
    errors=counts,
    counters=st.dictionaries(words, counts, max_size=3),
)
buffers = st.builds(
    BufferStatus,
    epoch=epochs,
    next=sequences,
    held=st.lists(st.tuples(sequences, sequences), max_size=3).map(tuple),
    lost=st.lists(st.tuples(sequences, sequences, words), max_size=3).map(tuple),
    bytes=counts,
    quota=counts,
    oldest=st.none() | numbers,
)
statuses = st.builds(
    Status,
    state=st.sampled_from(["online", "offline"]),
    reason=words,
    since=st.none() | numbers,
    at=st.none() | numbers,
    agent=words,
    boot=words,
    clock=words,
    buffer=st.none() | buffers,
    sources=st.lists(sources, max_size=3).map(tuple),
)
metas = st.builds(
    Meta,
    agent=words,
    model=words,
    os=words,
    channels=st.lists(channels, max_size=3).map(tuple),
    boards=st.lists(st.builds(Board, words, words, words, words), max_size=2).map(tuple),
)


@given(st.text("abcXYZ019-_", max_size=22), epochs, wide_range_sets, wide_range_sets)
def test_a_receipt_comes_back_as_it_was(
    log: str, epoch: str, accepted: RangeSet, stored: RangeSet
) -> None:
    receipt = Receipt(log, epoch, accepted, stored)
    assert decode_receipt(encode_receipt(receipt)) == receipt


def test_a_receipt_carries_the_lowest_two_hundred_ranges() -> None:
    many = RangeSet.of([[3 * i, 3 * i + 1] for i in range(5000)])
    receipt = decode_receipt(encode_receipt(Receipt("log", EPOCH, many, many)))
    assert receipt.accepted == receipt.stored == many.lowest(MAX_RANGES)
    assert len(receipt.stored.ranges) == 200


@given(st.text("abcXYZ019-_", max_size=22), epochs, wide_range_sets)
def test_stored_ranges_come_back_as_they_were(log: str, epoch: str, stored: RangeSet) -> None:
    said = StoredRanges(log, epoch, stored)
    assert decode_stored(encode_stored(said)) == said


def test_stored_ranges_are_never_cut_short() -> None:
    many = StoredRanges("log", EPOCH, RangeSet.of([[3 * i, 3 * i] for i in range(5000)]))
    assert decode_stored(encode_stored(many)) == many


@given(statuses)
def test_a_status_comes_back_as_it_was(status: Status) -> None:
    assert decode_status(encode_status(status)) == status


@given(metas)
def test_a_meta_comes_back_as_it_was(meta: Meta) -> None:
    assert decode_meta(encode_meta(meta)) == meta


@pytest.mark.parametrize("state", ["online", "offline"])
def test_a_status_needs_nothing_but_its_state(state: Literal["online", "offline"]) -> None:
    assert decode_status(json.dumps({"state": state}).encode()) == Status(state)


def test_unknown_keys_are_ignored_at_every_depth() -> None:
    status = decode_status(
        b'{"state":"online","new":1,"buffer":{"new":{}},"sources":[{"name":"a","new":[]}]}'
    )
    assert status == Status("online", buffer=BufferStatus(), sources=(SourceStatus("a"),))
    assert decode_meta(b'{"new":1,"channels":[{"channel":"a","new":2}]}').channels[0].channel == "a"


@pytest.mark.parametrize(
    ("decode", "payload"),
    [
        *((decode, payload) for decode in DECODERS for payload in [b"", b"[]", b"1", b"\xff{}"]),
        *((decode, b'{"a":' + b"[" * 5000) for decode in DECODERS),
        (decode_receipt, b"{}"),
        (decode_receipt, b'{"log":"l","epoch":"short","accepted":[],"stored":[]}'),
        (decode_receipt, b'{"log":"l","epoch":"k3v9x0q2m4t7a1zz","accepted":[[2,1]],"stored":[]}'),
        (decode_receipt, b'{"log":"l","epoch":"k3v9x0q2m4t7a1zz","accepted":[[-1,1]],"stored":[]}'),
        (decode_receipt, b'{"log":"l","epoch":"k3v9x0q2m4t7a1zz","accepted":[],"stored":[[1]]}'),
        (decode_receipt, b'{"log":"\\u0000","epoch":"k3v9x0q2m4t7a1zz","accepted":[],"stored":[]}'),
        (
            decode_stored,
            b'{"log":"l","epoch":"k3v9x0q2m4t7a1zz","stored":[[0,9999999999999999999]]}',
        ),
        (decode_stored, b'{"log":"l","epoch":"k3v9x0q2m4t7a1zz","stored":[[3,2]]}'),
        (decode_status, b"{}"),
        (decode_status, b'{"state":"online","unknown":"\xff"}'),
        (decode_status, b'{"state":"fine"}'),
        (decode_status, b'{"state":"online","since":NaN}'),
        (decode_status, b'{"state":"online","since":"now"}'),
        (decode_status, b'{"state":"online","reason":"\\u0000"}'),
        (decode_status, b'{"state":"online","buffer":{"held":[[1,-1]]}}'),
        (decode_status, b'{"state":"online","sources":[{"name":"a","counters":{"\\u0000":1}}]}'),
        (decode_meta, b'{"channels":[{"channel":"a b"}]}'),
        (decode_meta, b'{"channels":[{"channel":"a","label":"\\u0000"}]}'),
        (decode_meta, b'{"channels":[{"channel":"a","minimum":1e999}]}'),
    ],
)
def test_garbage_is_refused(decode: Callable[[bytes], object], payload: bytes) -> None:
    with pytest.raises(MessageRefused) as refused:
        decode(payload)
    assert refused.value.detail


@given(st.sampled_from(DECODERS), st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_a_refusal(
    decode: Callable[[bytes], object], payload: bytes
) -> None:
    with contextlib.suppress(MessageRefused):
        decode(payload)


@given(statuses, st.data())
def test_a_damaged_status_raises_nothing_but_a_refusal(status: Status, data: st.DataObject) -> None:
    payload = bytearray(encode_status(status))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    with contextlib.suppress(MessageRefused):
        decode_status(bytes(payload))
