"""The whole stack, used as a person does: by its commands."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from cloud.stack import demo
from cloud.stack.folder import Folder
from cloud.stack.supervision import Supervisor

CHECKOUT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


class Stack:
    """`fieldline up --demo` in a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.folder = Folder(data)
        self.host_device = demo.device_name(socket.gethostname())

    def run(self, *words: str, check: bool = True, within: float = 300) -> str:
        """Run `fieldline` with these words; returns what it printed."""
        done = subprocess.run(
            [str(BIN / "fieldline"), *words],
            env={**os.environ, "FIELDLINE_DATA": str(self.data)},
            capture_output=True, text=True, check=False, timeout=within, cwd="/",
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(
                f"fieldline {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def json(self, *words: str, check: bool = True) -> Any:
        """Run `fieldline` and parse what it printed."""
        return json.loads(self.run(*words, check=check))

    def agent_json(self, *words: str) -> Any:
        """Run `fieldline-agent` and parse what it printed."""
        done = subprocess.run(
            [str(BIN / "fieldline-agent"), *words],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database as anybody can who has `env`. OSError while it is away."""
        dsn = self.json("env", "--json")["postgres"]["dsn"]
        try:
            with psycopg.connect(dsn, connect_timeout=5, autocommit=True) as connection:
                return connection.execute(sql.encode()).fetchall()
        except psycopg.OperationalError as error:
            raise OSError(str(error)) from error

    def pid(self, program: str) -> int:
        """The process of a stage or of an agent."""
        with Supervisor(self.folder) as supervisor:
            for process in supervisor.processes():
                if process.name == program and process.pid:
                    return process.pid
        raise AssertionError(f"{program} does not run")

    def stop_program(self, program: str) -> None:
        """Stop a demo program (`stop` is for stages)."""
        with Supervisor(self.folder, timeout_s=60) as supervisor:
            supervisor.stop(f"demo:{program}")

    def start_program(self, program: str) -> None:
        """Start it again."""
        with Supervisor(self.folder) as supervisor:
            supervisor.start(f"demo:{program}")
