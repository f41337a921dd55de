"""How much disk each server's folder takes, and how much is free."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cloud.stack.folder import Folder

_FOLDERS = {
    "postgres": "postgres",
    "kafka": "kafka",
    "broker": "mosquitto",
    "stream": "stream",
    "grafana": "grafana",
    "logs": "logs",
    "agents": "agents",
}


class Disk(NamedTuple):
    """Of the file system that the data folder is on; `servers` has the bytes of each part of it."""

    size: int
    free: int
    servers: dict[str, int]


def measure(folder: Folder, backups: Iterable[str]) -> Disk:
    """Look at the files; of backups at those on the same disk. Raises OSError."""
    found = os.statvfs(folder.data)
    servers = {
        name: _bytes_below(folder.data / part)
        for name, part in _FOLDERS.items()
        if (folder.data / part).is_dir()
    }
    device = folder.data.stat().st_dev
    servers["backups"] = sum(_bytes_of(Path(file), device) for file in backups)
    return Disk(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, servers)


def _bytes_below(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_blocks * 512  # noqa: PTH118 -- many
            except OSError:  # gone meanwhile
                continue
    return total


def _bytes_of(file: Path, device: int) -> int:
    try:
        found = file.stat()
    except OSError:  # moved away, which is where a backup should be
        return 0
    return found.st_blocks * 512 if found.st_dev == device else 0
