"""What is to be done with a dead letter."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloud.stack.redrive import Judgement, Letter, Row, Verdict, judge, micros, read, row_of
from wire.pack import Pack, encode_pack
from wire.reading import Reading, TimeQuality

AT = 1_795_400_000_000_000
NUMBERED = encode_pack(
    "pi-7", [Reading("gas", AT, 1.5), Reading("gas", AT + 1, 2.5)],
    epoch="k3v9x0q2m4t7a1zz", sequence=42, quality=TimeQuality.SYNCED,
)  # fmt: skip
FOREIGN = b'[{"n":"gas","t":1795400000,"v":1.5},{"n":"gas","t":1795400001,"v":2.5}]'
PARTLY = b'[{"n":"gas","t":1795400000,"v":1.5},{"n":"gas","t":1795400001,"v":"x"}]'
WHOLE = ("unsupported_version: 11",)


def letter(payload: bytes, *reasons: str, device: str = "pi-7") -> Letter:
    return Letter(("log", 0, 7), device, "mqtt", payload, AT + 9_000_000, reasons or WHOLE)


def rows(payload: bytes) -> list[Row]:
    pack = read(letter(payload))
    assert isinstance(pack, Pack)
    return [row_of(reading) for reading in pack.readings]


def judged(
    payload: bytes, stored: list[Row], *reasons: str, kept_from: datetime | None = None
) -> Judgement:
    one = letter(payload, *reasons)
    pack = read(one)
    assert isinstance(pack, Pack)
    return judge(one, pack, stored, kept_from)


def test_a_numbered_pack_that_was_refused_as_a_whole_comes_again_under_its_number() -> None:
    found = judged(NUMBERED, [])
    assert (found.verdict, found.identity) == (Verdict.SEND, ("k3v9x0q2m4t7a1zz", 42))
    assert list(found.new) == rows(NUMBERED)


def test_a_numbered_pack_that_was_stored_in_part_does_not() -> None:
    assert judged(NUMBERED, rows(NUMBERED)[:1]).verdict is Verdict.REFUSED
    found = judged(NUMBERED, [], "bad_value: no number (record 1)")
    assert found == Judgement(Verdict.REFUSED, "the rest of its pack is stored under its number")
    assert judged(NUMBERED, [], "bad_value: x (record 1 and 3 more)").verdict is Verdict.REFUSED


def test_what_is_all_there_only_has_to_be_marked() -> None:
    assert judged(NUMBERED, rows(NUMBERED)).verdict is Verdict.STORED
    assert judged(FOREIGN, rows(FOREIGN)).verdict is Verdict.STORED


def test_of_a_foreign_pack_only_what_is_missing_is_awaited() -> None:
    found = judged(FOREIGN, rows(FOREIGN)[:1])
    assert (found.verdict, list(found.new)) == (Verdict.SEND, rows(FOREIGN)[1:])
    assert found.identity is None


def test_another_value_for_the_same_instant_stays_refused() -> None:
    other: list[Row] = [(channel, at, 9.0) for channel, at, _ in rows(FOREIGN)]
    assert "other values" in judged(FOREIGN, other).why
    found = judged(FOREIGN, other[:1])
    assert (found.verdict, list(found.new)) == (Verdict.SEND, rows(FOREIGN)[1:])


def test_what_is_wrong_as_before_is_not_sent_again_and_again() -> None:
    assert judged(PARTLY, []).verdict is Verdict.SEND
    found = judged(PARTLY, rows(PARTLY))
    assert found.verdict is Verdict.REFUSED
    assert "bad_value" in found.why
    assert "not_json" in str(read(letter(b"[{")))
    assert "device's name" in str(read(letter(FOREIGN, device="no name")))


def test_what_is_older_than_raw_readings_are_kept_could_be_doubled() -> None:
    first = rows(NUMBERED)[0][1]
    assert judged(NUMBERED, [], kept_from=first).verdict is Verdict.SEND
    late = judged(NUMBERED, [], kept_from=first + timedelta(seconds=1))
    assert late.verdict is Verdict.REFUSED


@given(st.integers(946_684_800_000_000, 4_102_444_800_000_000))
def test_times_are_exact_to_the_microsecond(time_utc: int) -> None:
    assert micros(row_of(Reading("x", time_utc, 1.0))[1]) == time_utc
