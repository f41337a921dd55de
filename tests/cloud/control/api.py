"""Runs `python -m cloud.control` beside a real PostgreSQL and a real broker."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx

from cloud.stack import accounts, ports, secret_files, tls
from cloud.stack.folder import Folder
from tests.servers import Broker, Postgres
from tests.waiting import eventually


class Api:
    """One API process; `client` asks it over HTTPS."""

    def __init__(self, folder: Folder, postgres: Postgres, broker: Broker) -> None:
        self.folder = folder
        self.postgres = postgres
        self.broker = broker
        folder.secrets.mkdir(mode=0o700, exist_ok=True)
        self.local_token = "fl_" + secret_files.ensure(folder.secret("local-token-body"))
        secret_files.write(folder.secret("local-token"), self.local_token)
        self.port = ports.choose(folder.data / "ports.json", ["api"])["api"]
        self.url = f"https://127.0.0.1:{self.port}"
        self.certificates = tls.ensure(folder.tls)
        self.log = folder.data / "api.log"
        self.config = folder.data / "api.toml"
        self.config.write_text(self._settings())
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cloud.control", "--config", str(self.config)],
                stdout=log, stderr=log, cwd=Path(__file__).parents[3],
            )  # fmt: skip
        eventually(self._answers, within=30, what="the API answers")

    def stop(self) -> None:
        """Stop it as supervision does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it at once."""
        self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def client(self, token: str | None = None) -> httpx.Client:
        """A client that trusts the stack's CA, logged in by a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        context = ssl.create_default_context(cafile=str(self.certificates.ca))
        return httpx.Client(base_url=self.url, headers=headers, verify=context, timeout=20)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the API has ended:\n{self.log.read_text()[-4000:]}")
        try:
            with self.client() as client:
                return client.get("/v1/health").status_code == 200
        except httpx.TransportError as error:
            raise AssertionError(str(error)) from None

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(60)
        self._process = None

    def _settings(self) -> str:
        made, postgres, broker = self.certificates, self.postgres, self.broker
        return f"""\
[api]
host = "127.0.0.1"
port = {self.port}
certificate = "{made.certificate}"
key = "{made.key}"
data = "{self.folder.data}"
local_token_file = "{self.folder.secret("local-token")}"

[postgres]
dsn = "{postgres.dsn("fieldline_control", with_password=False)}"
password_file = "{postgres.password_file("fieldline_control")}"

[mqtt]
host = "{broker.host}"
port = {broker.port}
devices_port = {broker.devices_port}
ca = "{broker.ca}"
username = "{accounts.CONTROL}"
password_file = "{broker.folder.secret(accounts.CONTROL)}"
"""
