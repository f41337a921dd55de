"""An API with a broker and a database that nobody else uses, for tests that kill them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path

from cloud.stack.folder import Folder
from tests.cloud.control.api import Api
from tests.cloud.databases import own_database
from tests.servers import Broker, Postgres


def _with_database(postgres: Postgres, name: str) -> Postgres:
    """The session's PostgreSQL, seen through another database."""
    seen = copy(postgres)
    seen.database = name
    return seen


@contextmanager
def alone_api(postgres: Postgres, label: str) -> Iterator[Api]:
    """Start them, and clear them away."""
    parent = Path(tempfile.mkdtemp(prefix=f"fieldline-{label}-"))
    broker = Broker(Folder(parent))
    with own_database(postgres, label) as name:
        broker.start()
        running = Api(broker.folder, _with_database(postgres, name), broker)
        try:
            running.start()
            yield running
        finally:
            running.stop()
            broker.kill()
            shutil.rmtree(parent, ignore_errors=True)
