"""Two supervised stages below a real supervisord, in the API's folder.

They are played: a stage that has work and does nothing is hard to come by.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from cloud.stack import accounts, supervision
from cloud.stack.folder import Folder
from cloud.stack.programs import Program, supervisor_config
from cloud.stack.stopping import stop_all
from tests.cloud.control.api import Api

_PLAY = """
import json, pathlib, sys, time
progress, wanted = map(pathlib.Path, sys.argv[1:])
print("playing", flush=True)
while True:
    said = {"at": time.time(), "rate_in": 2.0, "rate_out": 2.0, "lag": 0, "newest": time.time()}
    if wanted.exists():
        said |= json.loads(wanted.read_text())
    new = progress.with_suffix(".new")
    new.write_text(json.dumps(said))
    new.replace(progress)
    time.sleep(0.1)
"""


@dataclass(frozen=True)
class Supervised:
    """The stages `bridge` and `stream`."""

    folder: Folder

    def stall(self, stage: str) -> None:
        """Have it say that it has work and does nothing."""
        wanted = {"rate_out": 0.0, "lag": 9, "lag_seconds": 60.0}
        (self.folder.run / f"{stage}.wanted").write_text(json.dumps(wanted))

    def go_on(self, stage: str) -> None:
        """Have it make progress."""
        (self.folder.run / f"{stage}.wanted").unlink(missing_ok=True)


def plan(api: Api) -> bytes:
    """The broker and PostgreSQL run elsewhere, and are the session's."""
    watcher = {
        "username": accounts.WATCHER,
        "password_file": str(api.broker.folder.secret(accounts.WATCHER)),
    }
    return msgspec.json.encode(
        {
            "mqtt": {
                "host": api.broker.host, "port": api.broker.port, "ca": api.broker.ca,
                "bridge": watcher, "watcher": watcher, "embedded": False,
            },
            "kafka": {"bootstrap": "127.0.0.1:1"},
            "postgres": {
                "host": api.postgres.host, "port": api.postgres.port,
                "database": api.postgres.database,
                "sslmode": "disable", "secrets": str(api.postgres.folder.secrets),
                "owner_password_file": "", "embedded": False,
            },
            "api": {
                "host": "127.0.0.1", "port": api.port, "ca": str(api.certificates.ca),
                "token_file": str(api.folder.secret("local-token")),
            },
            "stages": ["broker", "postgres", "bridge", "stream"],
        }
    )  # fmt: skip


@contextmanager
def played_stages(api: Api) -> Iterator[Supervised]:
    """Start them; the API finds them by itself, and rotates its CA if it is told to."""
    folder = api.folder
    folder.run.mkdir(exist_ok=True)
    folder.logs.mkdir(exist_ok=True)
    api.postgres.password("fieldline_reader")
    play = folder.run / "play.py"
    play.write_text(_PLAY)
    programs = [
        Program(
            stage,
            [sys.executable, str(play), str(folder.progress(stage)),
             str(folder.run / f"{stage}.wanted")],
            number,
        )
        for number, stage in enumerate(("bridge", "stream"))
    ]  # fmt: skip
    folder.supervisor_config.write_text(
        supervisor_config(folder, programs, as_root=False, open_files=4096)
    )
    supervision.launch(folder)
    try:
        folder.plan.write_bytes(plan(api))
        yield Supervised(folder)
    finally:
        folder.plan.unlink()
        stop_all(folder, lambda _: None)
