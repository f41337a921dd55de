"""The real servers that tests run against, started by the stack's own modules."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from cloud.sql.migrate import load, migrate
from cloud.stack import accounts, ports, secret_files, tls
from cloud.stack.accounts import Kind
from cloud.stack.folder import Folder
from cloud.stack.servers import postgres as postgres_server
from tests.waiting import eventually

CHECKOUT = Path(__file__).parents[1]


def draw_ports(folder: Folder) -> None:
    """Give the servers any free ports: the usual ones may be another stack's on this machine."""
    names = ("mqtt", "mqtt_devices", "kafka", "kafka_controller", "postgres", "api")
    with ExitStack() as held:
        probes = {name: held.enter_context(socket.socket()) for name in names}
        for probe in probes.values():
            probe.bind((ports.HOST, 0))
        drawn = {name: probe.getsockname()[1] for name, probe in probes.items()}
    (folder.data / "ports.json").write_text(json.dumps(drawn))


class Server:
    """A server in a data folder of its own, as `python -m cloud.stack.servers.<name>` runs it."""

    def __init__(self, name: str, folder: Folder, port_name: str, part: str) -> None:
        self.name = name
        self.folder = folder
        self.own = folder.data / part
        self.log = folder.data / f"{name}.log"
        self.host = ports.HOST
        if not (folder.data / "ports.json").exists():
            draw_ports(folder)
        self.port = ports.choose(folder.data / "ports.json", [port_name])[port_name]
        self.prefix: list[str] = []  # words before the command, as of setpriv
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", f"cloud.stack.servers.{self.name}",
                 "--data", str(self.folder.data)],
                stdout=log, stderr=log, cwd=CHECKOUT,
            )  # fmt: skip
        eventually(self._answers, within=60, what=f"{self.name} answers")

    def stop(self) -> None:
        """Stop it as supervision does."""
        self.signal(signal.SIGINT if self.name == "postgres" else signal.SIGTERM)
        self._wait()

    def kill(self) -> None:
        """Kill it at once."""
        self.signal(signal.SIGKILL)
        self._wait()

    def pause(self) -> None:
        """Freeze it, so that it neither answers nor closes connections."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Delete its folder."""
        shutil.rmtree(self.own)

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def _wait(self) -> None:
        assert self._process is not None
        self._process.wait(30)
        self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.name} has ended:\n{self.log.read_text()[-4000:]}")
        with socket.create_connection((self.host, self.port), timeout=1):
            return True


class Broker(Server):
    """Mosquitto with TLS and accounts; `username` is the bridge's."""

    def __init__(self, folder: Folder) -> None:
        super().__init__("mosquitto", folder, "mqtt", "mosquitto")
        self.ca = str(tls.ensure(folder.tls).ca)
        self.accounts = folder.secret("accounts.json")
        for name, kind in (
            (accounts.ADMIN, Kind.ADMIN),
            (accounts.BRIDGE, Kind.BRIDGE),
            (accounts.WATCHER, Kind.WATCHER),
            (accounts.CONTROL, Kind.CONTROL),
        ):
            password = secret_files.ensure(folder.secret(name))
            accounts.ensure(self.accounts, [(name, kind, password)])
        self.devices_port = ports.choose(folder.data / "ports.json", ["mqtt_devices"])[
            "mqtt_devices"
        ]
        self.username = accounts.BRIDGE
        self.password_file = str(folder.secret(accounts.BRIDGE))
        self.password = self.password_of(accounts.BRIDGE)

    def password_of(self, username: str) -> str:
        """The password of an account."""
        return self.folder.secret(username).read_text("utf-8").strip()

    def add(self, username: str, kind: Kind = Kind.DEVICE) -> str:
        """Make an account as `fieldline device add` does; returns its password."""
        password = secret_files.ensure(self.folder.secret(username))
        if username in accounts.read(self.accounts):
            return password
        accounts.ensure(self.accounts, [(username, kind, password)])
        self.tell(accounts.creation(accounts.read(self.accounts)[username], password))
        return password

    def tell(self, commands: list[dict[str, Any]]) -> None:
        """Give commands to its dynamic-security plugin."""
        accounts.tell(self.host, self.port, self.ca, self.password_of(accounts.ADMIN), commands)


class Kafka(Server):
    """A Kafka of one node."""

    def __init__(self, folder: Folder) -> None:
        super().__init__("kafka", folder, "kafka", "kafka")
        self.bootstrap = f"{self.host}:{self.port}"


class Postgres(Server):
    """PostgreSQL with the schema and its roles; every role has a password file."""

    roles = ("fieldline_stream", "fieldline_control", "fieldline_reader")
    database = "fieldline"

    def __init__(self, folder: Folder) -> None:
        super().__init__("postgres", folder, "postgres", "postgres")

    def start(self) -> None:
        super().start()
        eventually(self._accepts, within=60, what="PostgreSQL accepts connections")
        with psycopg.connect(self.dsn("fieldline_owner"), autocommit=True) as owner:
            migrate(owner, load())
            for role in self.roles:
                owner.execute(f"ALTER ROLE {role} PASSWORD '{self.password(role)}'".encode())

    def dsn(self, role: str = "fieldline_owner", *, with_password: bool = True) -> str:
        """A libpq connection string."""
        address = f"host={self.host} port={self.port} dbname={self.database} user={role}"
        return f"{address} password={self.password(role)}" if with_password else address

    def password(self, role: str) -> str:
        """The password of a role."""
        return secret_files.ensure(self.folder.secret(role))

    def password_file(self, role: str) -> str:
        """The file that holds it."""
        self.password(role)
        return str(self.folder.secret(role))

    def _accepts(self) -> bool:
        try:
            postgres_server.create_owner(self.folder, self.host, self.port)
        except psycopg.OperationalError as error:
            raise AssertionError(str(error)) from None
        return True
