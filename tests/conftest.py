"""What all tests share: real servers, one of each a session, and no quiet errors."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.stack import supervision
from cloud.stack.folder import Folder
from tests.cloud.control.api import Api
from tests.servers import Broker, Kafka, Postgres, Server, draw_ports
from tests.sharing import Sharing
from tests.stack import Stack


@pytest.fixture(autouse=True)
def no_unexpected_errors(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Fail a test in which something logged an error, unless it is marked `logs_errors`."""
    yield
    if request.node.get_closest_marker("logs_errors"):
        return
    errors = [
        record.getMessage()
        for when in ("setup", "call")
        for record in caplog.get_records(when)
        if record.levelno >= logging.ERROR
    ]
    assert not errors, f"logged errors: {errors}"


@pytest.hookimpl(optionalhook=True)  # without xdist there is nothing to share out
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Run what is heavy in one of the two processes."""
    return Sharing(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers of a failed test said last."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Server) and value.log.exists():
                tail = value.log.read_text(errors="replace")[-20_000:]
                report.sections.append((f"log of {name}", tail))
            if isinstance(value, Stack):
                for log in sorted(value.folder.logs.glob("*.log")):
                    tail = log.read_text(errors="replace")[-10_000:]
                    report.sections.append((f"log of {log.stem}", tail))
    return report


def _session(make: Callable[[Folder], Server]) -> Iterator[Server]:
    # Not pytest's own folder: PostgreSQL's user may not enter that one.
    parent = Path(tempfile.mkdtemp(prefix="fieldline-test-"))
    parent.chmod(0o755)
    server = make(Folder(parent))
    try:
        server.start()
        yield server
    finally:
        if server.running:
            server.kill()
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="session")
def broker() -> Iterator[Server]:
    """A Mosquitto."""
    yield from _session(Broker)


@pytest.fixture(scope="session")
def kafka() -> Iterator[Server]:
    """A Kafka."""
    yield from _session(Kafka)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL with the schema."""
    yield from _session(Postgres)


@pytest.fixture(scope="session")
def api(postgres: Postgres, broker: Broker) -> Iterator[Api]:
    """The API, and how to ask it."""
    # The broker's folder: the API brings accounts.json and the broker to what it knows.
    running = Api(broker.folder, postgres, broker)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole stack with its demo: two simulated boards, this machine, a recorded day."""
    parent = Path(tempfile.mkdtemp(prefix="fieldline-stack-"))
    running = Stack(Folder(parent / "data"))
    running.folder.data.mkdir()
    draw_ports(running.folder)
    try:
        running.run("up", "--detach", "--demo", timeout=290)
        yield running
    finally:
        running.run("down", status=None, timeout=120)
        left = supervision.leftovers(running.folder)
        if left:
            supervision.end(left, lambda: supervision.leftovers(running.folder))
        shutil.rmtree(parent, ignore_errors=True)
