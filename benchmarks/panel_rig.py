"""What the panel's benchmarks share: a server for it, a screen, devices that send, and the panel.

The panel runs in a process of its own (`benchmarks.panel_run`), so that what is measured is its
memory and its time alone.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cloud.stack.folder import Folder
from control_panel.client import links, pairing
from control_panel.client.api import Api as Client
from control_panel.client.api import route
from control_panel.client.secrets import Secrets
from control_panel.client.servers import Servers
from control_panel.model.things import Invited, Registered
from tests.cloud.control.api import Api
from tests.servers import CHECKOUT, Broker, Postgres
from wire.reading import Reading

PASSWORD = "correct horse battery staple"


class Sending(NamedTuple):
    """How fast devices send: each a message of one reading a channel, so many times a second."""

    devices: int
    channels: int
    a_second: float

    @property
    def readings_a_second(self) -> float:
        """Of all of them together."""
        return self.devices * self.channels * self.a_second


@contextmanager
def a_server() -> Iterator[Api]:
    """A PostgreSQL, a broker and the API."""
    parent = Path(tempfile.mkdtemp(prefix="fieldline-bench-"))
    parent.chmod(0o755)
    postgres, broker = Postgres(Folder(parent)), Broker(Folder(parent))
    api: Api | None = None
    try:
        postgres.start()
        broker.start()
        api = Api(broker.folder, postgres, broker)
        api.start()
        yield api
    finally:
        if api is not None:
            api.stop()
        for server in (broker, postgres):
            if server.running:
                server.kill()
        shutil.rmtree(parent, ignore_errors=True)


@contextmanager
def a_screen() -> Iterator[dict[str, str]]:
    """A screen without hardware; gives the environment that names it."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1920x1200x24", "-nolisten", "tcp"],
        pass_fds=[writing], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            name = f":{told.readline().strip()}"
        yield {**os.environ, "DISPLAY": name, "QT_QPA_PLATFORM": "xcb"}
    finally:
        server.terminate()
        server.wait(10)


def paired(api: Api, folder: Path) -> None:
    """Have the panel with settings in this folder know the server."""
    with closing(local(api)) as client:
        made = client.post(route("users"), Invited, {"username": "bench", "role": "operator"})
    server, session = pairing.redeem(links.read(made.invitation.link), PASSWORD)
    Servers(folder).use(server)
    Secrets(folder).put(server.name, session.token)


def local(api: Api) -> Client:
    """This machine's own administrator."""
    return Client(api.url, api.certificates.ca.read_text(), api.local_token)


@contextmanager
def sending(api: Api, wanted: Sending) -> Iterator[None]:
    """Register devices, and let them send from a process of their own."""
    logins = []
    with closing(local(api)) as client:
        for number in range(wanted.devices):
            asked = {"name": f"dev-{number}", "kind": "foreign"}
            made = client.post(route("devices"), Registered, asked)
            assert made.login is not None
            logins.append((made.login.username, made.login.password))
    spawn = multiprocessing.get_context("spawn")
    end = spawn.Event()
    process = spawn.Process(
        target=_send, args=(api.broker.host, api.broker.port, api.broker.ca,
                            logins, wanted, end),
    )  # fmt: skip
    process.start()
    try:
        yield
    finally:
        end.set()
        process.join(10)
        if process.is_alive():
            process.kill()


def _send(
    host: str, port: int, ca: str, logins: Sequence[tuple[str, str]], wanted: Sending, end: Event
) -> None:
    clients = []
    for username, password in logins:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=username)
        client.username_pw_set(username, password)
        client.tls_set(ca)
        client.connect(host, port)
        client.loop_start()
        clients.append(client)
    number, began = 0, time.monotonic()
    every = 1 / (wanted.a_second * len(clients))
    while not end.is_set():
        device = number % len(clients)
        payload = pack(wanted.channels, number)
        clients[device].publish(f"fieldline/v1/dev-{device}/data", payload)
        number += 1
        end.wait(max(0.0, began + number * every - time.monotonic()))
    for client in clients:
        client.disconnect()
        client.loop_stop()


def pack(channels: int, number: int) -> bytes:
    """Return a message of one reading a channel, of now to the microsecond."""
    now_utc = time.time_ns() // 1000
    readings = [Reading(f"c{n}", now_utc, n + number % 97 / 97, "V") for n in range(channels)]
    records = [
        {"n": one.channel, "u": one.unit, "t": one.time_utc / 1e6, "v": one.value}
        for one in readings
    ]
    return json.dumps(records).encode()


class Running:
    """The panel, in a process of its own, that says every second how it is."""

    def __init__(self, folder: Path, environment: dict[str, str], charts: Sending) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from benchmarks.panel_run import main; exit(main())",
             str(folder), str(charts.devices), str(charts.channels)],
            stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=environment,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def said(self) -> dict[str, Any]:
        """Return what it says next; raises RuntimeError if it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the panel has ended ({self._process.wait(10)})")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate(timeout=10)
