"""Configurations as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.stack.documents import changed, keys, read
from cloud.stack.errors import StackError

_BY = st.fixed_dictionaries(
    {"factor": st.sampled_from([1.0, 2.5]), "offset": st.sampled_from([0.0, -3.0])}
)
_SOURCE = st.fixed_dictionaries(
    {},
    optional={
        "on": st.booleans(),
        "interval_s": st.sampled_from([0.5, 60.0]),
        "calibration": st.dictionaries(
            st.sampled_from(["gas/co", "a.b", "t"]), _BY, min_size=1, max_size=2
        ),
    },
).filter(bool)
documents = st.dictionaries(st.sampled_from(["board", "host"]), _SOURCE, max_size=2)


@given(documents)
def test_what_is_shown_can_be_given_again(document: dict) -> None:  # type: ignore[type-arg]
    shown = [f"{key}={value}" for key, value in keys(document).items()]
    assert changed({}, shown) == document
    assert changed(document, [f"{key}=" for key in keys(document)]) == {}
    assert changed(document, []) == document


def test_a_change_leaves_the_rest_as_it_is() -> None:
    before = {"board": {"on": True, "interval_s": 1.0}}
    after = changed(before, ["board.interval_s=2", "host.on=OFF", "board.on="])
    assert after == {"board": {"interval_s": 2.0}, "host": {"on": False}}
    assert before == {"board": {"on": True, "interval_s": 1.0}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("board", "is no KEY=VALUE"),
        ("on=1", "is no KEY=VALUE"),
        (".on=on", "is no KEY=VALUE"),
        ("board.of=on", "there is no key 'board.of'; keys are SOURCE.on"),
        ("board.calibration.c.gain=1", "there is no key"),
        ("board.calibration.factor=1", "there is no key"),
        ("board.on=1", "is on or off, not '1'"),
        ("board.interval_s=often", "is a number, not 'often'"),
    ],
)
def test_a_key_that_there_is_not_is_refused_with_those_there_are(change: str, words: str) -> None:
    with pytest.raises(StackError, match=words.replace("(", r"\(")):
        changed({}, [change])


def test_a_file_says_sources_and_nothing_beside(tmp_path: Path) -> None:
    toml, js = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text('[sources.board]\non = false\n[sources.board.calibration."gas/co"]\nfactor = 2')
    js.write_text('{"sources":{"board":{"on":false,"calibration":{"gas/co":{"factor":2}}}}}')
    assert read(toml) == read(js)
    toml.write_text("[board]\non = false")
    with pytest.raises(StackError, match=r"must say \[sources.NAME\]"):
        read(toml)
    js.write_text("{")
    with pytest.raises(StackError, match="cannot be read"):
        read(js)
