"""A site over the years: upgraded while its devices send, lost, and restored from a backup."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloud.sql.migrate import load, migrate
from cloud.stack import accounts, secret_files, supervision, tls
from cloud.stack.accounts import Kind
from cloud.stack.agents import agent_toml, write
from cloud.stack.folder import Folder
from cloud.stack.plan import Account, Mqtt
from tests.servers import CHECKOUT, Postgres, Server, draw_ports
from tests.stack import Stack
from tests.waiting import eventually

pytestmark = pytest.mark.long

OLD_SCHEMA = "0040"
"""What comes before it is what the site began with."""
_SOURCE = """
[[source]]
kind = "simulated"
name = "sim"
rate_hz = 20.0
[[source.signals]]
channel = "temperature"
wave = "sine"
unit = "Cel"
"""
_SEED = """
INSERT INTO storage.device (device) VALUES ('old');
INSERT INTO storage.series (device, channel) SELECT id, 't' FROM storage.device;
INSERT INTO storage.kind (unit, quality) VALUES ('Cel', 'synced');
SELECT storage.ensure_month('2025-01-01');
INSERT INTO storage.reading (time, received, value, series, kind)
SELECT '2025-01-01'::timestamptz + n * interval '7 s', now(), sin(n), s.id, k.id
FROM generate_series(0, 4999) AS n, storage.series AS s, storage.kind AS k;
INSERT INTO storage.ledger (device, epoch, stored, packs, readings, next)
SELECT id, 'k3v9x0q2m4t7a1zz', '{[0,50)}', 50, 5000, 50 FROM storage.device;
INSERT INTO storage.rejected
VALUES (now(), 'mqtt:x', 'old', 'bad_json', 'x', 'log', 0, 1, 0);
INSERT INTO control.audit (person, role, address, request, action, subject)
VALUES ('ada', 'admin', '', '', 'device.create', 'device/old');
"""
_SEED_ROLLUP = """
INSERT INTO storage.rollup_{tier}
SELECT date_trunc('{unit}', time, 'UTC'), series, count(*), avg(value), var_pop(value) * count(*),
       min(value), max(value), (array_agg(value ORDER BY time))[1], min(time),
       (array_agg(value ORDER BY time DESC))[1], max(time)
