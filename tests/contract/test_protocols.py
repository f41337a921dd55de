"""The examples of docs/protocols.md, byte for byte: the page and the code cannot drift apart."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.wire.strategies import packs_of_a_day
from wire import topics
from wire.pack import decode_pack, encode_pack
from wire.ranges import RangeSet
from wire.reading import Channel, Reading, TimeQuality
from wire.receipt import Receipt, decode_receipt, encode_receipt
from wire.serial_line import (
    Answer,
    ChannelLine,
    Greeting,
    Log,
    Sample,
    decode_line,
    encode_line,
)
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

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "protocols.md").read_text()
CASES = CHECKOUT / "tests" / "wire" / "cases" / "refused"

EPOCH = "k3v9x0q2m4t7a1zz"
NOW = 1_795_400_000_000_000

PACK = [
    Reading("gas/co", NOW + 250_000, 1.9, "ppm"),
    Reading("gas/lpg", NOW + 250_000, 4.0, "ppm"),
    Reading("door", NOW + 750_000, value=True),
    Reading("label", NOW + 750_000, "Machine Room"),
    Reading("gas/co", NOW + 1_250_000, 2.1, "ppm"),
    Reading("gas/lpg", NOW + 1_250_000, 4.2, "ppm"),
]
RECEIPT = Receipt(
    "bGD2rZ1fTn-0000000000", EPOCH, RangeSet.of([[0, 57]]), RangeSet.of([[0, 41], [43, 50]])
)
STATUS = Status(
    "online",
    since=NOW / 1e6,
    at=NOW / 1e6 + 30,
    agent="0.1.0",
    boot="c7b1e0a4-5d0c-4f5b-9c61-5b0d0a1f9f10",
    clock="synced",
    buffer=BufferStatus(
        EPOCH, 1234, ((1200, 1233),), ((3, 9, "quota"),), 123456, 1073741824, NOW / 1e6 - 10
    ),
    sources=(
        SourceStatus(
            "board", "arduino", "running", "", NOW / 1e6, 12345, 2, {"lost_lines": 1, "bad_crc": 1}
        ),
    ),
)
WILL = Status("offline", reason="connection lost")
META = Meta(
    "0.1.0",
    "Raspberry Pi 4 Model B Rev 1.4",
    "Debian GNU/Linux 12",
    (Channel("gas/co", "Carbon monoxide", "ppm", 0.0, 1000.0, "board"),),
    (Board("board", "mq2_air_quality", "1.0", "uno"),),
)
LINES = [
    Greeting("mq2_air_quality", "1.0", "uno", 1000, 2, running=True),
    ChannelLine(0, "gas/co", "ppm", 0.0, 1000.0, "Carbon monoxide"),
    ChannelLine(1, "door", "", None, None, "Door"),
    Sample(42, 1234567, (1.9, None)),
    Log(99, "warning", "warming up"),
    Answer("start", None),
    Answer("interval", "out of range"),
]


def section(heading: str) -> str:
    """The text below a heading of the page that begins so."""
    found = re.search(
        rf"^## {re.escape(heading)}.*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    assert found, f"the page has no section {heading!r}"
    return found[1]


def example(heading: str, language: str = "json", number: int = 0) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", section(heading), re.MULTILINE | re.DOTALL)
    return str(blocks[number])


def on_the_wire(heading: str) -> bytes:
    """An example without its line breaks, which are there for the reader."""
    return "".join(line.strip() for line in example(heading).splitlines()).encode()


def test_the_pack_of_the_page_is_what_is_encoded() -> None:
    written = encode_pack("pi-7", PACK, epoch=EPOCH, sequence=42, quality=TimeQuality.SYNCED)
    assert written == on_the_wire("Pack")


def test_the_pack_of_the_page_is_decoded() -> None:
    pack = decode_pack("pi-7", on_the_wire("Pack"), received_utc=NOW + 60_000_000)
    assert (pack.epoch, pack.sequence, pack.refused) == (EPOCH, 42, [])
    assert sorted(pack.readings, key=repr) == sorted(PACK, key=repr)


def test_the_page_may_break_lines_where_the_wire_does_not() -> None:
    broken = decode_pack("pi-7", example("Pack").encode(), received_utc=NOW)
    assert broken == decode_pack("pi-7", on_the_wire("Pack"), received_utc=NOW)


@pytest.mark.parametrize(
    ("heading", "message", "encode", "decode"),
    [
        ("Receipt", RECEIPT, encode_receipt, decode_receipt),
        ("Status", STATUS, encode_status, decode_status),
        ("Meta", META, encode_meta, decode_meta),
    ],
)
def test_a_message_of_the_page_is_encoded_and_decoded(
    heading: str,
    message: Any,
    encode: Callable[[Any], bytes],
    decode: Callable[[bytes], Any],
) -> None:
    assert encode(message) == on_the_wire(heading)
    assert decode(on_the_wire(heading)) == message


def test_the_last_will_is_that_of_the_page() -> None:
    assert f"the will is `{encode_status(WILL).decode()}`" in section("Status")
    assert decode_status(encode_status(WILL)) == WILL


def test_stored_ranges_have_the_keys_of_the_page() -> None:
    stored = StoredRanges(RECEIPT.log, EPOCH, RECEIPT.stored)
    payload = b'{"log":"bGD2rZ1fTn-0000000000","epoch":"%b","stored":[[0,41],[43,50]]}'
    assert encode_stored(stored) == payload % EPOCH.encode()
    assert decode_stored(encode_stored(stored)) == stored
    assert '| device | `{"log","epoch","stored":[[from,to],…]}` |' in section("Kafka")


def test_the_lines_of_the_page_are_those_of_the_board() -> None:
    text = example("Serial line", "text")
    assert [decode_line(line.encode()) for line in text.splitlines()] == LINES
    for line in text.splitlines(keepends=True):
        assert encode_line(line.rpartition("*")[0]) == line.encode()


def test_the_commands_of_the_page_are_those_of_the_agent() -> None:
    text = example("Serial line", "text", 1)
    commands = [encode_line(command) for command in ("hello", "start", "interval 500")]
    assert b"".join(commands) == text.encode()


def test_every_topic_of_kafka_stands_on_the_page() -> None:
    for topic in (
        topics.PACKS, topics.DEVICES, topics.RECEIPTS, topics.REJECTED, topics.ALERTS
    ):  # fmt: skip
        assert f"| `{topic}`" in section("Kafka")


def test_every_reason_of_the_page_is_given_by_a_case_and_no_other() -> None:
    paragraph = re.search(r"^Reasons: (.*?)\n\n", section("Pack"), re.MULTILINE | re.DOTALL)
    assert paragraph
    named = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)*)`", paragraph[1]))
    given_reasons = {"too_large"}  # its payloads are made in the tests of the pack
    for case in CASES.iterdir():
        expected = json.loads((case / "expected.json").read_bytes())
        given_reasons |= {expected["pack"]} if "pack" in expected else set()
        given_reasons |= {reason for _, reason in expected.get("records", [])}
    assert named == given_reasons


def resolve_as_the_rfc_says(payload: bytes) -> list[tuple[str, int, float | str, str]]:
    """RFC 8428, sections 4.5 and 4.6, in the fewest lines, without any code of this project."""
    name = unit = ""
    time = 0.0
    resolved = []
    for record in json.loads(payload):
        name = record.get("bn", name)
        time = record.get("bt", time)
        unit = record.get("bu", unit)
        value = next(record[label] for label in ("v", "vs", "vb") if label in record)
        at = round(Decimal(time + record.get("t", 0.0)) * 1_000_000)
        resolved.append((name + record.get("n", ""), at, value, record.get("u", unit)))
    return resolved


@given(packs_of_a_day)
def test_a_plain_reader_of_senml_reads_our_packs_to_the_same_readings(
    readings: list[Reading],
) -> None:
    payload = encode_pack("pi-7", readings, epoch=EPOCH, sequence=0, quality=TimeQuality.SYNCED)
    assert sorted(map(repr, resolve_as_the_rfc_says(payload))) == sorted(
        repr((f"pi-7/{reading.channel}", reading.time_utc, reading.value, reading.unit))
        for reading in readings
    )
