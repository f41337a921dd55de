import json
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wire.strategies import EARLIEST, LATEST, devices, epochs, packs, sequences
from wire.errors import WireError
from wire.names import NameRefused
from wire.pack import (
    MAX_BYTES,
    Pack,
    PackRefused,
    PackTooLarge,
    ReadingRefused,
    decode_columns,
    decode_pack,
    encode_pack,
    fault,
)
from wire.reading import Reading, TimeQuality

EPOCH = "k3v9x0q2m4t7a1zz"
NOW = 1_795_400_000_000_000


def encode(
    readings: Sequence[Reading],
    device: str = "pi-7",
    quality: TimeQuality = TimeQuality.SYNCED,
) -> bytes:
    return encode_pack(device, readings, epoch=EPOCH, sequence=42, quality=quality)


def decode(payload: bytes, received_utc: int = LATEST) -> Pack:
    return decode_pack("pi-7", payload, received_utc=received_utc)


def refusal(payload: bytes) -> PackRefused | None:
    """Decode what may be anything; return the refusal of the pack as a whole, if any."""
    try:
        decode(payload)
    except PackRefused as refused:
        return refused
    return None


def as_a_set(readings: Sequence[Reading]) -> list[str]:
    """Order is no part of a pack; 1.0 and True are not the same reading."""
    return sorted(map(repr, readings))


@given(devices, packs, epochs, sequences)
@example("urn", [Reading("a", EARLIEST, 0.0)], EPOCH, 0)
@example("a", [Reading("a/a", LATEST, True), Reading("a:a", EARLIEST, "")], EPOCH, 2**62)
def test_a_pack_comes_back_as_it_was(
    device: str, readings: list[Reading], epoch: str, sequence: int
) -> None:
    payload = encode_pack(
        device, readings, epoch=epoch, sequence=sequence, quality=TimeQuality.SYNCED
    )
    pack = decode_pack(device, payload, received_utc=LATEST)
    assert as_a_set(pack.readings) == as_a_set(readings)
    assert (pack.epoch, pack.sequence, pack.refused) == (epoch, sequence, [])


@given(st.lists(st.integers(EARLIEST, LATEST), min_size=1, max_size=50))
@example([4_102_444_799_999_999, 4_102_444_799_999_998, EARLIEST])
@example([2**31 * 10**6 - 1, 2**31 * 10**6 + 1, 2**51 - 1, 2**51 + 1, 3_999_999_999_999_999])
def test_every_microsecond_of_a_century_comes_back(times: list[int]) -> None:
    readings = [Reading("a", time, float(i)) for i, time in enumerate(times)]
    assert as_a_set(decode(encode(readings)).readings) == as_a_set(readings)


@given(st.integers(EARLIEST, LATEST))
def test_an_absolute_time_of_a_foreign_producer_is_exact_to_the_microsecond(time: int) -> None:
    payload = b'[{"n":"a","t":%d.%06d,"v":1}]' % divmod(time, 1_000_000)
    assert decode(payload).readings[0].time_utc == time


@given(packs)
def test_columns_say_the_same_as_readings(readings: list[Reading]) -> None:
    payload = encode(readings)
    columns = decode_columns("pi-7", payload, received_utc=LATEST)
    pack = decode(payload)
    assert columns.channels == [reading.channel for reading in pack.readings]
    assert columns.times == [reading.time_utc for reading in pack.readings]
    assert columns.units == [reading.unit for reading in pack.readings]
    assert columns.qualities == [reading.quality for reading in pack.readings]
    for row, reading in enumerate(pack.readings):
        if isinstance(reading.value, str):
            assert (columns.values[row], columns.texts[row]) == (None, reading.value)
        else:
            assert (columns.values[row], columns.texts[row]) == (float(reading.value), None)
            assert type(columns.values[row]) is float
        assert (row in columns.booleans) == isinstance(reading.value, bool)


def test_readings_are_grouped_by_channel_in_order_of_time() -> None:
    readings = [Reading("b", NOW + 2_000_000, 2.0), Reading("a", NOW + 1, 1.0)]
    readings += [Reading("b", NOW, 3.0), Reading("a", NOW + 1_500_000, 4.0)]
    records = json.loads(encode(readings))
    assert [(r.get("bn"), r.get("t"), r["v"]) for r in records] == [
        ("pi-7/b", None, 3.0),
        (None, 2.0, 2.0),
        ("pi-7/a", 0.000001, 1.0),
        (None, 1.5, 4.0),
    ]


def test_a_unit_that_changes_within_a_channel_starts_a_base_record() -> None:
    readings = [Reading("a", NOW + i, float(i), unit) for i, unit in enumerate(["V", "V", "", "A"])]
    payload = encode(readings)
    assert [record.get("bu") for record in json.loads(payload)] == ["V", None, "", "A"]
    assert decode(payload).readings == readings


