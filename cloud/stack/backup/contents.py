"""Which files of a data folder are kept, besides the database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from cloud.stack.folder import Folder

GRAFANA = "grafana/grafana.db"
_MOST_BYTES = 1_000_000


def kept(folder: Folder) -> Iterator[Path]:
    """Name them: settings, ports, secrets, CA and certificates, and the settings of local agents.

    Never an agent's buffer: an old one would number new readings as old ones were, and storage
    would take them for repetitions. An agent without one begins a new epoch.
    """
    for file in (folder.settings, folder.data / "ports.json"):
        if file.is_file():
            yield file
    for part in (folder.secrets, folder.tls):
        yield from sorted(file for file in part.rglob("*") if _plain(file))
    for file in sorted(folder.agents.rglob("*")):
        if _plain(file) and "buffer" not in file.name and file.stat().st_size <= _MOST_BYTES:
            yield file


def copy_grafana(folder: Folder, to: Path) -> bool:
    """Copy Grafana's own database as it is at one instant; False if there is none."""
    source = folder.data / GRAFANA
    if not source.is_file():
        return False
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as here,
        closing(sqlite3.connect(to)) as there,
    ):
        here.backup(there)
    return True


def _plain(file: Path) -> bool:
    """A file that is whole: not one that is just being written beside another."""
    return file.is_file() and not file.is_symlink() and not file.name.startswith(".")
