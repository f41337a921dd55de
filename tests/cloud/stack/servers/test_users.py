"""The servers run for a user who is not root as they do for root."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.stack.folder import Folder
from tests.servers import Broker, Postgres, Server

NOBODY = pwd.getpwnam("nobody")


@pytest.fixture(params=[Broker, Postgres])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    parent = Path(tempfile.mkdtemp(prefix="fieldline-test-"))
    parent.chmod(0o755)
    made: Server = request.param(Folder(parent))
    if os.geteuid() == 0:
        # Leave to read, because the checkout may lie where nobody may look.
        leave = "+dac_read_search"
        made.prefix = [
            "setpriv", "--reuid", str(NOBODY.pw_uid), "--regid", str(NOBODY.pw_gid),
            "--clear-groups", "--inh-caps", leave, "--ambient-caps", leave, "--",
        ]  # fmt: skip
        for path in [parent, *parent.rglob("*")]:
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    yield made
    if made.running:
        made.kill()
    shutil.rmtree(parent)


def test_a_user_who_is_not_root_runs_it_under_his_own_name(server: Server) -> None:
    server.start()
    status = Path(f"/proc/{server.pid}/status").read_text()
    ids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    user = NOBODY.pw_uid if os.geteuid() == 0 else os.geteuid()
    assert ids == [str(user)] * 4
    assert {path.stat().st_uid for path in server.own.rglob("*")} == {user}
    server.stop()
