import itertools
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wire.strategies import channel_names
from wire.errors import WireError
from wire.serial_line import (
    MAX_LINE,
    Answer,
    ChannelLine,
    Greeting,
    Line,
    LineReader,
    LineRefused,
    Log,
    Sample,
    crc,
    decode_line,
    encode_line,
)

GOLDEN: list[tuple[bytes, Line]] = [
    (
        b"F,1,mq2_air_quality,1.0,uno,1000,3,1*7B77\n",
        Greeting("mq2_air_quality", "1.0", "uno", 1000, 3, running=True),
    ),
    (
        b"C,0,gas/co,ppm,0,1000,Carbon monoxide*351C\n",
        ChannelLine(0, "gas/co", "ppm", 0.0, 1000.0, "Carbon monoxide"),
    ),
    (b"C,2,door,,,,Door*DD91\n", ChannelLine(2, "door", "", None, None, "Door")),
    (b"S,42,1234567,1.9,,-4.02e-3*0483\n", Sample(42, 1234567, (1.9, None, -0.00402))),
    (b"L,99,warning,warming up*2A71\n", Log(99, "warning", "warming up")),
    (b"A,start,ok*CC2A\n", Answer("start", None)),
    (b"A,interval,error,out of range*44F9\n", Answer("interval", "out of range")),
]

fields = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=",*"))
short = fields.map(lambda text: text[:20])
counts = st.integers(0, 2**32 - 1)
values = st.none() | st.floats(allow_nan=False, allow_infinity=False)
samples = st.builds(Sample, counts, counts, st.lists(values, max_size=7).map(tuple))
lines = st.one_of(
    st.builds(Greeting, short, short, short, counts, counts, st.booleans()),
    st.builds(
        ChannelLine, counts, channel_names.map(lambda name: name[:30]), short, values, values, short
    ),
    samples,
    st.builds(Log, counts, st.sampled_from(["info", "warning", "error"]), short),
    st.builds(Answer, short, st.none()),
    st.builds(Answer, short, short),
)


def written(line: Line) -> str:
    """What a board prints."""

    def number(value: float | None) -> str:
        return "" if value is None else repr(value)

    match line:
        case Greeting():
            rest: list[Any] = [line.sketch, line.version, line.board, line.interval_ms]
            fields = ["F", 1, *rest, line.channels, int(line.running)]
        case ChannelLine():
            limits = [number(line.minimum), number(line.maximum)]
            fields = ["C", line.index, line.name, line.unit, *limits, line.label]
        case Sample():
            fields = ["S", line.sequence, line.board_ms, *map(number, line.values)]
        case Log():
            fields = ["L", line.board_ms, line.level, line.text]
        case Answer():
            fields = ["A", line.command, *(["ok"] if line.error is None else ["error", line.error])]
    return ",".join(map(str, fields))


def refusal(line: bytes) -> LineRefused:
    with pytest.raises(LineRefused) as refused:
        decode_line(line)
    assert refused.value.detail
    return refused.value


def test_the_crc_is_xmodem() -> None:
    assert crc(b"123456789") == 0x31C3  # the check value of the catalogue of CRCs
    assert crc(b"") == 0


@pytest.mark.parametrize(("raw", "line"), GOLDEN)
def test_a_line_has_these_bytes(raw: bytes, line: Line) -> None:
    assert encode_line(raw.rpartition(b"*")[0].decode()) == raw
    assert decode_line(raw) == line
    assert decode_line(raw.replace(b"\n", b"\r\n")) == line


@given(lines)
def test_a_line_comes_back_as_it_was(line: Line) -> None:
    assert decode_line(encode_line(written(line))) == line


@given(lines, st.data())
def test_a_line_with_one_wrong_byte_is_refused(line: Line, data: st.DataObject) -> None:
    raw = bytearray(encode_line(written(line)))
    place = data.draw(st.integers(0, len(raw) - 2))
    raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    assert refusal(bytes(raw)).reason in {"form", "crc"}


