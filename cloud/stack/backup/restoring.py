"""Makes an empty data folder what a backup says."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import psycopg

from cloud.sql import roles
from cloud.sql.errors import MigrationRefused
from cloud.sql.migrate import load, migrate, pending
from cloud.stack import ports, preflight
from cloud.stack.backup import archive, database
from cloud.stack.backup.errors import BackupRefused
from cloud.stack.backup.manifest import DATABASE, Entry, Manifest
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Postgres
from cloud.stack.prepare import postgres_plan
from cloud.stack.servers import postgres as server
from cloud.stack.settings import Settings
from cloud.stack.settings import load as load_settings

Say = Callable[[str], None]

_STARTS_WITHIN_S = 60.0


def check(file: Path, passphrase: bytes | None, say: Say) -> Manifest:
    """Read all of a backup, compare every sum and version, change nothing. Raises StackError."""
    with archive.opened(file, passphrase) as reader:
        say(f"reading {len(reader.manifest.files)} files, {reader.manifest.bytes / 1e6:,.0f} MB")
        reader.extract(lambda _: None, lambda _: None)
        made = reader.manifest
    try:
        pending(load(), made.migrations)
    except MigrationRefused as error:
        raise BackupRefused(
            f"the backup is of Fieldline {made.version}, whose database this version does not "
            f"know: {error}"
        ) from None
    here = _tools_version()
    if made.postgres // 10_000 > here:
        raise BackupRefused(
            f"the backup is of PostgreSQL {made.postgres // 10_000}, and here is {here}: install "
            f"postgresql-{made.postgres // 10_000}"
        )
    return made


def restore(
    folder: Folder,
    file: Path,
    passphrase: bytes | None,
    say: Say,
    *,
    new_ports: bool = False,
    config: Path | None = None,
) -> Manifest:
    """Fill an empty data folder. Raises StackError, and then the folder is as empty as it was."""
    preflight.check_path(folder)
    refuse_if_used(folder)
    made = check(file, passphrase, say)
    existed = folder.data.exists()
    try:
        preflight.make_folder(folder)
        dumped = _extract(folder, file, passphrase, new_ports=new_ports)
        settings = load_settings(config or folder.settings)
        postgres = _server(folder, settings)
        with _running(folder, postgres, say):
            _fill(postgres, dumped, made, say)
        dumped.unlink()
    except BaseException:
        _empty(folder, existed=existed)
        raise
    return made


def refuse_if_used(folder: Folder) -> None:
    """Raises BackupRefused if there is anything in the data folder."""
    if folder.data.exists() and any(folder.data.iterdir()):
        raise BackupRefused(
            f"{folder.data} is not empty, and a restore changes nothing that is there; name an "
            "empty folder with --data, or move that one away"
        )


def _extract(folder: Folder, file: Path, passphrase: bytes | None, *, new_ports: bool) -> Path:
    dumped = folder.run / DATABASE

    def place(entry: Entry) -> BinaryIO | None:
        if new_ports and entry.name == "ports.json":
            return None
        to = dumped if entry.name == DATABASE else folder.data / entry.name
        to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    with archive.opened(file, passphrase) as reader:
        reader.extract(place, lambda _: None)
    folder.tls.chmod(0o755)
    for readable in folder.tls.glob("*.pem"):
        readable.chmod(0o644)
    return dumped


def _server(folder: Folder, settings: Settings) -> Postgres:
    names = ["postgres"] if settings.postgres == "embedded" else []
    chosen = ports.choose(folder.data / "ports.json", names)
    if names:
        ports.check_free(folder.data / "ports.json", {"postgres": ports.HOST})
    return postgres_plan(folder, settings.postgres, chosen)


@contextmanager
def _running(folder: Folder, postgres: Postgres, say: Say) -> Iterator[None]:
    """Run our own PostgreSQL meanwhile; one elsewhere must run."""
    if not postgres.embedded:
        yield
        return
    say("starting PostgreSQL")
    with folder.log("restore").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cloud.stack.servers.postgres", "--data", str(folder.data)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while True:
            try:
                server.create_owner(folder, postgres.host, postgres.port)
                break
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    said = folder.log("restore").read_text("utf-8", "replace")[-600:]
                    raise StackError(f"PostgreSQL does not start: {error} {said}") from None
                time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown
        process.wait()


def _fill(postgres: Postgres, dumped: Path, made: Manifest, say: Say) -> None:
    with database.connect(postgres) as owner:
        row = owner.execute("SELECT to_regnamespace('storage') IS NULL").fetchone()
        if row != (True,):
            raise BackupRefused(
                f"the database {postgres.database} on {postgres.host} is not empty, and a restore "
                "changes nothing that is there; make an empty one"
            )
        roles.ensure(owner)
        say("database: being filled")
        database.restore(postgres, dumped, say)
        migrate(owner, load(), say)
        owner.execute("SELECT storage.note_restore(to_timestamp(%s))", [made.taken])
        say("database: being measured, so that it answers quickly")
        owner.execute("ANALYZE")


def _tools_version() -> int:
    done = subprocess.run(
        [str(server.find("pg_restore")), "--version"], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[2].split(".")[0])


def _empty(folder: Folder, *, existed: bool) -> None:
    for left in folder.data.iterdir() if folder.data.exists() else ():
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
    if not existed:
        shutil.rmtree(folder.data, ignore_errors=True)
