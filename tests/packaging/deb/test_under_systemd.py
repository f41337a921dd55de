"""The installed agent on a machine whose process 1 is systemd."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.deb.device import Known, build
from tests.packaging.deb.machine import Machine
from tests.packaging.packages import newer
from tests.packaging.root import Root
from tests.stack import Stack
from tests.waiting import eventually

pytestmark = pytest.mark.clean_root

UNIT = "fieldline-agent"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of this architecture."""
    return build("amd64", tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Root]:
    """A Debian with the package."""
    made = Root(tmp_path_factory.mktemp("machine") / "root", "amd64")
    made.install(package)
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def machine(root: Root) -> Iterator[Machine]:
    """It, started."""
    made = Machine(root)
    yield made
    made.off()


@pytest.fixture(scope="module")
def device(stack: Stack, machine: Machine) -> Known:
    """What the server knows of it; it is enrolled by the command that a person pastes."""
    known = Known(stack, "pi-systemd")
    assert machine.shown(UNIT, "ActiveState") == {"ActiveState": "inactive"}
    said = machine.run(f"fieldline-agent enrol '{known.code()}'")
    assert "the service runs, now and at each boot" in said
    return known


def pid(machine: Machine) -> int:
    return int(machine.shown(UNIT, "MainPID")["MainPID"])


def goes_on(device: Known) -> bool:
    before = device.stored()
    return bool(
        eventually(lambda: device.stored() > before, within=60, what="more readings are stored")
    )


def test_enrolling_starts_the_service_within_its_limits(machine: Machine, device: Known) -> None:
    assert goes_on(device)
    eventually(lambda: machine.shown(UNIT, "StatusText") == {"StatusText": "connected"}, within=30)
    shown = machine.shown(
        UNIT, "ActiveState", "UnitFileState", "MemoryMax", "MemoryCurrent", "TasksMax",
        "WatchdogUSec", "User", "After",
    )  # fmt: skip
    assert (shown["ActiveState"], shown["UnitFileState"]) == ("active", "enabled")
    assert shown["User"] == "fieldline-agent"
    assert (shown["WatchdogUSec"], shown["TasksMax"]) == ("1min", "64")
    assert int(shown["MemoryMax"]) == 128 * 1024 * 1024
    assert 8_000_000 < int(shown["MemoryCurrent"]) < 64_000_000
    assert "network.target" in shown["After"].split()


def test_status_and_doctor_answer_beside_the_service(machine: Machine, device: Known) -> None:
    eventually(lambda: "connection  connected" in machine.run("fieldline-agent status"))
    examined = machine.run("fieldline-agent doctor || true")
    for step in ("configuration", "data folder", "tls", "login"):
        assert re.search(rf"✓ {step} ", examined), examined
    assert "is lost" not in machine.run(f"journalctl -u {UNIT} --no-pager")
    assert "no serial ports" in machine.run("fieldline-agent scan")


def test_a_person_who_is_not_root_is_told_to_be(machine: Machine, device: Known) -> None:
    as_nobody = "setpriv --reuid nobody --regid nogroup --clear-groups fieldline-agent"
    assert "as root" in machine.run(f"{as_nobody} status 2>&1", status=2)
    code = f"fieldline:enrol?url=https://127.0.0.1&ca={'0' * 64}&token=t"
    assert "sudo fieldline-agent enrol" in machine.run(f"{as_nobody} enrol '{code}' 2>&1", status=2)


def test_killed_it_is_back_and_nothing_is_lost(machine: Machine, device: Known) -> None:
    killed = pid(machine)
    machine.run(f"kill -9 {killed}")
    eventually(lambda: pid(machine) not in {0, killed}, within=20)
    assert goes_on(device)
    assert [missing for _, missing in device.epochs()] == [0]


def test_frozen_it_is_started_anew_by_the_watchdog(machine: Machine, device: Known) -> None:
    # A third of the real minute, so that the test need not wait for that.
    drop_in = f"/run/systemd/system/{UNIT}.service.d"
    machine.run(
        f"mkdir -p {drop_in}; printf '[Service]\\nWatchdogSec=20s\\n' > {drop_in}/quick.conf;"
        f"systemctl daemon-reload; systemctl restart {UNIT}"
    )
    frozen, before = pid(machine), machine.shown(UNIT, "NRestarts")["NRestarts"]
    machine.run(f"kill -STOP {frozen}")
    eventually(
        lambda: machine.shown(UNIT, "NRestarts")["NRestarts"] != before,
        within=60, what="the watchdog has restarted it",
    )  # fmt: skip
    assert "Watchdog timeout" in machine.run(f"journalctl -u {UNIT} --no-pager")
    machine.run(f"rm -r {drop_in}; systemctl daemon-reload")
    eventually(lambda: pid(machine) not in {0, frozen}, within=20)
    assert goes_on(device)
    assert [missing for _, missing in device.epochs()] == [0]


def test_beyond_its_memory_it_is_killed_and_started_anew(machine: Machine, device: Known) -> None:
    drop_in = f"/run/systemd/system/{UNIT}.service.d"
    machine.run(
        f"mkdir -p {drop_in}; printf '[Service]\\nMemoryMax=8M\\n' > {drop_in}/small.conf;"
        f"systemctl daemon-reload; systemctl restart --no-block {UNIT}"
    )
    eventually(lambda: int(machine.shown(UNIT, "NRestarts")["NRestarts"]) >= 2, within=60)
    machine.run(f"rm -r {drop_in}; systemctl daemon-reload; systemctl restart {UNIT}")
    assert goes_on(device)
    assert [missing for _, missing in device.epochs()] == [0]


def test_after_a_power_cut_it_starts_by_itself(machine: Machine, device: Known) -> None:
    (epoch,) = device.epochs()
    machine.off()
    machine.on()
    eventually(lambda: machine.shown(UNIT, "ActiveState")["ActiveState"] == "active", within=30)
    assert goes_on(device)
    assert device.epochs() == [epoch]


def test_an_upgrade_starts_the_new_version(
    machine: Machine, device: Known, root: Root, package: Path
) -> None:
    before, (epoch,) = pid(machine), device.epochs()
    shutil.copy(newer(package), root.folder / "root" / "later.deb")
    machine.run("dpkg -i --force-confold /root/later.deb")
    assert pid(machine) not in {0, before}
    assert goes_on(device)
    assert device.epochs() == [epoch]


def test_removed_it_is_stopped_and_installed_again_it_goes_on(
    machine: Machine, device: Known, root: Root
) -> None:
    (epoch,) = device.epochs()
    machine.run("dpkg --remove fieldline-agent")
    machine.run("cat /proc/[0-9]*/cmdline | grep -qa 'edge[_]agent'", status=1)
    machine.run(f"dpkg -i --force-confold /root/later.deb; systemctl start {UNIT}")
    assert goes_on(device)
    assert device.epochs() == [epoch]


def test_purged_it_leaves_nothing_to_systemd(machine: Machine, device: Known) -> None:
    machine.run("dpkg --purge fieldline-agent")
    machine.run("cat /proc/[0-9]*/cmdline | grep -qa 'edge[_]agent'", status=1)
    assert machine.shown(UNIT, "LoadState") == {"LoadState": "not-found"}
    assert machine.run("find /etc /usr /lib /var/lib -name '*fieldline*'") == ""
