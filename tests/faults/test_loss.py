"""Whatever is killed or deleted under load, every pack is stored exactly once."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.stack import Stack
from tests.waiting import eventually

RECOVERS_WITHIN_S = 90.0
VICTIMS = ["agent", "broker", "bridge", "kafka", "stream", "postgres"]


@dataclass(frozen=True)
class Written:
    """What an agent's buffer says that it has ever written."""

    device: str
    epoch: str
    packs: int


@pytest.fixture(scope="module", autouse=True)
def _flowing(stack: Stack) -> None:
    """Two boards and the host send, before anything is broken."""
    eventually(lambda: fresh(stack), within=120, what="boards and host send")


def sending(stack: Stack) -> list[str]:
    """The devices that send all the time (the others replay a recording)."""
    return ["workshop", stack.host_device]


def fresh(stack: Stack, newer_than: str = "now() - interval '15 s'") -> bool:
    """Whether every channel prefix of the sending devices has a row newer than that."""
    rows = stack.query(
        "SELECT DISTINCT device, split_part(channel, '/', 1) FROM fieldline.reading"
        f" WHERE time > {newer_than} AND time > now() - interval '10 min'"
    )
    wanted = {("workshop", "gas"), ("workshop", "room"), (stack.host_device, "host")}
    return wanted <= set(rows)


def pids(stack: Stack, victim: str) -> list[int]:
    """The processes of a stage, or of the agents of the devices that send."""
    if victim == "agent":
        return [stack.pid(f"agent-{device}") for device in sending(stack)]
    return [stack.pid(victim)]


def kill(stack: Stack, victims: list[str]) -> None:
    """SIGKILL, all of them before any can be started again."""
    for pid in [pid for victim in victims for pid in pids(stack, victim)]:
        os.kill(pid, signal.SIGKILL)


def now(stack: Stack) -> str:
    """The database's clock, as an SQL literal."""
    return f"'{stack.query('SELECT now()::text')[0][0]}'"


def written(stack: Stack) -> list[Written]:
    """Read every agent's buffer, as `fieldline-agent buffer show` does."""
    found = []
    for home in sorted((stack.folder.agents).iterdir()):
        if not (home / "buffer.sqlite").exists():
            continue
        shown = stack.agent_json("buffer", "show", "--config", str(home / "agent.toml"))
        found.append(Written(home.name, shown["epoch"], shown["next"]))
    return found


def everything_arrived(stack: Stack, wanted: list[Written]) -> bool:
    """Whether storage has all of these packs, by the ledger."""
    for one in wanted:
        rows = stack.query(
            "SELECT stored, lost, last_seq FROM fieldline.completeness"
            f" WHERE device = '{one.device}' AND epoch = '{one.epoch}'"
        )
        assert rows, f"nothing of {one}"
        stored, lost, last = rows[0]
        assert lost == 0, f"{one.device} lost {lost}"
        assert last >= one.packs - 1, f"{one}: at {last}"
        assert stored >= one.packs, f"{one}: {stored} stored"
    return True


def assert_exactly_once(stack: Stack) -> None:
    """All that was written until now is stored, once, and every aggregate agrees."""
    wanted = written(stack)
    assert {one.device for one in wanted} >= set(sending(stack))
    eventually(
        lambda: everything_arrived(stack, wanted),
        within=RECOVERS_WITHIN_S,
        what="every pack is stored",
    )
    eventually(
        lambda: stack.query("SELECT sum(missing) FROM fieldline.completeness") == [(0,)],
        within=30,
        what="nothing is missing",
    )
    result: dict[str, Any] = stack.json("verify", timeout=300)
    assert result["checked"] > 0
    assert (result["differing"], result["missing"], result["doubled"]) == (0, 0, 0), result
    # A board takes one sample at an instant: two rows at one time would be one pack twice.
    doubled = stack.query(
        "SELECT device, channel, time, count(*) FROM fieldline.reading"
        " WHERE device = 'workshop' GROUP BY 1, 2, 3 HAVING count(*) > 1 LIMIT 5"
    )
    assert doubled == []


@pytest.mark.parametrize("victim", VICTIMS)
def test_kill_9_of_one_is_recovered_from(stack: Stack, victim: str) -> None:
    before = now(stack)
    kill(stack, [victim])
    eventually(lambda: fresh(stack, before), within=RECOVERS_WITHIN_S, what=f"rows after {victim}")


def test_after_each_was_killed_every_pack_is_stored_exactly_once(stack: Stack) -> None:
    assert_exactly_once(stack)


def test_kill_9_of_all_at_once_loses_and_doubles_nothing(stack: Stack) -> None:
    before = now(stack)
    kill(stack, VICTIMS)
    eventually(lambda: fresh(stack, before), within=RECOVERS_WITHIN_S, what="rows after all")
    assert_exactly_once(stack)


@pytest.mark.parametrize("victim", ["broker", "kafka"])
def test_a_deleted_data_folder_loses_and_doubles_nothing(stack: Stack, victim: str) -> None:
    before = now(stack)
    folder = {"broker": "mosquitto", "kafka": "kafka"}[victim]
    pid = stack.pid(victim)
    shutil.rmtree(stack.folder.data / folder, ignore_errors=True)
    os.kill(pid, signal.SIGKILL)
    shutil.rmtree(stack.folder.data / folder, ignore_errors=True)
    eventually(lambda: fresh(stack, before), within=RECOVERS_WITHIN_S, what="rows after it")
    assert_exactly_once(stack)


def test_a_damaged_buffer_is_set_aside_and_a_new_epoch_begins(stack: Stack) -> None:
    home = stack.folder.agents / "workshop"
    epochs = {one.epoch for one in written(stack) if one.device == "workshop"}
    stack.stop_program("agent-workshop")
    _damage(home / "buffer.sqlite")
    before = now(stack)
    stack.start_program("agent-workshop")
    eventually(lambda: fresh(stack, before), within=60, what="rows of the new epoch")
    assert {one.epoch for one in written(stack) if one.device == "workshop"}.isdisjoint(epochs)
    assert len(list(home.glob("buffer.sqlite*"))) > 1, "the damaged one is kept"


def _damage(file: Path) -> None:
    for beside in file.parent.glob(f"{file.name}-*"):
        beside.unlink()
    content = bytearray(file.read_bytes())
    content[: 16 * 1024] = os.urandom(min(16 * 1024, len(content)))
    file.write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(file).execute("SELECT count(*) FROM sqlite_master").fetchone()
