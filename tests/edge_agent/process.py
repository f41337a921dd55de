"""A real agent process, its configuration, and what it holds."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from edge_agent.buffer.snapshot import snapshot
from tests.servers import CHECKOUT, Broker
from wire.ranges import RangeSet

SIMULATED = """
[[source]]
kind = "simulated"
name = "sim"
rate_hz = {rate_hz}
[[source.signals]]
channel = "c"
unit = "Cel"
copies = 20
"""


class AgentProcess:
    """`fieldline-agent run` in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        device: str,
        *,
        sources: str = SIMULATED.format(rate_hz=50),
        commit_s: float = 0.05,
        ca: str | None = None,
        host: str | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        password = folder / "password"
        password.write_text(broker.add(device))
        self.data = folder / "data"
        self.config = folder / "agent.toml"
        self.log = folder / "agent.log"
        self.config.write_text(
            f'[agent]\ndevice = "{device}"\ndata = "{self.data}"\n'
            f'[mqtt]\nhost = "{host or broker.host}"\nport = {broker.port}\n'
            f'ca = "{ca or broker.ca}"\n'
            f'password_file = "{password}"\n'
            f"[buffer]\ncommit_s = {commit_s}\n{sources}"
        )
        self._before = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        self._before = len(self.log.read_text()) if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "edge_agent.cli", "run"),
                    *("--config", str(self.config)),
                    *arguments,
                ],
                stderr=log,
                cwd=CHECKOUT,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def said(self, text: str) -> bool:
        return self.log.exists() and text in self.log.read_text()

    def said_since_start(self, text: str) -> bool:
        return text in self.log.read_text()[self._before :]

    def drain(self) -> None:
        """Run without sources until all is stored."""
        self.config.write_text(self.config.read_text().partition("[[source]]")[0])
        self.start("--once")
        assert self.process is not None
        assert self.process.wait(60) == 0

    def written(self) -> tuple[str, int]:
        """The epoch, and the next number."""
        with snapshot(self.data) as contents:
            return contents.epoch, contents.next

    def held(self) -> RangeSet:
        with snapshot(self.data) as contents:
            return RangeSet.of([(n, n) for n, _ in contents.packs()])
