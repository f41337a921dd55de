"""`fieldline doctor` on a real stack: sound, and broken in one way each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloud.stack.doctor import machine
from cloud.stack.doctor.checkup import Check, Doubtful, Verdict, Wrong, examine
from cloud.stack.folder import Folder
from tests.cloud.stack.doctor.broken import CASES
from tests.stack import Stack


def first_wrong(told: dict[str, Any]) -> dict[str, Any]:
    return dict(next(one for one in told["findings"] if one["verdict"] == "wrong"))


@pytest.mark.parametrize("name", CASES)
def test_what_is_broken_is_named_first_with_its_fix(stack: Stack, name: str) -> None:
    case, check, said, fix = CASES[name]
    with case(stack):
        told = stack.json("doctor", status=1)
    found = first_wrong(told)
    assert (found["check"], said in found["said"]) == (check, True), found
    assert fix in found["fix"]
    assert not told["sound"]


# What the whole machine lacks is taken away from the doctor alone: a view of the file systems of
# its own, in which $1 is the data folder.
AROUND_IT = {
    "a disk that has become read-only": (
        "mount --bind $1 $1; mount -o remount,bind,ro $1",
        "folder", "cannot be written to: Read-only file system", "dmesg"),
    "a disk that is nearly full": (
        ("mount -t tmpfs -o size=100m tmpfs /mnt; mkdir /mnt/up /mnt/work;"
        " mount -t overlay -o lowerdir=$1,upperdir=/mnt/up,workdir=/mnt/work overlay $1"),
        "disk", "only 0.1 GB are free", "make room"),
    "no Java": (
        "unset JAVA_HOME; mount -t tmpfs tmpfs /usr/lib/jvm", "java", "there is none",
        "openjdk-17-jre-headless"),
}  # fmt: skip


@pytest.mark.parametrize("name", AROUND_IT)
def test_what_the_machine_lacks_is_named_with_its_fix(stack: Stack, name: str) -> None:
    script, check, said, fix = AROUND_IT[name]
    data = str(stack.folder.data)
    command = [sys.executable, "-m", "cloud.stack.cli", "doctor", "--json", "--data", data]
    alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    done = subprocess.run(
        [*alone, "sh", "-ec", f'{script}; shift; exec "$@"', "sh", data, *command],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found = first_wrong(json.loads(done.stdout))
    assert (found["check"], said in found["said"]) == (check, True), found
    assert fix in found["fix"]


def test_a_reading_goes_all_the_way_and_is_nobodys_device(stack: Stack) -> None:
    told = stack.json("doctor")
    assert told["sound"]
    reading = told["findings"][-1]
    assert (reading["check"], reading["verdict"]) == ("reading", "good")
    rows = stack.query("SELECT count(*) FROM fieldline.reading WHERE device = 'fieldline-doctor'")
    assert rows[0][0] >= 1
    assert "fieldline-doctor" not in [one["device"] for one in stack.json("device", "list")]
    assert "fieldline-doctor" not in stack.run("status", status=None).stdout
    stack.run("verify")


def test_what_another_hinders_is_not_looked_at(stack: Stack) -> None:
    case, _, _, _ = CASES["a bridge that was stopped"]
    with case(stack):
        told = stack.json("doctor", status=1)
    reading = told["findings"][-1]
    assert (reading["verdict"], reading["said"]) == ("not looked at", "first mend: bridge")


def test_a_stack_that_is_down_is_said_to_be(stack: Stack, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for part in (folder.secrets, folder.tls):
        shutil.copytree(stack.folder.data / part.name, part)
    folder.run.mkdir()
    shutil.copy(stack.folder.plan, folder.plan)
    told = Stack(folder).json("doctor", status=1)
    assert first_wrong(told)["check"] == "supervisor"
    assert "fieldline up" in first_wrong(told)["fix"]


def test_where_nothing_was_ever_started_it_says_so(tmp_path: Path) -> None:
    done = Stack(Folder(tmp_path)).run("doctor", status=1)
    assert "nothing was ever started" in done.stderr


@pytest.mark.parametrize(("free", "kind"), [(900_000_000, Wrong), (4_000_000_000, Doubtful)])
def test_a_disk_that_fills_is_named(free: int, kind: type[Wrong]) -> None:
    with pytest.raises(kind, match="GB are free") as caught:
        machine.judge_disk("/data", free)
    assert type(caught.value) is kind
    assert "100.0 GB" in machine.judge_disk("/data", 100_000_000_000)


def test_little_memory_and_a_clock_that_nobody_sets_are_doubtful() -> None:
    with pytest.raises(Doubtful, match="100 MB"):
        machine.judge_memory(100_000_000)
    with pytest.raises(Doubtful, match="nothing sets"):
        machine.judge_clock(5)
    assert machine.judge_clock(0)


def test_a_check_that_needs_what_was_not_looked_at_names_the_first_cause() -> None:
    def ill(_: None) -> str:
        raise Wrong("it is ill", "cure it")

    def well(_: None) -> str:
        return "it is well"

    checks = [
        Check("first", ill), Check("second", well, needs=("first",)),
        Check("third", well, needs=("second",)), Check("fourth", well),
    ]  # fmt: skip
    found = list(examine(checks, None))
    assert [one.verdict for one in found] == [
        Verdict.WRONG, Verdict.NOT_LOOKED_AT, Verdict.NOT_LOOKED_AT, Verdict.GOOD,
    ]  # fmt: skip
    assert found[2].said == "first mend: first"
