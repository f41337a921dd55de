"""A root that is started as a machine: systemd is its process 1, with control groups of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.packaging.root import ENVIRONMENT, Root
from tests.waiting import eventually


class Hierarchy(NamedTuple):
    """One of the kernel's hierarchies of control groups: one (version 2), or one a controller."""

    kind: str  # cgroup2, or cgroup
    options: str
    at: Path


class Machine:
    """It runs until `off`; in this machine's network, with /dev and /proc of its own."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._groups = [each.at / f"fieldline-test-{os.getpid()}" for each in _hierarchies()]
        self.on()

    def on(self) -> None:
        """Start it, and wait until it says that it is up."""
        for group in self._groups:
            group.mkdir(exist_ok=True)
            for inherited in ("cpuset.cpus", "cpuset.mems"):  # version 1 leaves them empty
                if (group / inherited).exists():
                    (group / inherited).write_text((group.parent / inherited).read_text())
        join = "; ".join(f"echo $$ > {group}/cgroup.procs" for group in self._groups)
        boot = (
            f"{join}; exec unshare --cgroup --mount --pid --uts --ipc --fork --kill-child "
            'sh -ec "$0"'
        )
        self._outer = subprocess.Popen(["sh", "-ec", boot, _inside(self._root.folder)])
        eventually(lambda: self.run("systemctl is-system-running") == "running\n", within=60)

    def run(self, script: str, *, status: int = 0, timeout: float = 120) -> str:
        """Run a shell script as the machine's root; returns what it printed."""
        children = _children(self._outer.pid)
        assert children, "it is not started yet"
        done = subprocess.run(
            ["nsenter", f"--target={children[0]}", "--all", *ENVIRONMENT.split(),
             "sh", "-ec", script],
            capture_output=True, text=True, check=False, timeout=timeout,
        )  # fmt: skip
        assert done.returncode == status, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def shown(self, unit: str, *properties: str) -> dict[str, str]:
        """What `systemctl show` says of a unit."""
        names = ",".join(properties)
        lines = self.run(f"systemctl show --property={names} {unit}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def off(self) -> None:
        """Pull the plug."""
        self._outer.kill()  # --kill-child: and with it process 1, and with that all others
        self._outer.wait(30)
        for group in self._groups:
            for folder, _, _ in os.walk(group, topdown=False):
                # Its processes may take a moment to be gone.
                eventually(lambda at=Path(folder): at.rmdir() is None, within=10)  # type: ignore[misc]


def _hierarchies() -> list[Hierarchy]:
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, at, kind, options, *_ = line.split()
        if kind in {"cgroup", "cgroup2"}:
            named = [each for each in options.split(",") if each not in {"rw", "ro", "relatime"}]
            named = [each for each in named if not each.startswith(("nosuid", "nodev", "noexec"))]
            found.append(Hierarchy(kind, ",".join(named), Path(at)))
    return found


def _inside(at: Path) -> str:
    """What makes the root look like a machine to systemd (systemd.io/CONTAINER_INTERFACE)."""
    lines = [
        f"cd {at}",
        "mount --bind . .",
        f"cd {at}",
        "mount -t proc proc proc",
        "mount -t sysfs -o ro sysfs sys",
        "mount -t tmpfs -o mode=755 tmpfs run",
        "mount -t tmpfs -o mode=755 tmpfs dev",
        "for each in null zero full random urandom tty",
        "do touch dev/$each; mount --bind /dev/$each dev/$each; done",
        "mkdir dev/pts dev/shm",
        "mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts",
        "ln -s pts/ptmx dev/ptmx",
        "mount -t tmpfs tmpfs dev/shm",
    ]
    hierarchies = _hierarchies()
    if hierarchies[0].at != Path("/sys/fs/cgroup"):  # version 1: a folder for each
        lines.append("mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup")
    for kind, options, where in hierarchies:
        option = f"-o none,{options}" if options.startswith("name=") else f"-o {options}"
        lines.append(f"mkdir -p .{where}")
        lines.append(f"mount -t {kind} {option if kind == 'cgroup' else ''} {kind} .{where}")
    lines += [
        "hostname device",
        "mkdir -p old",
        "pivot_root . old",
        "umount -l /old",
        "exec env -i container=test /lib/systemd/systemd --log-target=journal --show-status=no",
    ]
    return "\n".join(lines)


def _children(pid: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
