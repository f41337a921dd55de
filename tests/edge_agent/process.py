"""A real agent process, its configuration, and what it holds."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
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
        module: str = "edge_agent.cli",
        program: Sequence[str] = (),
        login: str = "",
    ) -> None:
        """`program` is what runs it, if not this Python and that module.

        `login` is `[mqtt]` of an agent that has an account already; else one is made for it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if not login:
            password = folder / "password"
            password.write_text(broker.add(device))
            login = (
                f'host = "{host or broker.host}"\nport = {broker.port}\n'
                f'ca = "{ca or broker.ca}"\npassword_file = "{password}"\n'
            )
        self.data = folder / "data"
        self.config = folder / "agent.toml"
        self.log = folder / "agent.log"
        self.config.write_text(
            f'[agent]\ndevice = "{device}"\ndata = "{self.data}"\n'
            f"[mqtt]\n{login}"
            f"[buffer]\ncommit_s = {commit_s}\n{sources}"
        )
        self._program = program or (sys.executable, "-m", module)
        self._before = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        self._before = len(self.log.read_text()) if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._program, "run", "--config", str(self.config), *arguments],
                stderr=log,
                cwd=CHECKOUT,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

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