@given(st.binary(max_size=80))
def test_random_bytes_are_refused(raw: bytes) -> None:
    assert refusal(raw).reason == "form"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "X,1",
        "F,2,sketch,1,uno,1000,1,1",
        "F,1,sketch,1,uno,1000,1,2",
        "F,1,sketch,1,uno,1000,1",
        "C,0,bad name,V,0,1,label",
        "C,x,name,V,0,1,label",
        "C,0,name,V,low,1,label",
        "S,1",
        "S,4294967296,0,1",
        "S,-1,0,1",
        "S,1,0,nan",
        "S,1,0,inf",
        "S,1,0,1e999",
        "S,1,0,0x10",
        "S,1,0, 1",
        "S,1,0,1_0",
        "L,0,shout,text",
        "L,0,info,a,b",
        "A,start",
        "A,start,fine",
        "A,start,error",
    ],
)
def test_a_line_with_a_right_crc_and_wrong_fields_is_refused(body: str) -> None:
    assert refusal(encode_line(body)).reason == "fields"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello",
        b"temp:21.5,hum:40",
        b"S,1,2,3",
        b"S,1,2,3*abcd",
        b"S,1,2,3*ABCDE",
        b"*",
        b"S\0*0000",
    ],
)
def test_a_line_without_crc_may_be_that_of_another_sketch(line: bytes) -> None:
    assert refusal(line).reason == "form"


def test_a_line_that_is_too_long_is_refused_both_ways() -> None:
    longest = "L,0,info," + "x" * (MAX_LINE - 5 - 9)
    assert len(encode_line(longest)) == MAX_LINE + 1
    assert isinstance(decode_line(encode_line(longest)), Log)
    with pytest.raises(WireError):
        encode_line(longest + "x")
    too_long = (longest + "x").encode()
    assert refusal(b"%b*%04X" % (too_long, crc(too_long))).reason == "form"


@pytest.mark.parametrize("text", ["a*b", "a\nb", "ü", "\0", "\x7f"])
def test_what_does_not_fit_a_line_is_not_encoded(text: str) -> None:
    with pytest.raises(WireError):
        encode_line(text)


def read_all(pieces: list[bytes], limit: int = 1024) -> tuple[list[bytes], int, int]:
    reader = LineReader(limit)
    found = [line for piece in pieces for line in reader.feed(piece)]
    return found, reader.overlong, reader.garbage


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(stream)) for place in places} | {0, len(stream)})
    return [stream[start:end] for start, end in itertools.pairwise(ends)]


@given(st.lists(lines, max_size=6), st.lists(st.integers(0, 400), max_size=12))
def test_lines_are_found_however_the_bytes_are_cut(drawn: list[Line], places: list[int]) -> None:
    stream = b"".join(encode_line(written(line)) for line in drawn)
    found, overlong, garbage = read_all(cut(stream, places))
    assert [decode_line(line) for line in found] == drawn
    assert (overlong, garbage) == (0, 0)


@given(st.lists(st.binary(max_size=15), max_size=9), st.lists(st.integers(0, 120), max_size=9))
@example([b"12345678901\r"], [11])
@example([b"12345678901234", b"5"], [12, 13])
def test_cutting_the_bytes_elsewhere_changes_nothing(drawn: list[bytes], places: list[int]) -> None:
    stream = b"\n".join(drawn) + b"\n"
    assert read_all(cut(stream, places), limit=11) == read_all([stream], limit=11)


def test_an_overlong_line_ends_where_the_next_begins() -> None:
    reader = LineReader(limit=5)
    pieces = [b"1234", b"5678", b"9", b"0\r\nab", b"c\r\n", b"12345\r", b"\n"]
    assert [reader.feed(piece) for piece in pieces] == [[], [], [], [], [b"abc"], [], [b"12345"]]
    assert reader.overlong == 1


@given(st.binary(max_size=300), samples)
def test_a_line_after_garbage_is_found(garbage: bytes, sample: Sample) -> None:
    found, _, _ = read_all([garbage, b"\n", encode_line(written(sample))])
    assert decode_line(found[-1]) == sample


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=60))
def test_the_reader_holds_no_more_than_one_line(pieces: list[bytes]) -> None:
    reader = LineReader(limit=40)
    for piece in pieces:
        assert all(0 < len(line) <= 40 for line in reader.feed(piece))
        assert reader.pending <= 41


def test_dropped_lines_are_counted() -> None:
    stream = b"good\n\x00\x01\n\xff\xfe\n" + b"x" * 41 + b"\n\n\t1\t2\n\xc2\xb0C\nlast"
    assert read_all([stream], limit=40) == ([b"good", b"\t1\t2", b"\xc2\xb0C"], 1, 2)


def test_a_reset_forgets_the_unfinished_line() -> None:
    reader = LineReader(limit=40)
    assert reader.feed(b"half of a li") == []
    reader.reset()
    assert reader.feed(b"whole\n") == [b"whole"]
    reader.feed(b"x" * 100)
    reader.reset()
    assert reader.feed(b"whole\n") == [b"whole"]