def test_the_quality_is_that_of_the_pack() -> None:
    readings = [Reading("a", NOW, 1.0)]
    for quality in TimeQuality:
        decoded = decode(encode(readings, quality=quality)).readings
        assert [reading.quality for reading in decoded] == [quality]


def test_integers_and_subclasses_of_float_travel_as_numbers() -> None:
    class Special(float):
        pass

    readings = [
        Reading("a", NOW, 5),
        Reading("a", NOW + 1, 2**80),
        Reading("a", NOW + 2, Special(7)),
    ]
    assert [r.value for r in decode(encode(readings)).readings] == [5.0, 2.0**80, 7.0]


@pytest.mark.parametrize(
    "reading",
    [
        Reading("a", NOW, float("nan")),
        Reading("a", NOW, float("inf")),
        Reading("a", NOW, -float("inf")),
        Reading("a", NOW, 1e150),
        Reading("a", NOW, 10**400),
        Reading("a", NOW, "x" * 8193),
        Reading("a", NOW, "\0"),
        Reading("a", NOW, "\ud800"),
        Reading("a", NOW, 1.0, "\0"),
        Reading("a", NOW, 1.0, "\udfff"),
        Reading("a", NOW, 1.0, "m" * 65),
        Reading("ä", NOW, 1.0),
        Reading("", NOW, 1.0),
        Reading("a" * 129, NOW, 1.0),
        Reading("a", EARLIEST - 1, 1.0),
        Reading("a", LATEST + 1, 1.0),
        Reading("a", 0, 1.0),
        Reading("a", -(10**30), 1.0),
    ],
    ids=repr,
)
def test_a_reading_that_no_decoder_would_take_is_not_encoded(reading: Reading) -> None:
    assert fault(reading)
    numbers = [Reading("a", NOW - 1, 0.5), Reading("b", NOW + 1, 1.5), Reading("a", NOW + 2, 2.5)]
    for others in ([], numbers, [*numbers, Reading("a", NOW + 3, "x")]):
        assert not any(map(fault, others))
        with pytest.raises(ReadingRefused) as refused:
            encode([*others, reading])
        assert refused.value.reading is reading


@given(packs)
def test_a_reading_without_fault_travels(readings: list[Reading]) -> None:
    assert [fault(reading) for reading in readings] == [None] * len(readings)


def test_more_than_a_pack_holds_is_not_encoded() -> None:
    with pytest.raises(PackTooLarge):
        encode([Reading("a", NOW + i, 1.0) for i in range(10_001)])
    with pytest.raises(PackTooLarge):
        encode([Reading("a", NOW + i, "x" * 8000) for i in range(40)])
    largest = encode([Reading("a", NOW + i, 1.0) for i in range(10_000)])
    assert len(largest) <= MAX_BYTES
    assert len(decode(largest).readings) == 10_000


@pytest.mark.parametrize(
    ("epoch", "sequence"), [("", 0), ("K" * 16, 0), (EPOCH, -1), (EPOCH, 2**62 + 1)]
)
def test_a_pack_needs_an_identity_of_the_right_form(epoch: str, sequence: int) -> None:
    with pytest.raises(WireError, match="identity"):
        encode_pack(
            "pi-7",
            [Reading("a", NOW, 1.0)],
            epoch=epoch,
            sequence=sequence,
            quality=TimeQuality.SYNCED,
        )


def test_a_pack_needs_a_device_name_of_the_right_form() -> None:
    with pytest.raises(NameRefused):
        encode([Reading("a", NOW, 1.0)], device="../x")


def test_a_megabyte_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(PackRefused) as refused:
        decode(b"[" + b" " * 1_000_000)
    assert refused.value.reason == "too_large"


def test_ten_thousand_and_one_records_are_refused() -> None:
    with pytest.raises(PackRefused) as refused:
        decode(b"[" + b",".join([b'{"n":"a","v":1}'] * 10_001) + b"]")
    assert refused.value.reason == "too_large"


def test_long_names_cost_no_more_memory_than_they_came_with() -> None:
    tracemalloc.start()
    try:
        records = [
            b'{"bn":"%b"}' % (b"a" * 150_000),
            *(b'{"n":"%d","v":1}' % i for i in range(5000)),
        ]
        pack = decode(b"[" + b",".join(records) + b"]")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {refusal.reason for refusal in pack.refused} == {"bad_name"}
    assert len(pack.refused) == 5000
    assert peak < 20_000_000


