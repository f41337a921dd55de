"""Set-ups of a real stack that are broken in one way each, and mended again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka.admin import AdminClient

from cloud.stack import accounts, tls
from cloud.stack.plan import read_plan
from cloud.stack.supervision import Supervisor
from tests.stack import Stack
from tests.waiting import eventually
from wire import topics


def until_sound(stack: Stack) -> None:
    """Wait until every stage makes progress again."""
    eventually(
        lambda: stack.run("status", status=None).returncode == 0, 90, "everything makes progress"
    )


Case = Callable[[Stack], AbstractContextManager[None]]


def text(name: str, content: str) -> Case:
    """A file of the data folder says something else, or is there at all."""

    @contextmanager
    def case(stack: Stack) -> Iterator[None]:
        file = stack.folder.data / name
        before = file.read_bytes() if file.exists() else None
        mode = file.stat().st_mode if file.exists() else 0o600
        file.write_text(content)
        file.chmod(mode)
        try:
            yield
        finally:
            if before is None:
                file.unlink()
            else:
                file.write_bytes(before)

    return case


def mode(name: str, bits: int) -> Case:
    """A file or folder has other rights."""

    @contextmanager
    def case(stack: Stack) -> Iterator[None]:
        file = stack.folder.data / name
        before = file.stat().st_mode & 0o777
        file.chmod(bits)
        try:
            yield
        finally:
            file.chmod(before)

    return case


def missing(name: str) -> Case:
    """A file is gone."""

    @contextmanager
    def case(stack: Stack) -> Iterator[None]:
        file = stack.folder.data / name
        aside = file.with_name(f"{file.name}.aside")
        file.rename(aside)
        try:
            yield
        finally:
            aside.rename(file)

    return case


@contextmanager
def _other_certificate(stack: Stack, make: Callable[[Path], tls.Files]) -> Iterator[None]:
    """The certificate is one that was made by `make` in a folder of its own."""
    folder, aside = stack.folder.tls, stack.folder.data / "tls-aside"
    shutil.copytree(folder, aside)
    made = make(stack.folder.data / "tls-other")
    here = tls.files(folder)
    try:
        shutil.copy(made.certificate, here.certificate)
        shutil.copy(made.key, here.key)
        yield
    finally:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        shutil.rmtree(aside)
        shutil.rmtree(stack.folder.data / "tls-other")


@contextmanager
def expired_certificate(stack: Stack) -> Iterator[None]:
    """The certificate has ended."""

    def make(folder: Path) -> tls.Files:
        folder.mkdir()
        for name in ("ca.pem", "ca.key"):
            shutil.copy(stack.folder.tls / name, folder)
        return tls.ensure(folder, now=datetime.now(UTC) - timedelta(days=500))

    with _other_certificate(stack, make):
        yield


@contextmanager
def certificate_of_another_ca(stack: Stack) -> Iterator[None]:
    """The certificate was signed by a stranger."""
    with _other_certificate(stack, tls.ensure):
        yield


@contextmanager
def key_of_another_certificate(stack: Stack) -> Iterator[None]:
    """The key is not the certificate's."""
    here = tls.files(stack.folder.tls)
    before = here.key.read_bytes()
    here.key.write_bytes(here.ca_key.read_bytes())
    try:
        yield
    finally:
        here.key.write_bytes(before)


def stopped(stage: str) -> Case:
    """A stage was stopped by hand."""

    @contextmanager
    def case(stack: Stack) -> Iterator[None]:
        stack.run("stop", stage)
        try:
            yield
        finally:
            stack.run("start", stage)
            until_sound(stack)

    return case


@contextmanager
def frozen_bridge(stack: Stack) -> Iterator[None]:
    """The bridge has a process, and does nothing."""
    pid = stack.pid("bridge")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
        until_sound(stack)


@contextmanager
def account_lost(stack: Stack) -> Iterator[None]:
    """The running broker has lost one of the stack's own accounts."""
    mqtt = read_plan(stack.folder).mqtt
    password = stack.folder.secret(accounts.ADMIN).read_text().strip()
    accounts.tell(mqtt.host, mqtt.port, mqtt.ca, password, accounts.removal(accounts.WATCHER))
    try:
        yield
    finally:
        stack.run("restart", "broker")
        until_sound(stack)


@contextmanager
def port_taken(stack: Stack) -> Iterator[None]:
    """Another program has the broker's port."""
    stack.run("stop", "broker")
    mqtt = read_plan(stack.folder).mqtt
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((mqtt.host, mqtt.port))
        other.listen()
        stack.run("start", "broker", status=1)
        eventually(lambda: _state(stack, "broker") in {"BACKOFF", "FATAL"}, what="it gives up")
        yield
    stack.run("start", "broker", status=None)
    until_sound(stack)


def _state(stack: Stack, name: str) -> str:
    with Supervisor(stack.folder) as supervisor:
        return next(one.state for one in supervisor.processes() if one.name == name)


