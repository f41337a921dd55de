"""Names and tables of new devices."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloud.control.devices import tables
from control_panel.model.registration import (
    enrol_command,
    name_fault,
    name_fault_words,
    read_table,
    tokens_csv,
)
from control_panel.model.things import DeviceLogin, EnrolmentToken, Imported
from wire.names import is_device_name


@given(st.text(max_size=70))
@example("pi-7")
@example("a" * 64)
def test_what_is_said_of_a_name_agrees_with_the_rule(name: str) -> None:
    fault = name_fault(name)
    assert (fault is None) == is_device_name(name)
    assert fault is None or name_fault_words(fault)


def test_a_name_that_is_taken_is_said_to_be() -> None:
    fault = name_fault("pi-7", {"pi-7"})
    assert fault is not None
    assert "pi-7 already" in name_fault_words(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name,site\npi-7,Hall\n", ""),
        ("name\npi 7\n", "a space"),
        ("name\npi-7\npi-7\n", "line 2 already"),
        ("name,kind\npi-7,robot\n", "neither agent nor foreign"),
        ("name,latitude,longitude\npi-7,91,0\n", "latitude"),
        ("name,latitude,longitude\npi-7,9,\n", "go together"),
        ("name,latitude,longitude\npi-7,nan,1\n", "latitude"),
        ("name,site\npi-7\n", "2 fields"),
    ],
)
def test_each_line_says_what_is_wrong_with_it_and_the_server_agrees(text: str, fault: str) -> None:
    table = read_table(text.encode())
    said = "".join(line.fault for line in table.lines)
    assert fault in said
    assert bool(fault) == bool(said)
    assert bool(tables.read(text)[1]) == bool(said)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "name the columns"), (b"name\n", "no device"), (b"name,colour\na,b\n", "colour"),
        (b"name,name\na,b\n", "twice"), (b"name\n\xff\n", "UTF-8"), (b'name\n"a', "no CSV"),
    ],
)  # fmt: skip
def test_what_is_no_table_says_why(content: bytes, fault: str) -> None:
    assert fault in read_table(content).fault


def test_what_was_drawn_is_a_table_with_the_command_to_paste() -> None:
    token = EnrolmentToken(
        device="pi-7", expires=datetime(2026, 1, 1, tzinfo=UTC), local_only=False, svg="",
        text="fieldline:enrol?url=x&token=y", token="y",
    )  # fmt: skip
    login = DeviceLogin(
        device="esp", ca="", host="h", password='p,"', port=1, topic="t", username="esp"
    )
    imported = Imported(logins=(login,), registered=2, tokens=(token,))
    rows = list(csv.DictReader(io.StringIO(tokens_csv(imported))))
    assert rows[0]["command"] == enrol_command(token.text)
    assert rows[1]["password"] == 'p,"'
