"""The command against the real API and the real broker's listener for devices."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from edge_agent.cli import main
from edge_agent.enrolment import enrol as command
from edge_agent.settings import read
from tests.cloud.control.api import Api
from tests.edge_agent.enrolment.strange_api import Serving, serving
from tests.edge_agent.remote.commander import Commander
from tests.servers import CHECKOUT, Broker
from tests.waiting import eventually


@pytest.fixture
def local(api: Api) -> Iterator[httpx.Client]:
    with api.client(api.local_token) as client:
        yield client


def invited(local: httpx.Client, name: str) -> str:
    """Register a device; the text of its code."""
    assert local.post("/v1/devices", json={"name": name}).status_code == 201
    answer = local.post(f"/v1/devices/{name}/enrolment")
    assert answer.status_code == 201
    return str(answer.json()["text"])


def fingerprint(broker: Broker) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(broker.ca).read_text())).hexdigest()


def enrol(text: str, folder: Path, *options: str) -> int:
    config, data = str(folder / "agent.toml"), str(folder / "data")
    return main(["enrol", text, "--config", config, "--data", data, *options])


def code(server: Serving) -> str:
    """The text of a code that leads to it."""
    url = quote(server.url, safe="")
    return f"fieldline:enrol?url={url}&ca={server.fingerprint}&token=t"


@contextmanager
def http_server() -> Iterator[str]:
    """A server without TLS; yields the URL that somebody may take for the API's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_device_enrols_runs_and_changes_its_key(
    local: httpx.Client, broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "enrols-1"
    text = invited(local, name)
    assert enrol(text, tmp_path) == 0, capsys.readouterr().err
    assert "the broker lets this device in" in capsys.readouterr().out
    settings = read(tmp_path / "agent.toml")
    key = Path(settings.mqtt.key)
    assert settings.agent.device == name
    assert key.stat().st_mode & 0o777 == 0o600
    assert [source.name for source in settings.source] == ["host"]
    first = key.read_bytes()

    with (tmp_path / "agent.log").open("wb") as log:
        agent = subprocess.Popen(
            [sys.executable, "-m", "edge_agent.cli", "run",
             "--config", str(tmp_path / "agent.toml")],
            stderr=log, cwd=CHECKOUT,
        )  # fmt: skip
    try:
        with Commander(broker, name) as commander:
            eventually(lambda: commander.statuses and commander.statuses[-1].state == "online")
            unsuited = commander.ask("certificate", pem="no", ca="no")
            assert "no new key that waits" in unsuited.error
            assert commander.ask("csr").ok
            foreign = Path(broker.ca).read_text()
            refused = commander.ask("certificate", pem=foreign, ca=foreign)
            assert "no connection with the new certificate" in refused.error
            assert key.read_bytes() == first

            answer = local.post(f"/v1/devices/{name}/rotation", timeout=60)
            assert answer.status_code == 200, answer.text
            assert key.read_bytes() != first
            assert key.stat().st_mode & 0o777 == 0o600
            seen = len(commander.statuses)
            eventually(
                lambda: len(commander.statuses) > seen and commander.statuses[-1].state == "online"
            )
            assert commander.ask("sampling", on=True).ok
            diagnosis = commander.ask("diagnose").result
            assert diagnosis is not None
            examined = {check["name"]: check for check in diagnosis["checks"]}
            assert "the running agent" in examined["login"]["seen"]
        # A second connection with the same certificate would have ended the agent's own.
        lost = (tmp_path / "agent.log").read_text().count("is lost")
        eventually((tmp_path / "data" / "status.json").exists)
        main(["doctor", "--config", str(tmp_path / "agent.toml")])
        assert "the running agent" in capsys.readouterr().out
        assert (tmp_path / "agent.log").read_text().count("is lost") == lost
    finally:
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(60) == 0
    assert local.get(f"/v1/devices/{name}").json()["state"] == "enrolled"


