"""The package on a clean Debian 12: installed, enrolled, sending, upgraded, removed, purged."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.deb.device import Known, build
from tests.packaging.packages import newer
from tests.packaging.root import Root
from tests.stack import Stack
from tests.waiting import eventually

AS_THE_UNIT_DOES = (
    "exec setpriv --reuid fieldline-agent --regid fieldline-agent --init-groups fieldline-agent run"
)


@pytest.fixture(
    params=[
        pytest.param("amd64", marks=pytest.mark.clean_root),
        pytest.param("arm64", marks=[pytest.mark.emulated, pytest.mark.timeout(1500)]),
    ]
)
def arch(request: pytest.FixtureRequest) -> str:
    """The device's architecture: this machine's, or a Raspberry Pi's under QEMU."""
    return str(request.param)


@pytest.fixture
def package(arch: str, tmp_path: Path) -> Path:
    """The package."""
    return build(arch, tmp_path)


@pytest.fixture
def root(arch: str, tmp_path: Path) -> Iterator[Root]:
    """A clean Debian."""
    made = Root(tmp_path / "root", arch)
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


def runs_until_more_is_stored(root: Root, device: Known) -> None:
    before = device.stored()
    agent = root.start(AS_THE_UNIT_DOES)
    try:
        eventually(lambda: device.stored() > before, within=120, what="its readings are stored")
    finally:
        agent.stop()


def epoch(root: Root) -> str:
    shown = root.run("fieldline-agent buffer show")
    found = re.search(r"[0-9a-z]{16}", shown)
    assert found is not None, shown
    return found[0]


def test_it_is_installed_enrolled_sends_is_upgraded_removed_and_purged(
    root: Root, stack: Stack, package: Path, arch: str
) -> None:
    device = Known(stack, f"pi-{arch}")
    root.install(package)
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[arch]
    assert root.run("python3 -c 'import platform; print(platform.machine())'").strip() == machine
    assert "dialout" in root.run("id fieldline-agent")
    assert "not enrolled yet" in root.run("fieldline-agent doctor", status=1)
    assert "there is a device" not in root.run(f"fieldline-agent enrol '{device.code()}'")
    key = "/var/lib/fieldline-agent/identity/current/key.pem"
    assert root.run(f"stat -c '%U %a' {key}") == "fieldline-agent 600\n"
    assert root.run("find /var/lib/fieldline-agent ! -user fieldline-agent") == ""

    runs_until_more_is_stored(root, device)
    first, configured = epoch(root), (root.folder / "etc/fieldline/agent.toml").read_text()
    examined = root.run("fieldline-agent doctor || true")
    for step in ("login", "publish", "receipt"):
        assert re.search(rf"✓ {step} ", examined), examined

    root.install(newer(package))
    assert "999" in root.run("dpkg-query -W fieldline-agent")
    assert epoch(root) == first
    assert (root.folder / "etc/fieldline/agent.toml").read_text() == configured
    runs_until_more_is_stored(root, device)

    root.run("apt-get remove -q -y fieldline-agent")
    assert not (root.folder / "usr/bin/fieldline-agent").exists()
    assert not (root.folder / "usr/lib/fieldline-agent").exists()
    assert (root.folder / "var/lib/fieldline-agent/buffer.sqlite").exists()
    assert (root.folder / "etc/fieldline/agent.toml").read_text() == configured

    root.install(package)
    runs_until_more_is_stored(root, device)
    assert epoch(root) == first

    assert device.epochs() == [(first, 0)]
    assert set(device.sent().values()) == {1}
    checked = stack.json("verify", timeout=120)
    assert (checked["differing"], checked["missing"], checked["doubled"]) == (0, 0, 0)

    root.run("apt-get purge -q -y fieldline-agent")
    assert root.traces() == []
    root.run("getent passwd fieldline-agent || getent group fieldline-agent", status=2)