FROM storage.reading GROUP BY 1, 2
"""


@dataclass
class Agent:
    """A real agent that sends all the time."""

    device: str
    config: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        with self.config.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(self.config)],
                stdout=log, stderr=log, cwd=CHECKOUT,
            )  # fmt: skip

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None


@dataclass
class Site:
    """A machine that may be lost, and the devices that go on."""

    root: Path
    stack: Stack
    agents: list[Agent]

    def ledger(self, device: str) -> dict[str, int]:
        rows = self.stack.query(
            "SELECT last_seq + 1, stored, missing, on_device, lost FROM fieldline.completeness"
            " WHERE device = %s", device,
        )  # fmt: skip
        assert rows, f"nothing of {device}"
        return dict(zip(("next", "stored", "missing", "on_device", "lost"), rows[0], strict=True))

    def buffer(self, agent: Agent) -> dict[str, Any]:
        try:
            shown: dict[str, Any] = self.stack.agent_json(
                "buffer", "show", "--config", str(agent.config)
            )
        except subprocess.CalledProcessError as error:  # it has made none yet
            said = agent.config.with_suffix(".log").read_text()
            raise AssertionError(f"{error.stderr}{said}") from None
        return shown

    def lose_the_machine(self) -> None:
        """Kill all of it at once, and delete its folder."""
        left = supervision.leftovers(self.stack.folder)
        assert left
        for pid in [int(self.stack.folder.supervisor_pid.read_text()), *left]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        eventually(lambda: supervision.leftovers(self.stack.folder) == [])
        shutil.rmtree(self.stack.folder.data)


def old_database(folder: Folder) -> None:
    """Make a database as an older version left it, with readings in it."""
    postgres = Postgres(folder)
    Server.start(postgres)
    eventually(postgres._accepts, within=60, what="PostgreSQL accepts connections")
    with psycopg.connect(postgres.dsn(), autocommit=True) as owner:
        owner.execute("SET timezone = 'UTC'")
        migrate(owner, [one for one in load() if one.name < OLD_SCHEMA])
        owner.execute(_SEED.encode())
        for tier, unit in (("1m", "minute"), ("1h", "hour"), ("1d", "day")):
            owner.execute(_SEED_ROLLUP.format(tier=tier, unit=unit).encode())
    postgres.stop()


def first_agent(root: Path, folder: Folder) -> Agent:
    """An agent that the older version knew, by its password."""
    password = root / "pi-a.password"
    secret_files.ensure(password)
    accounts.ensure(
        folder.secret("accounts.json"), [("pi-a", Kind.DEVICE, password.read_text().strip())]
    )
    nobody = Account("", "")
    drawn = json.loads((folder.data / "ports.json").read_text())
    ca = root / "ca.pem"
    shutil.copy(tls.ensure(folder.tls).ca, ca)
    mqtt = Mqtt("127.0.0.1", drawn["mqtt"], str(ca), nobody, nobody)
    config = root / "pi-a.toml"
    data = str(root / "pi-a.data")
    write(config, agent_toml("pi-a", data, mqtt, str(password), host=mqtt.host, sources=_SOURCE))
    return Agent("pi-a", config)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    root = Path(tempfile.mkdtemp(prefix="fieldline-site-"))
    root.chmod(0o755)
    stack = Stack(Folder(root / "first"))
    stack.folder.data.mkdir(mode=0o755)
    stack.folder.secrets.mkdir(mode=0o700)
    draw_ports(stack.folder)
    old_database(stack.folder)
    made = Site(root, stack, [first_agent(root, stack.folder)])
    try:
        made.agents[0].start()  # long before the server is there
        yield made
    finally:
        for agent in made.agents:
            agent.stop()
        for name in ("first", "second"):
            folder = Folder(root / name)
            if folder.data.exists():
                Stack(folder).run("down", status=None, timeout=120)
                if left := supervision.leftovers(folder):
                    supervision.end(left, lambda f=folder: supervision.leftovers(f))  # type: ignore[misc]
        shutil.rmtree(root, ignore_errors=True)


def test_an_older_database_is_upgraded_while_devices_send_and_nothing_is_lost(site: Site) -> None:
    agent = site.agents[0]
    eventually(lambda: site.buffer(agent)["next"] > 5, within=30, what="packs wait on the device")
    said = site.stack.run("up", "--detach", timeout=280).stdout
    assert "migrations applied" in said
    written = site.buffer(agent)["next"]
    eventually(lambda: site.ledger("pi-a")["stored"] >= written, within=60, what="all is stored")
    found = site.stack.json("verify")
    assert (found["differing"], found["missing"], found["doubled"]) == (0, 0, 0), found
    assert site.stack.query("SELECT count(*) FROM fieldline.reading WHERE device = 'old'") == [
        (5000,)
    ]
    assert site.stack.query("SELECT reason FROM fieldline.rejected WHERE device = 'old'") == [
        ("bad_json",)
    ]
    assert site.stack.json("audit", "--subject", "device/old")[0]["person"] == "ada"


def test_what_takes_the_disk_is_shown(site: Site) -> None:
    told = site.stack.json("storage", status=None)
    sizes = {one["name"]: one["bytes"] for one in (*told["tiers"], *told["servers"])}
    assert sizes["raw"] > 5000 * 40
    assert sizes["kafka"] > 0
    assert sizes["postgres"] > sizes["raw"]
    assert "not known yet" in told["forecast"]


def test_a_machine_that_is_lost_comes_back_from_a_backup_and_devices_go_on(site: Site) -> None:
    stack, root = site.stack, site.root
    config = root / "pi-b.toml"
    stack.run("device", "add", "pi-b", "--out", str(config))  # known by a certificate
    with config.open("a") as handle:
        handle.write(_SOURCE)
    site.agents.append(Agent("pi-b", config))
    site.agents[1].start()
    eventually(lambda: site.ledger("pi-b")["stored"] > 3, within=60, what="both devices send")

    passphrase = root / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    running = root / "while-running.backup"
    stack.run("backup", str(running), timeout=120)
    assert running.stat().st_mode & 0o077 == 0
    assert "never overwritten" in stack.run("backup", str(running), status=1).stderr

    for agent in site.agents:
        agent.stop()
    for agent in site.agents:
        written = site.buffer(agent)["next"]
        eventually(
            lambda d=agent.device, n=written: site.ledger(d)["stored"] >= n - 3,  # type: ignore[misc]
            within=60, what="all but what was never sent is stored",
        )  # fmt: skip
    before = stack.json("verify")
    taken = {agent.device: site.ledger(agent.device)["stored"] for agent in site.agents}
    made = stack.json("backup", str(root), "--passphrase-file", str(passphrase), timeout=120)
    assert made["encrypted"]

    for agent in site.agents:
        agent.start()
    for device, stored in taken.items():
        eventually(
            lambda d=device, n=stored: site.ledger(d)["stored"] > n + 5,  # type: ignore[misc]
            within=60, what="more is stored that no backup has",
        )  # fmt: skip
    for agent in site.agents:
        agent.signal(signal.SIGSTOP)
    at_last = {agent.device: site.ledger(agent.device)["stored"] for agent in site.agents}
    site.lose_the_machine()

    site.stack = stack = Stack(Folder(root / "second"))
    options = ["restore", made["file"], "--passphrase-file", str(passphrase)]
    listed = stack.run(*options, "--dry-run").stdout
    assert "secrets/local-token" in listed
    assert not stack.folder.data.exists()
    stack.run(*options, timeout=120)
    assert "not empty" in stack.run(*options, status=1).stderr
    stack.run("up", "--detach", timeout=280)
    assert stack.json("verify") == before

    for agent in site.agents:
        agent.signal(signal.SIGCONT)
    for agent in site.agents:
        written = site.buffer(agent)["next"]

        def whole(device: str = agent.device, written: int = written) -> dict[str, int]:
            now = site.ledger(device)
            assert now["next"] >= written, now
            assert now["missing"] == 0, now
            assert now["stored"] + now["lost"] >= written, now
            return now

        told = eventually(whole, within=120, what="what the device holds is stored, the rest lost")
        # Lost is what was stored after the backup and forgotten since, and nothing else.
        assert 0 < told["lost"] <= at_last[agent.device] - taken[agent.device], told
        acts = stack.json("audit", "--subject", f"device/{agent.device}")
        said = [act["after"]["packs"] for act in acts if act["action"] == "restore.loss"]
        assert sum(said) == told["lost"]
    found = stack.json("verify")
    assert (found["differing"], found["missing"], found["doubled"]) == (0, 0, 0), found


def test_a_database_that_is_newer_than_the_program_is_refused_and_nothing_runs(site: Site) -> None:
    stack = site.stack
    owner = stack.folder.secret("fieldline_owner").read_text().strip()
    dsn = stack.json("env")["postgres"]["dsn"].replace("user=fieldline_reader", "")
    parts = [part for part in dsn.split() if not part.startswith(("password=", "passfile="))]
    with psycopg.connect(
        " ".join(parts), user="fieldline_owner", password=owner, autocommit=True
    ) as connection:
        connection.execute("INSERT INTO storage.migration VALUES ('9999_later.sql', 'x')")
    stack.run("down", timeout=120)
    said = stack.run("up", "--detach", status=1, timeout=120).stderr
    assert "9999_later.sql" in said
    assert "use the version that made it" in said
    assert supervision.leftovers(stack.folder) == []
