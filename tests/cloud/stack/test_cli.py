"""What every command has in common."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloud.stack import cli
from cloud.stack.commands.completion import leaves
from cloud.stack.errors import JavaMissing, NotReached, StackError
from wire.settings import SettingsRefused

COMMANDS = dict(leaves(cli.make_parser()))
SAY_NOTHING = {("up",), ("down",), ("completion",), ("install-service",)}
"""Those whose output no program reads."""
OPERATION = Path(__file__).parents[3] / "docs" / "operation.md"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_each_command_has_an_example_of_it(words: tuple[str, ...]) -> None:
    text = COMMANDS[words].format_help()
    example = text.partition("example: ")[2]
    assert f"fieldline {' '.join(words)}" in example


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_that_says_something_says_it_to_programs_too(words: tuple[str, ...]) -> None:
    options = COMMANDS[words]._option_string_actions
    assert ("--json" in options) != (words in SAY_NOTHING)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_example_is_one_that_is_understood(words: tuple[str, ...]) -> None:
    example = COMMANDS[words].format_help().partition("example: ")[2].splitlines()[0]
    for line in re.findall(r"fieldline ([^;]*)", example):
        given = [re.sub(r"^'|'$", "", word) for word in re.findall(r"'[^']*'|[^\s\"')]+", line)]
        cli.make_parser().parse_args(given)  # ends the test where it is not


def test_what_cannot_be_undone_is_asked_first() -> None:
    asking = {
        ("device", "revoke"), ("device", "remove"), ("device", "password"), ("group", "delete"),
    }  # fmt: skip
    assert asking <= {
        words for words, one in COMMANDS.items() if "--yes" in one._option_string_actions
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StackError("x"), 1),
        (JavaMissing({}), 1),
        (PermissionError("x"), 1),
        (SettingsRefused("x.toml", "y", "z"), 2),
        (NotReached("x"), 3),
        (ConnectionRefusedError("x"), 3),
        (TimeoutError("x"), 3),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda one: type(one).__name__,
)
def test_the_exit_status_says_what_kind_of_fault_it_is(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr("cloud.stack.commands.down.run", fail)
    assert cli.main(["down"]) == status


def test_wrong_arguments_are_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["start"])
    assert ended.value.code == 2
    assert "STAGE" in capsys.readouterr().err


def test_each_exit_status_stands_in_the_help_and_in_the_document() -> None:
    text = cli.make_parser().format_help()
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", OPERATION.read_text("utf-8"), re.MULTILINE))
    assert set(rows) == {"0", "1", "2", "3", "130"}
    assert all(re.search(rf"\b{status} [a-z]", text) for status in rows)
