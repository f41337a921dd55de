"""The whole stack, driven as a person does: by the command."""

import json
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from cloud.stack import demo, supervision
from cloud.stack.folder import Folder


@dataclass(frozen=True)
class Stack:
    """A stack that runs in a data folder of its own."""

    folder: Folder

    def run(
        self, *words: str, status: int | None = 0, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run `fieldline`; fails unless it exits with `status` (None: whatever)."""
        done = subprocess.run(
            [sys.executable, "-m", "cloud.stack.cli", *words, "--data", str(self.folder.data)],
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        if status is not None and done.returncode != status:
            raise AssertionError(
                f"fieldline {' '.join(words)}: exit status {done.returncode}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done

    def json(self, *words: str, status: int | None = 0, timeout: float = 60) -> Any:
        """Run `fieldline … --json` and read what it prints."""
        return json.loads(self.run(*words, "--json", status=status, timeout=timeout).stdout)

    def stage(self, name: str) -> dict[str, Any]:
        """What `status` says of a stage."""
        stages: list[dict[str, Any]] = self.json("status", status=None)["stages"]
        return next(stage for stage in stages if stage["name"] == name)

    def query(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database as the reader; ConnectionError while it is away."""
        dsn: str = self.json("env")["postgres"]["dsn"]
        try:
            with psycopg.connect(dsn, connect_timeout=30) as connection:
                return connection.execute(text.encode(), values or None).fetchall()
        except psycopg.OperationalError as error:
            raise ConnectionError(str(error)) from error

    def pid(self, program: str) -> int:
        """The process of a stage, or of a program of the demo."""
        with supervision.Supervisor(self.folder) as supervisor:
            for process in supervisor.processes():
                if process.name == program and process.pid:
                    return process.pid
        raise AssertionError(f"{program} does not run")

    def stop_program(self, name: str) -> None:
        """Stop a program of the demo, and wait until it has."""
        with supervision.Supervisor(self.folder, timeout_s=60) as supervisor:
            supervisor.stop(f"demo:{name}")

    def start_program(self, name: str) -> None:
        """Start it again."""
        with supervision.Supervisor(self.folder) as supervisor:
            supervisor.start(f"demo:{name}")

    def agent_json(self, *words: str) -> Any:
        """Run `fieldline-agent` and read the JSON that it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "edge_agent.cli", *words],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout)

    @property
    def host_device(self) -> str:
        """The device that is this machine."""
        return demo.device_name(socket.gethostname())

    @property
    def scenario(self) -> Path:
        """The gas sensor's voltages."""
        return self.folder.agent("workshop") / "mq2_air_quality.toml"