def test_the_device_prefix_is_taken_off_once() -> None:
    payload = (
        b'[{"n":"pi-7/pi-7/x","v":1},{"n":"pi-7:y","v":1},{"n":"pi-70/z","v":1},{"n":"pi-7","v":1}]'
    )
    names = [reading.channel for reading in decode(payload).readings]
    assert names == ["pi-7/x", "y", "pi-70/z", "pi-7"]


def test_a_urn_is_kept_whole() -> None:
    payload = b'[{"bn":"urn:dev:mac:0024befffe804ff1/","n":"t","v":1}]'
    assert decode(payload).readings[0].channel == "urn:dev:mac:0024befffe804ff1/t"


def test_times_relative_to_now_are_estimated_and_absolute_ones_are_not() -> None:
    payload = b'[{"n":"a","t":-1.5,"v":1},{"n":"a","bt":1700000000,"v":2}]'
    first, second = decode(payload, received_utc=NOW).readings
    assert (first.time_utc, first.quality) == (NOW - 1_500_000, TimeQuality.ESTIMATED)
    assert (second.time_utc, second.quality) == (1_700_000_000_000_000, TimeQuality.SYNCED)


def test_a_time_ten_minutes_ahead_is_the_last_that_is_taken() -> None:
    readings = [Reading("a", NOW + 600_000_000, 1.0), Reading("a", NOW + 600_000_001, 2.0)]
    pack = decode(encode(readings), received_utc=NOW)
    assert pack.readings == readings[:1]
    assert [(refusal.reason, refusal.record) for refusal in pack.refused] == [("time_too_late", 1)]


def test_zero_keeps_its_sign() -> None:
    assert str(decode(encode([Reading("a", NOW, -0.0)])).readings[0].value) == "-0.0"


def test_the_last_of_doubled_labels_counts() -> None:
    assert decode(b'[{"n":"a","v":1,"v":2}]').readings[0].value == 2.0


def test_a_byte_order_mark_is_ignored() -> None:
    assert decode(b'\xef\xbb\xbf[{"n":"a","v":1}]').readings[0].value == 1.0


def test_a_sum_is_a_reading_of_its_own() -> None:
    payload = b'[{"bn":"e","bu":"W","v":2,"s":7},{"s":8,"t":1,"u":""},{"bu":"","bs":1,"t":2,"v":3}]'
    rows = [(r.channel, r.value, r.unit) for r in decode(payload).readings]
    assert rows == [
        ("e", 2.0, "W"),
        ("e/sum", 7.0, "W.s"),
        ("e/sum", 8.0, "s"),
        ("e", 3.0, ""),
        ("e/sum", 1.0, "s"),
    ]


def test_identity_counts_in_the_first_record_alone() -> None:
    pack = decode(b'[{"n":"a","v":1},{"ep":5,"sq":"x","tq":[],"n":"a","v":1}]')
    assert (pack.epoch, pack.sequence, len(pack.readings)) == (None, None, 2)


@pytest.mark.parametrize("label", ["tq", "ep", "sq", "x", "v", "bn"])
def test_no_depth_of_nesting_raises_anything_but_a_refusal(label: str) -> None:
    for depth in range(800, 1010):  # around where Python's recursion ends
        deep = b"[" * depth + b"]" * depth
        refused = refusal(b'[{"n":"a","v":1,"%b":%b}]' % (label.encode(), deep))
        assert refused is None or refused.detail


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_a_refusal(payload: bytes) -> None:
    refused = refusal(payload)
    assert refused is not None
    assert refused.reason in {"not_json", "not_utf8", "not_senml"}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["pi-7/", "pi-8/", "k3v9x0q2m4t7a1zz", "synced", 1e9, 1.7e9, 10**400, 1e150]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=3,
)
LABELS = "bn bt bu bv bs bver n u v vs vb vd s t ut ep sq tq x x_"
labels = st.sampled_from(LABELS.split())


@given(
    st.lists(st.dictionaries(labels, json_values, max_size=6) | json_values, max_size=5),
    st.booleans(),
)
def test_any_json_gives_sound_readings_or_a_refusal(
    records: list[object], ascii_only: bool
) -> None:
    text = json.dumps(records, ensure_ascii=ascii_only)
    payload = text.encode("utf-8", "surrogatepass")
    try:
        pack = decode(payload, received_utc=NOW)
    except PackRefused:
        return
    for reading in pack.readings:
        if not reading.unit.endswith("s"):  # a sum's unit may be two characters longer
            assert fault(reading) is None
        assert reading.time_utc <= NOW + 600_000_000
    assert len(pack.refused) <= len(records)


@given(packs, st.data())
def test_damaged_packs_raise_nothing_but_a_refusal(
    readings: list[Reading], data: st.DataObject
) -> None:
    payload = bytearray(encode(readings))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    refused = refusal(bytes(payload))
    assert refused is None or refused.detail
