"""Ports stay the same from run to run."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cloud.stack import ports
from cloud.stack.errors import PortTaken, StackError


def test_ports_are_free_different_and_the_same_the_next_time(tmp_path: Path) -> None:
    names = ["mqtt", "kafka", "other"]
    chosen = ports.choose(tmp_path / "ports.json", names)
    assert len(set(chosen.values())) == 3
    assert ports.choose(tmp_path / "ports.json", names) == chosen


def test_a_new_name_gets_a_port_and_the_others_keep_theirs(tmp_path: Path) -> None:
    before = ports.choose(tmp_path / "ports.json", ["mqtt"])
    after = ports.choose(tmp_path / "ports.json", ["mqtt", "kafka"])
    assert after["mqtt"] == before["mqtt"]
    assert after["kafka"] != after["mqtt"]


def test_a_usual_port_that_is_in_use_is_not_chosen(tmp_path: Path) -> None:
    taken = set()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind((ports.HOST, 9092))
            other.listen()
        except OSError:
            pass  # somebody has it already, which serves as well
        taken.add(9092)
        assert ports.choose(tmp_path / "ports.json", ["kafka"])["kafka"] not in taken


def test_a_kept_port_in_use_is_named_with_who_has_it_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    with socket.socket() as other:
        other.bind((ports.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        file.write_text(f'{{"mqtt": {port}}}')
        with pytest.raises(PortTaken, match="stop that, or give mqtt another port") as refused:
            ports.check_free(file, {"mqtt": ports.HOST})
    assert f"port {port}" in str(refused.value)
    assert f"process {os.getpid()} " in str(refused.value)
    ports.check_free(file, {"mqtt": ports.HOST})


def test_a_damaged_file_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    with pytest.raises(StackError, match="delete it"):
        ports.choose(tmp_path / "ports.json", ["mqtt"])


def test_an_address_that_this_machine_has_not_is_said(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    ports.choose(file, ["mqtt"])
    ports.check_free(file, {"mqtt": "0.0.0.0"})
    with pytest.raises(StackError, match=r"203\.0\.113\.7 is no address of this machine"):
        ports.check_free(file, {"mqtt": "203.0.113.7"})
