import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from cloud.stack import supervision
from cloud.stack.folder import Folder
from tests.end_to_end.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with the demo's boards and recordings, up and making progress."""
    running = Stack(Folder(tmp_path_factory.mktemp("stack")))
    _draw_ports(running.folder)
    try:
        running.run("up", "--detach", "--demo", timeout=280)
        yield running
    finally:
        running.run("down", status=None, timeout=120)
        left = supervision.leftovers(running.folder)
        if left:
            supervision.end(left, lambda: supervision.leftovers(running.folder))


def _draw_ports(folder: Folder) -> None:
    """Give the servers any free ports: the usual ones may be another stack's on this machine."""
    names = ("mqtt", "kafka", "kafka_controller", "postgres")
    with ExitStack() as held:
        probes = {name: held.enter_context(socket.socket()) for name in names}
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        drawn = {name: probe.getsockname()[1] for name, probe in probes.items()}
    (folder.data / "ports.json").write_text(json.dumps(drawn))
