"""A Debian 12 with nothing but its base in it, to install a package in; made once for each
architecture and kept in build/roots. Another one than this machine's runs under QEMU.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from tests.servers import CHECKOUT

ROOTS = CHECKOUT / "build" / "roots"
TOOLS = {"debootstrap": "debootstrap", "qemu-aarch64-static": "qemu-user-static"}
ENVIRONMENT = (
    "env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "
    "DEBIAN_FRONTEND=noninteractive"
)
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_QEMU = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")


class Running:
    """A program in a root: the only child of the process that made its namespaces."""

    def __init__(self, outer: subprocess.Popen[bytes]) -> None:
        self._outer = outer

    def stop(self) -> None:
        """Stop it as systemd does."""
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text()
        os.kill(int(children.split()[0]), signal.SIGTERM)
        self._outer.wait(60)


class Root:
    """A copy of it. Processes run in namespaces of their own, in this machine's network."""

    def __init__(self, folder: Path, arch: str) -> None:
        subprocess.run(["cp", "-a", _clean(arch), folder], check=True)
        self.folder = folder
        self._updated = False

    def run(self, script: str, *, status: int = 0, timeout: float = 600) -> str:
        """Run a shell script as the root's root; returns what it printed."""
        done = subprocess.run(
            self._command(script), capture_output=True, text=True, check=False, timeout=timeout
        )
        assert done.returncode == status, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, script: str) -> Running:
        """Run one that goes on; it must `exec` its way to the program."""
        return Running(subprocess.Popen(self._command(script)))

    def install(self, package: Path) -> None:
        """Install or upgrade a package, with what it depends on."""
        shutil.copy(package, self.folder / "root" / package.name)
        if not self._updated:
            self.run("apt-get update -q")
            self._updated = True
        self.run(
            "apt-get install -q -y --no-install-recommends --allow-downgrades "
            f"-o Dpkg::Options::=--force-confold /root/{package.name}"
        )

    def traces(self) -> list[str]:
        """What of Fieldline is in it, but for dpkg's and apt's own notes."""
        found = self.run("find / -xdev -name '*fieldline*'").splitlines()
        notes = r"/(root|var/lib/apt|var/cache|var/log)/"
        return [each for each in found if not re.match(notes, each)]

    def _command(self, script: str) -> list[str]:
        at = self.folder
        inside = (
            f"mount --bind {at} {at} && mount -t proc proc {at}/proc && "
            f'mount --rbind /dev {at}/dev && exec chroot {at} {ENVIRONMENT} sh -ec "$0"'
        )
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside, script]


def _clean(arch: str) -> Path:
    made = ROOTS / f"bookworm-{arch}"
    foreign = arch != _this_machines()
    if foreign:
        _can_run_arm64()
    if not made.exists():
        _has("debootstrap")
        ROOTS.mkdir(parents=True, exist_ok=True)
        unfinished = made.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        # systemd: what its helpers do when a package is installed is part of what is tested.
        bootstrap = f"debootstrap --arch={arch} --variant=minbase {'--foreign' * foreign} \
            --include=ca-certificates,systemd-sysv bookworm {unfinished}"
        second = f"chroot {unfinished} /debootstrap/debootstrap --second-stage"
        script = f"{bootstrap} && {second}" if foreign else bootstrap
        # The second stage mounts /proc: in a namespace, it cannot stay mounted.
        subprocess.run(["unshare", "--mount", "sh", "-ec", script], check=True, capture_output=True)
        unfinished.rename(made)
    return made


def _this_machines() -> str:
    asked = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


def _can_run_arm64() -> None:
    """Have the kernel run programs for arm64 by QEMU (binfmt_misc), as Debian registers it."""
    _has("qemu-aarch64-static")
    if not (_BINFMT / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "none", str(_BINFMT)], check=True)
    if not (_BINFMT / "qemu-aarch64").exists():
        (_BINFMT / "register").write_text(_QEMU.read_text().strip())


def _has(command: str) -> None:
    if shutil.which(command) is None:
        raise RuntimeError(f"no {command} here: apt-get install {TOOLS[command]}")
