"""The examples of docs/control.md, byte for byte: the page and the code cannot drift apart."""

import re
from pathlib import Path

from wire.command import (
    COMMANDS,
    Command,
    Reply,
    decode_command,
    decode_reply,
    encode_command,
    encode_reply,
)
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

PAGE = (Path(__file__).parents[2] / "docs" / "control.md").read_text()


def section(heading: str) -> str:
    """The text below a heading of the page that begins so."""
    found = re.search(
        rf"^## {re.escape(heading)}.*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    assert found, f"the page has no section {heading!r}"
    return found[1]


def examples(heading: str) -> list[bytes]:
    """The lines of a section's example."""
    block = re.search(r"^```json\n(.*?)^```$", section(heading), re.MULTILINE | re.DOTALL)
    assert block
    # The page cuts an id short; the wire could not.
    return [line.replace("…", "").encode() for line in block[1].splitlines()]


def test_the_command_and_the_replies_of_the_page_are_those_of_the_wire() -> None:
    command, done, refused = examples("Commands")
    expected = Command("01JD", "sampling", 1795400060.0, {"on": False, "source": "board"})
    assert encode_command(expected) == command
    assert decode_command(command) == expected
    assert encode_reply(Reply("01JD", ok=True, at=1795400001.2, result={})) == done
    error = "there is no source 'bord'; this device has: board, host"
    assert decode_reply(refused) == Reply("01JD", ok=False, at=1795400001.2, error=error)
    assert encode_reply(decode_reply(refused)) == refused


def test_every_command_stands_on_the_page_and_no_other() -> None:
    paragraph = section("Commands").partition("Commands: ")[2].partition("\n\n")[0]
    named = re.findall(r"(?:^|, )`([a-z]+)`(?= \(|,)", paragraph.replace("\n", " "))
    assert named == list(COMMANDS)


def test_the_configurations_of_the_page_are_those_of_the_wire() -> None:
    desired, reported = examples("Desired configuration")
    board = SourceConfiguration(on=True, interval_s=1.0)
    calibrated = SourceConfiguration(
        on=True, interval_s=1.0, calibration={"gas/co": Calibration(1.02, 0.0)}
    )
    assert encode_desired(Desired(7, {"board": calibrated})) == desired
    assert decode_desired(desired) == Desired(7, {"board": calibrated})
    assert encode_reported(Reported(7, applied=True, sources={"board": board})) == reported
    assert decode_reported(reported) == Reported(7, applied=True, sources={"board": board})
