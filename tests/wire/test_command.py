from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.command import (
    COMMANDS,
    Command,
    CommandRefused,
    Interval,
    Reply,
    Sampling,
    arguments_of,
    decode_command,
    decode_reply,
    encode_command,
    encode_reply,
)
from wire.errors import MessageRefused

ids = st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z")
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
values = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | texts | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(texts, values, max_size=3)
times = st.floats(0, 2e9)


@given(st.builds(Command, ids, texts, st.none() | times, tables))
def test_a_command_survives_the_wire(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


@given(st.builds(Reply, ids, st.booleans(), times, st.none() | tables, texts))
def test_a_reply_survives_the_wire(reply: Reply) -> None:
    assert decode_reply(encode_reply(reply)) == reply


@given(st.binary(max_size=60))
def test_any_bytes_are_a_command_or_refused(payload: bytes) -> None:
    with contextlib.suppress(MessageRefused):
        assert decode_command(payload).id


@given(st.sampled_from(sorted(COMMANDS)), tables)
def test_any_arguments_are_read_or_refused(name: str, arguments: dict[str, object]) -> None:
    with contextlib.suppress(CommandRefused):
        assert isinstance(arguments_of(Command("1", name, None, arguments)), COMMANDS[name])


def test_arguments_are_read_into_their_form() -> None:
    assert arguments_of(Command("1", "sampling", None, {"on": False})) == Sampling(on=False)
    given_ = {"source": "board", "interval_s": 2}
    assert arguments_of(Command("1", "interval", None, given_)) == Interval("board", 2.0)


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("smapling", {}, "did you mean 'sampling'"),
        ("format", {}, "known are sampling, interval, identify"),
        ("sampling", {"on": "yes"}, r"wrong arguments of 'sampling': .*it takes on, source \("),
        ("sampling", {"on": True, "sorce": "x"}, "unknown field `sorce`"),
        ("interval", {"source": "x"}, "missing required field `interval_s`"),
        ("restart", {"now": True}, "it takes none"),
    ],
)
def test_what_is_wrong_is_answered_with_what_is_known(
    name: str, arguments: dict[str, object], sentence: str
) -> None:
    with pytest.raises(CommandRefused, match=sentence):
        arguments_of(Command("1", name, None, arguments))
