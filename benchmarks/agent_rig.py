"""What the agent's benchmarks share: a broker, a cloud in its own process, figures of /proc."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud.stack.folder import Folder
from tests.servers import CHECKOUT, Broker

RESULTS = Path(__file__).parent / "results"
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def a_broker() -> Iterator[Broker]:
    """A Mosquitto with TLS and accounts, as the stack makes it."""
    with tempfile.TemporaryDirectory(prefix="fieldline-bench-") as parent:
        broker = Broker(Folder(Path(parent)))
        broker.start()
        try:
            yield broker
        finally:
            if broker.running:
                broker.kill()


class Cloud:
    """`benchmarks.agent_cloud` in a process of its own; tells once a second what has come."""

    def __init__(self, broker: Broker, device: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.agent_cloud", broker.host, str(broker.port),
             broker.ca, broker.username, broker.password_file, device],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT,
        )  # fmt: skip
        self.ask()

    def ask(self, word: str = "") -> dict[str, Any]:
        """Return what has come so far; `mark` begins `first_after` anew."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    """Resident memory, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no VmRSS of {pid}")


def written(pid: int) -> tuple[int, int]:
    """Bytes sent to the disk, and bytes given to write calls (sockets among them)."""
    io = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(io["write_bytes"]), int(io["wchar"])


def save(name: str, results: dict[str, Any]) -> None:
    """Print the results and keep them as those of the last run."""
    document = {
        "machine": {"cores": os.cpu_count()},
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        **results,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))
