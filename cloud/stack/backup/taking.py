"""Makes a backup while everything runs."""

import json
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from cloud.stack.backup import archive, contents, database
from cloud.stack.backup.errors import BackupRefused
from cloud.stack.backup.manifest import DATABASE, FORMAT, Entry, Manifest
from cloud.stack.folder import Folder
from cloud.stack.plan import Plan

Say = Callable[[str], None]

_RECORD = """
INSERT INTO control.backup (taken, file, bytes, encrypted) VALUES (to_timestamp(%s), %s, %s, %s)
"""
_AUDIT = """
INSERT INTO control.audit (person, role, address, request, action, subject, after)
VALUES ('local', 'admin', '', '', 'backup.make', %s, %s)
"""


class Taken(NamedTuple):
    """The file, and what it says of itself."""

    file: Path
    manifest: Manifest


def name(now: float, host: str) -> str:
    """Name the file of a backup into a folder."""
    return f"fieldline-{host}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}.backup"


def take(folder: Folder, plan: Plan, target: Path, passphrase: bytes | None, say: Say) -> Taken:
    """Write a backup of one instant to a file, or into a folder. Raises StackError, OSError."""
    file = target / name(time.time(), socket.gethostname()) if target.is_dir() else target
    if file.exists():
        raise archive.exists(file)
    if not file.parent.is_dir():
        raise BackupRefused(f"there is no folder {file.parent}")
    with (
        database.connect(plan.postgres) as connection,
        tempfile.TemporaryDirectory(prefix=".fieldline-backup-", dir=file.parent) as beside,
    ):
        dumped = Path(beside) / DATABASE
        snapshot = database.Snapshot(connection)
        say(f"database: {snapshot.devices} devices, {snapshot.readings:,} readings booked")
        database.dump(plan.postgres, snapshot, dumped, say)
        connection.execute("COMMIT")
        # After the database: a device that was let in meanwhile is in accounts.json, from where
        # the API takes over whom it does not know.
        sources = _copies(folder, Path(beside))
        entries = tuple(
            Entry(path, source.stat().st_size, archive.digest(source))
            for path, source in [*sources.items(), (DATABASE, dumped)]
        )
        manifest = Manifest(
            FORMAT,
            version("fieldline"),
            snapshot.taken,
            socket.gethostname(),
            snapshot.postgres,
            snapshot.migrations,
            snapshot.devices,
            snapshot.readings,
            entries,
        )
        say(f"writing {len(entries)} files, {manifest.bytes / 1e6:,.0f} MB, to {file}")
        archive.write(file, manifest, {**sources, DATABASE: dumped}, passphrase, lambda _: None)
        with connection.transaction():
            sealed = passphrase is not None
            size = file.stat().st_size
            connection.execute(_RECORD, [snapshot.taken, str(file.absolute()), size, sealed])
            after = json.dumps({"bytes": size, "encrypted": sealed})
            connection.execute(_AUDIT, [f"backup/{file.name}"[:200], after])
    return Taken(file, manifest)


def _copies(folder: Folder, beside: Path) -> dict[str, Path]:
    """Copy what is kept, so that what is written is what was summed."""
    copies: dict[str, Path] = {}
    for number, file in enumerate(contents.kept(folder)):
        copy = beside / str(number)
        copy.touch(mode=0o600)
        shutil.copyfile(file, copy)
        copies[file.relative_to(folder.data).as_posix()] = copy
    copy = beside / "grafana"
    if contents.copy_grafana(folder, copy):
        copy.chmod(0o600)
        copies[contents.GRAFANA] = copy
    return copies
