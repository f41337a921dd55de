from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.enrolment.errors import EnrolmentFailed
from edge_agent.enrolment.toml_keys import Values, set_keys

FILE = """# mine
[agent]
device = "old"  # who
data = "/d"

[mqtt]   # the broker
host = "h"
username = "u"

[buffer]
quota_mb = 5

[[source]]
kind = "host"
"""


def test_keys_are_set_and_all_else_stays_to_the_letter() -> None:
    values: Values = {"agent": {"device": "pi-7"}, "mqtt": {"host": "b", "port": 1, "tls": True}}
    expected = (
        FILE.replace('device = "old"  # who', 'device = "pi-7"')
        .replace('host = "h"', 'host = "b"')
        .replace('username = "u"\n', 'username = "u"\nport = 1\ntls = true\n')
    )
    assert set_keys(FILE, values) == expected
    assert set_keys(expected, values) == expected


def test_a_table_that_is_not_there_is_added_last() -> None:
    assert tomllib.loads(set_keys("a = 1\n", {"mqtt": {"host": "h"}})) == {
        "a": 1, "mqtt": {"host": "h"},
    }  # fmt: skip


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=30))
def test_any_text_is_a_value(text: str) -> None:
    assert tomllib.loads(set_keys(FILE, {"mqtt": {"ca": text}}))["mqtt"]["ca"] == text


@pytest.mark.parametrize("text", ['mqtt = {host = "h"}\n', '[mqtt]\nhost = """\nh"""\n'])
def test_what_is_not_a_key_a_line_is_left_to_a_person(text: str) -> None:
    with pytest.raises(EnrolmentFailed, match=r"Set by hand: \[mqtt\] host = \"b\""):
        set_keys(text, {"mqtt": {"host": "b"}})
