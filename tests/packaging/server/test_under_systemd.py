"""The whole stack as a hardened service of a machine whose process 1 is systemd."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.packaging.deb.machine import Machine
from tests.waiting import eventually

pytestmark = pytest.mark.clean_root

UNIT = "fieldline"
COMMAND = Path(sys.executable).with_name("fieldline")
DATA = "/var/lib/fieldline"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """This machine once more, with the checkout in it; what it writes is forgotten."""
    at = tmp_path_factory.mktemp("machine")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", at], check=True)
    for name in ("upper", "work", "root"):
        (at / name).mkdir()
    root = at / "root"
    layers = f"lowerdir=/,upperdir={at}/upper,workdir={at}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], check=True)
    try:
        made = Machine(SimpleNamespace(folder=root))  # type: ignore[arg-type]
        made.run(f"rm -rf {DATA}")
        yield made
        made.off()
    finally:
        subprocess.run(["umount", "--recursive", at], check=True)


def status(machine: Machine) -> dict[str, str]:
    said = json.loads(machine.run(f"{COMMAND} status --json --data {DATA} || true"))
    return {stage["name"]: stage["state"] for stage in said["stages"]}


def all_run(machine: Machine) -> bool:
    return set(status(machine).values()) == {"running"}


def test_installed_and_started_every_stage_makes_progress(machine: Machine) -> None:
    assert "systemctl start" in machine.run(f"cd / && {COMMAND} install-service")
    machine.run(f"systemctl start {UNIT} || (journalctl -u {UNIT}; false)", timeout=330)
    shown = machine.shown(UNIT, "ActiveState", "UnitFileState", "User")
    assert shown == {"ActiveState": "active", "UnitFileState": "enabled", "User": "fieldline"}
    assert all_run(machine)
    examined = machine.run(f"{COMMAND} doctor --data {DATA}")
    assert re.search("✓ reading +a reading took", examined), examined


def test_nothing_of_it_is_root_and_its_exposure_is_small(machine: Machine) -> None:
    group = machine.shown(UNIT, "ControlGroup")["ControlGroup"]
    owners = machine.run(
        f"for pid in $(cat /sys/fs/cgroup{group}/cgroup.procs "
        f"/sys/fs/cgroup/systemd{group}/cgroup.procs 2>/dev/null);"
        " do stat -c %U /proc/$pid; done | sort -u"
    )
    assert owners == "fieldline\n"
    said = machine.run(f"systemd-analyze security {UNIT} --no-pager | tail -1")
    (exposure,) = re.findall(r"level for \S+ ([0-9.]+)", said)
    assert float(exposure) <= 1.5


def test_killed_whole_it_comes_back_by_itself(machine: Machine) -> None:
    machine.run(f"systemctl kill --signal=KILL {UNIT}")
    eventually(lambda: all_run(machine), within=120, what="everything runs again")


def test_stopped_it_stops_in_order_and_leaves_nothing(machine: Machine) -> None:
    machine.run(f"systemctl stop {UNIT}")
    said = machine.run(f"journalctl -u {UNIT} --no-pager | tail -20")
    assert re.findall("stopping (broker|kafka|postgres|bridge|stream|api)", said)[-2:] == [
        "postgres", "broker",
    ]  # fmt: skip
    assert "nothing was lost" in said
    machine.run("cat /proc/[0-9]*/cmdline | grep -qa 'cloud[.]'", status=1)


def test_removed_its_data_stays(machine: Machine) -> None:
    machine.run(f"cd / && {COMMAND} install-service --remove")
    assert machine.shown(UNIT, "LoadState") == {"LoadState": "not-found"}
    machine.run(f"test -d {DATA}/postgres")