@contextmanager
def topic_deleted(stack: Stack) -> Iterator[None]:
    """Kafka has lost a topic while nobody was there who makes it."""
    stack.run("stop", "bridge")
    stack.run("stop", "stream")
    client = AdminClient({"bootstrap.servers": read_plan(stack.folder).kafka.bootstrap})
    client.delete_topics([topics.RECEIPTS])[topics.RECEIPTS].result()
    eventually(
        lambda: topics.RECEIPTS not in client.list_topics(timeout=5).topics, what="it is gone"
    )
    try:
        yield
    finally:
        stack.run("start", "bridge")
        stack.run("start", "stream")
        eventually(lambda: topics.RECEIPTS in client.list_topics(timeout=5).topics, 30,
                   "the bridge has made it anew")  # fmt: skip
        until_sound(stack)


def sql(breaks: str, mends: str) -> Case:
    """Somebody has changed the database, as its owner or as the server's superuser."""

    @contextmanager
    def case(stack: Stack) -> Iterator[None]:
        _execute(stack, breaks)
        try:
            yield
        finally:
            _execute(stack, mends)

    return case


def _execute(stack: Stack, statement: str) -> None:
    postgres = read_plan(stack.folder).postgres
    values: dict[str, Any] = {"stream": postgres.password("fieldline_stream")}
    with psycopg.connect(
        postgres.dsn("fieldline_owner"), password=postgres.password("fieldline_owner")
    ) as connection:
        connection.execute(statement.format(**values).encode())


CASES: dict[str, tuple[Case, str, str, str]] = {
    "an unknown key in the settings": (
        text("fieldline.toml", '[mqtt]\nbnd = "0.0.0.0"\n'), "settings", "bnd", "fieldline.toml"),
    "a secret that others can read": (
        mode("secrets/fieldline_stream", 0o644), "secrets", "mode 0644", "chmod 0600"),
    "a folder of secrets that others can enter": (
        mode("secrets", 0o755), "secrets", "mode 0755", "chmod 0700"),
    "a secret that is missing": (
        missing("secrets/fieldline_reader"), "secrets", "is missing", "fieldline up"),
    "a certificate that has ended": (
        expired_certificate, "certificates", "has ended on", "fieldline up"),
    "a certificate of another CA": (
        certificate_of_another_ca, "certificates", "not signed by this CA", "fieldline up"),
    "a certificate without the name": (
        text("fieldline.toml", '[mqtt]\nnames = ["plant.example"]\n'),
        "certificates", "does not name plant.example", "fieldline up"),
    "a key of another certificate": (
        key_of_another_certificate, "certificates", "is not the key of", "fieldline up"),
    "a CA without its key": (missing("tls/ca.key"), "certificates", "is missing", "restore"),
    "a damaged CA": (text("tls/ca.pem", "nonsense"), "certificates", "damaged", "restore"),
    "a broker that was stopped": (
        stopped("broker"), "broker", "stopped by hand", "fieldline start broker"),
    "a broker whose port another program has": (
        port_taken, "broker", "is in use by process", "ports.json"),
    "a password of the bridge that is not the broker's": (
        text("secrets/fieldline-bridge", "guess"), "broker", "refuses fieldline-bridge",
        "fieldline up"),
    "a broker that has lost an account": (
        account_lost, "broker", "refuses fieldline-watcher", "fieldline up"),
    "a Kafka that was stopped": (
        stopped("kafka"), "kafka", "stopped by hand", "fieldline start kafka"),
    "a topic that was deleted": (
        topic_deleted, "kafka", "no topic fieldline.receipts", "fieldline restart bridge"),
    "a PostgreSQL that was stopped": (
        stopped("postgres"), "postgres", "stopped by hand", "fieldline start postgres"),
    "a role's password that was changed": (
        sql("ALTER ROLE fieldline_stream PASSWORD 'other'",
            "ALTER ROLE fieldline_stream PASSWORD '{stream}'"),
        "postgres", "refuses fieldline_stream", "fieldline up"),
    "a schema that is older": (
        sql("CREATE TABLE storage.aside AS SELECT * FROM storage.migration WHERE name >= '0060'; "
            "DELETE FROM storage.migration WHERE name >= '0060'",
            "INSERT INTO storage.migration SELECT * FROM storage.aside; DROP TABLE storage.aside"),
        "postgres", "the schema is older", "fieldline up"),
    "a schema that is newer": (
        sql("INSERT INTO storage.migration VALUES ('9999_later.sql', 'x')",
            "DELETE FROM storage.migration WHERE name = '9999_later.sql'"),
        "postgres", "9999_later.sql", "newer"),
    "a table that the stream may not write": (
        sql("REVOKE INSERT ON storage.ledger FROM fieldline_stream",
            "GRANT INSERT ON storage.ledger TO fieldline_stream"),
        "postgres", "may not write storage.ledger", "GRANT INSERT"),
    "an API that was stopped": (stopped("api"), "api", "stopped by hand", "fieldline start api"),
    "a token that the API does not know": (
        text("secrets/local-token", "fl_guess"), "api", "does not know the token",
        "fieldline restart api"),
    "a bridge that was stopped": (
        stopped("bridge"), "bridge", "stopped by hand", "fieldline start bridge"),
    "a stream that was stopped": (
        stopped("stream"), "stream", "stopped by hand", "fieldline start stream"),
    "a bridge that is frozen": (
        frozen_bridge, "reading", "the bridge does not carry it", "fieldline restart bridge"),
}  # fmt: skip
"""How it is broken, which check names it, and what that says and advises."""