def test_the_rest_of_a_file_that_is_there_stays(
    local: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = (CHECKOUT / "packaging" / "deb" / "files" / "agent.toml").read_text()
    config = tmp_path / "agent.toml"
    config.write_text(shipped.replace("/var/lib/fieldline-agent", str(tmp_path / "data")))
    config.chmod(0o640)
    assert enrol(invited(local, "enrols-2"), tmp_path) == 0, capsys.readouterr().err
    after = config.read_text()
    assert config.stat().st_mode & 0o777 == 0o640
    assert after.partition("[buffer]")[2] == shipped.partition("[buffer]")[2]
    assert read(config).agent.device == "enrols-2"
    capsys.readouterr()
    assert main(["doctor", "--config", str(config), "--json"]) == 1
    checks = {each["name"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert all(checks[name]["ok"] for name in ("name", "tcp", "tls", "login", "publish"))
    assert "never receipted" in checks["receipt"]["seen"]


def test_nothing_is_sent_to_a_server_with_another_ca(
    local: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = invited(local, "enrols-3")
    wrong = text.replace("ca=", "ca=" + "0" * 64 + "&x=")
    assert enrol(wrong, tmp_path) == 2
    assert "is no enrolment code" in capsys.readouterr().err
    parts = dict(pair.split("=", 1) for pair in text.partition("?")[2].split("&"))
    url = str(local.base_url)
    asked = ["enrol", "--url", url, "--ca", "0" * 64, "--token", parts["token"]]
    assert main([*asked, "--config", str(tmp_path / "a.toml"), "--data", str(tmp_path)]) == 2
    assert "has another CA than it should" in capsys.readouterr().err
    assert not (tmp_path / "a.toml").exists()
    # The token was not sent: it still works.
    assert enrol(text, tmp_path) == 0


def test_a_refusal_is_told_with_what_to_do(
    local: httpx.Client, broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, ca = str(local.base_url), fingerprint(broker)
    config = ["--config", str(tmp_path / "a.toml"), "--data", str(tmp_path / "data")]
    assert main(["enrol", "--url", url, "--ca", ca, "--token", "wrong", *config]) == 2
    said = capsys.readouterr().err
    assert "refuses: " in said
    assert said.rstrip().count(". ") >= 1
    assert not (tmp_path / "a.toml").exists()

    elsewhere = url.replace("127.0.0.1", "localhost.localdomain.invalid")
    assert main(["enrol", "--url", elsewhere, "--ca", ca, "--token", "t", *config]) == 2
    said = capsys.readouterr().err
    assert "cannot be reached" in said
    assert "getent hosts localhost.localdomain.invalid" in said
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nowhere = f"https://127.0.0.1:{nobody.getsockname()[1]}"
        assert main(["enrol", "--url", nowhere, "--ca", ca, "--token", "t", *config]) == 2
    assert "127.0.0.1 is this device itself" in capsys.readouterr().err
    with http_server() as plain:
        assert main(["enrol", "--url", plain, "--ca", ca, "--token", "t", *config]) == 2
    assert "no HTTPS there" in capsys.readouterr().err
    assert main(["enrol", "--url", "http://h", "--ca", ca, "--token", "t", *config]) == 2
    assert "no address of the API" in capsys.readouterr().err
    assert main(["enrol", "--url", url, "--ca", "abc", "--token", "t", *config]) == 2
    assert "64 hexadecimal digits" in capsys.readouterr().err
    assert main(["enrol", "--url", url, *config]) == 2
    assert "give the text of a code, or --url, --ca and --token" in capsys.readouterr().err


def test_an_enrolment_that_was_cut_short_goes_on_with_the_same_key(
    local: httpx.Client,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_config: Path, _text: str) -> None:
        raise OSError(28, "No space left on device", "agent.toml")

    text = invited(local, "enrols-4")
    with monkeypatch.context() as patched:
        patched.setattr(command, "_write", full)
        assert enrol(text, tmp_path) == 2
    assert "agent.toml: No space left" in capsys.readouterr().err
    assert enrol(text, tmp_path) == 0, capsys.readouterr().err
    assert len(local.get("/v1/devices/enrols-4").json()["credentials"]) == 1


def test_a_device_that_is_enrolled_is_enrolled_anew_only_if_that_is_said(
    local: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "enrols-5"
    assert enrol(invited(local, name), tmp_path) == 0
    key = Path(read(tmp_path / "agent.toml").mqtt.key)
    first = key.read_bytes()
    capsys.readouterr()
    answer = local.post(f"/v1/devices/{name}/replacement")
    assert answer.status_code == 201, answer.text
    again = str(answer.json()["text"])
    assert enrol(again, tmp_path) == 2
    said = capsys.readouterr().err
    assert f"enrolled already, as '{name}'" in said
    assert "--again" in said
    assert key.read_bytes() == first
    assert enrol(again, tmp_path, "--again") == 0, capsys.readouterr().err
    assert key.read_bytes() != first
    assert read(tmp_path / "agent.toml").agent.device == name


def test_a_code_works_once(
    local: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = invited(local, "enrols-6")
    assert enrol(text, tmp_path / "first") == 0
    assert enrol(text, tmp_path / "second") == 2
    assert "fieldline device enrol NAME" in capsys.readouterr().err
    assert not (tmp_path / "second" / "agent.toml").exists()


@pytest.mark.parametrize(("days", "when"), [(365, "not valid yet"), (-730, "not valid any more")])
def test_a_wrong_clock_is_named_before_the_token_is_sent(
    days: int, when: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path, valid_from=timedelta(days=days)) as server:
        assert enrol(code(server), tmp_path / "device") == 2
        assert server.asked == ["GET /v1/enrolment/ca"]
    said = capsys.readouterr().err
    assert f"is {when} at {datetime.now(UTC):%Y-%m-%d}" in said
    assert "timedatectl" in said


def test_a_server_that_has_another_name_is_told_where_to_add_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path, valid_from=timedelta(days=-1), address="192.0.2.7") as server:
        assert enrol(code(server), tmp_path / "device") == 2
        assert server.asked == ["GET /v1/enrolment/ca"]
    said = capsys.readouterr().err
    assert "does not bear that name" in said
    assert "fieldline.toml" in said


def test_the_code_is_read_from_a_pipe(
    local: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(invited(local, "enrols-7") + "\n"))
    assert enrol("-", tmp_path) == 0


def test_root_makes_the_key_as_whom_the_agent_runs_as(local: httpx.Client) -> None:
    # Not pytest's folder: nobody but root may enter that one.
    parent = Path(tempfile.mkdtemp(prefix="fieldline-owner-"))
    try:
        parent.chmod(0o755)
        owner = pwd.getpwnam("nobody")
        (parent / "data").mkdir(mode=0o700)
        os.chown(parent / "data", owner.pw_uid, owner.pw_gid)
        done = subprocess.run(
            [sys.executable, "-m", "edge_agent.cli", "enrol", invited(local, "enrols-8"),
             "--config", parent / "etc" / "agent.toml", "--data", parent / "data"],
            cwd=CHECKOUT, capture_output=True, text=True, check=False, umask=0o077,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        made = list((parent / "data").rglob("*"))
        assert len(made) >= 5
        assert {path.lstat().st_uid for path in made} == {owner.pw_uid}
        assert (parent / "data/identity/current/key.pem").stat().st_mode & 0o777 == 0o600
        assert (parent / "etc/agent.toml").stat().st_mode & 0o777 == 0o644
        assert (parent / "etc").stat().st_mode & 0o777 == 0o755
    finally:
        shutil.rmtree(parent)


def test_what_cannot_be_written_is_told_before_the_token_is_sent(
    local: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = invited(local, "enrols-9")
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "enrol", text,
         "--config", "/proc/sys/agent.toml", "--data", tmp_path / "data"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "/proc/sys cannot be written to" in done.stderr
    assert "as root" in done.stderr
    assert enrol(text, tmp_path) == 0, capsys.readouterr().err
