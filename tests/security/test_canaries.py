"""Secrets are planted, the stack is used and killed, and then everything is searched for them."""

from __future__ import annotations

import os
import secrets
import signal
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from cloud.stack import plan
from tests.cloud.control.devices.player import Key
from tests.stack import Stack
from tests.waiting import eventually

CHUNK = 4 * 1024 * 1024


class Planted:
    """Every secret with the one place where it may be, by its name."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.found: dict[str, bytes] = {}
        folder = stack.folder
        for file in [*folder.secrets.iterdir(), *folder.agents.glob("*/password")]:
            if file.suffix not in {".json", ".pgpass"}:
                self.found[str(file.relative_to(folder.data))] = file.read_bytes().strip()
        for file in folder.tls.glob("*.key"):
            self.found[f"tls/{file.name}"] = file.read_bytes().split(b"\n")[1]

    def add(self, name: str, secret: str) -> str:
        assert len(secret) >= 8
        self.found[name] = secret.encode()
        return secret

    def draw(self, name: str) -> str:
        return self.add(name, f"canary-{secrets.token_urlsafe(24)}")

    def where(self, content: bytes) -> list[str]:
        """Name the secrets that are in it, in clear."""
        return [name for name, secret in self.found.items() if secret in content]


def everything_is_used(stack: Stack, planted: Planted) -> bytes:
    """Use it, wrongly too; returns all that was said."""
    made = plan.read_plan(stack.folder)
    context = ssl.create_default_context(cafile=made.api.ca)
    base = f"https://{made.api.host}:{made.api.port}"
    said: list[str] = []
    token = planted.found["secrets/local-token"].decode()

    def ask(client: httpx.Client, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = client.request(method, path, json=body, **more)
        assert answer.status_code < 400, (path, answer.text)
        return answer.json() if answer.content else {}

    with (
        httpx.Client(base_url=base, verify=context, timeout=30) as nobody,
        httpx.Client(
            base_url=base, verify=context, timeout=30, headers={"Authorization": f"Bearer {token}"}
        ) as local,
    ):
        once = {"Idempotency-Key": secrets.token_hex(16)}
        for _ in range(2):
            plug = ask(local, "POST", "/v1/devices", {"name": "canary-plug", "kind": "foreign"},
                       headers=once)  # fmt: skip
            if plug.get("login"):
                planted.add("a foreign device's password", plug["login"]["password"])
        assert "a foreign device's password" in planted.found
        ask(local, "POST", "/v1/devices", {"name": "canary-pi"})
        drawn = ask(local, "POST", "/v1/devices/canary-pi/enrolment")
        planted.add("an enrolment token", drawn["token"])
        used = {"token": drawn["token"], "request": Key().request()}
        ask(nobody, "POST", "/v1/enrolment", used)
        wrong = {"token": planted.draw("a wrong enrolment token"), "request": Key().request()}
        said.append(nobody.post("/v1/enrolment", json=wrong).text)

        invited = ask(local, "POST", "/v1/users", {"username": "mallory", "role": "admin"})
        code = planted.add("an invitation's code", invited["invitation"]["code"])
        password = planted.draw("a person's password")
        ask(nobody, "POST", "/v1/invitations/acceptance",
            {"code": code, "password": password, "client": "test"})  # fmt: skip
        login = {"username": "mallory", "password": password, "client": "test"}
        session = ask(nobody, "POST", "/v1/sessions", login)
        planted.add("a person's token", session["token"])
        for name in ("mallory", "nobody"):
            mistyped = planted.draw(f"a wrong password of {name}")
            said.append(nobody.post("/v1/sessions", json={**login, "username": name,
                                                          "password": mistyped}).text)  # fmt: skip
        person = {"Authorization": f"Bearer {session['token']}"}
        live = ask(nobody, "POST", "/v1/live", headers=person)
        planted.add("a panel's password at the broker", live["password"])
        pairing = ask(nobody, "POST", "/v1/pairings", {}, headers=person)
        planted.add("a pairing's code", pairing["code"])
        said.append(nobody.get("/v1/devices", headers={
            "Authorization": f"Bearer {planted.draw('a wrong token')}"}).text)  # fmt: skip
        hook = {
            "name": "canary", "kind": "webhook", "webhook": {"url": "https://127.0.0.1:9/x"},
            "secret": planted.draw("secrets/notification"),
        }  # fmt: skip
        target = local.post("/v1/notification-targets", json=hook)
        assert target.status_code == 201, target.text
        number = target.json()["id"]
        planted.found[f"secrets/notification-{number}"] = planted.found.pop("secrets/notification")
        said += [target.text, local.post(f"/v1/notification-targets/{number}/test").text]
        for path in (
            "/v1/devices", "/v1/devices/canary-plug", "/v1/devices/canary-pi", "/v1/users",
            "/v1/tokens", "/v1/notification-targets", "/v1/notifications", "/v1/pipeline",
            "/v1/pipeline/api/log?lines=1000", "/v1/pipeline/broker/log?lines=1000",
            "/v1/audit?limit=1000", "/v1/audit?format=csv", "/metrics",
        ):  # fmt: skip
            said.append(local.get(path).text)
    for words in (
        ("status",), ("status", "--json"), ("doctor",), ("env",), ("env", "--json"),
        ("logs", "api"), ("device", "list", "--json"), ("device", "show", "canary-plug"),
        ("start", "nothing"), ("verify",), ("up", "--detach"),
    ):  # fmt: skip
        done = stack.run(*words, status=None, timeout=200)
        said += [done.stdout, done.stderr]
    return "\n".join(said).encode()


def crash(stack: Stack) -> None:
    """Kill two stages, and wait until they are back."""
    for stage in ("bridge", "api"):
        before = stack.pid(stage)
        os.kill(before, signal.SIGKILL)
        eventually(lambda stage=stage, before=before: stack.pid(stage) != before, within=60)  # type: ignore[misc]
    eventually(lambda: stack.stage("bridge")["state"] == "running", within=120)


def processes() -> Iterable[tuple[str, bytes]]:
    """What anybody, or their owner, can read of every process."""
    own = os.getpid()
    for process in (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()):
        if process == own:
            continue
        for what in ("cmdline", "environ"):
            try:
                yield f"{process} {what}", Path(f"/proc/{process}/{what}").read_bytes()
            except OSError:
                continue


def hits_in(file: Path, planted: Planted) -> list[str]:
    """Name the secrets in a file of any size."""
    found: set[str] = set()
    tail = b""
    try:
        with file.open("rb") as handle:
            while part := handle.read(CHUNK):
                found.update(planted.where(tail + part))
                tail = part[-512:]
    except OSError:
        return []  # gone meanwhile: a server's own temporary file
    return sorted(found)


def test_a_secret_is_in_its_one_place_and_nowhere_else(stack: Stack, tmp_path: Path) -> None:
    planted = Planted(stack)
    assert len(planted.found) > 8
    said = everything_is_used(stack, planted)
    crash(stack)
    assert not planted.where(said)

    data = stack.folder.data
    strangers: dict[str, list[str]] = {}
    for file in data.rglob("*"):
        if not file.is_file() or file.is_symlink():
            continue
        name = str(file.relative_to(data))
        own = {name}
        if name == "secrets/fieldline_reader.pgpass":
            own.add("secrets/fieldline_reader")
        if strange := [one for one in hits_in(file, planted) if one not in own]:
            strangers[name] = strange
    assert not strangers
    assert planted.found.keys() & {str(f.relative_to(data)) for f in stack.folder.secrets.iterdir()}

    seen = {where: hits for where, content in processes() if (hits := planted.where(content))}
    assert not seen

    private = [stack.folder.secrets, *stack.folder.secrets.iterdir()]
    private += [*stack.folder.agents.glob("*/password"), *stack.folder.tls.glob("*.key")]
    private += [data / "mosquitto" / "dynamic-security.json"]
    loose = [str(one) for one in private if one.stat().st_mode & 0o077]
    assert not loose

    passphrase = tmp_path / "passphrase"
    passphrase.write_text(planted.draw("the backup's passphrase"))
    passphrase.chmod(0o600)
    done = stack.run("backup", str(tmp_path / "sealed.backup"), "--passphrase-file",
                     str(passphrase), timeout=200)  # fmt: skip
    assert not planted.where((done.stdout + done.stderr).encode())
    assert not hits_in(tmp_path / "sealed.backup", planted)
    assert not (tmp_path / "sealed.backup").stat().st_mode & 0o077
