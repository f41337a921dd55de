"""Servers that are not the stack's: started apart, with logins and certificates of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pyspark

from cloud.stack import java, ports, tls
from cloud.stack.folder import Folder
from cloud.stack.servers import kafka as kafka_server
from tests.servers import Kafka, Postgres
from tests.waiting import eventually

USERNAME, PASSWORD = "fieldline", 'kafka "secret" \\ of somebody else'
_JAAS = "org.apache.kafka.common.security"


def listens(port: int) -> bool:
    """Whether somebody takes connections at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((ports.HOST, port)) == 0


class SecuredKafka:
    """A Kafka that speaks SASL (SCRAM-SHA-512) over TLS to its clients."""

    def __init__(self, folder: Folder) -> None:
        self._server = Kafka(folder)  # draws the ports
        self.bootstrap = self._server.bootstrap
        self.log = folder.data / "kafka.log"
        self._own = folder.data / "kafka"
        made = tls.ensure(folder.tls)
        self.ca = made.ca
        pem = folder.data / "kafka.pem"
        pem.write_bytes(made.key.read_bytes() + made.certificate.read_bytes())
        self._process: subprocess.Popen[bytes] | None = None
        self._command = self._prepare(folder, pem)

    def start(self) -> None:
        """Start it; it answers when its port is open."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        eventually(lambda: listens(self._server.port), within=60, what="Kafka listens")

    def kill(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def _prepare(self, folder: Folder, pem: Path) -> list[str]:
        command = kafka_server.prepare(folder)
        at = command.index("kafka.Kafka")
        properties = Path(command[at + 1])
        text = properties.read_text().replace("PLAINTEXT://", "SASL_SSL://")
        logs = next(line.split("=")[1] for line in text.splitlines() if line.startswith("log.dirs"))
        properties.write_text(
            text
            + "listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT\n"
            + "inter.broker.listener.name=SASL_SSL\n"
            + "sasl.enabled.mechanisms=SCRAM-SHA-512\n"
            + "sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512\n"
            + f"ssl.keystore.type=PEM\nssl.keystore.location={pem}\n"
            + f"ssl.truststore.type=PEM\nssl.truststore.location={self.ca}\n"
            + "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config="
            + f"{_JAAS}.scram.ScramLoginModule required "
            + 'username="broker" password="of-the-broker";\n'
        )
        shutil.rmtree(logs)
        subprocess.run(
            [*command[:at], "kafka.tools.StorageTool", "format",
             f"--cluster-id={kafka_server.new_cluster_id()}", "-c", str(properties),
             "--add-scram", "SCRAM-SHA-512=[name=broker,password=of-the-broker]",
             "--add-scram", f"SCRAM-SHA-512=[name={USERNAME},password={PASSWORD}]"],
            check=True, capture_output=True,
        )  # fmt: skip
        return command


def with_tls(postgres: Postgres) -> Path:
    """Start a PostgreSQL that demands TLS; returns its CA's file."""
    made = tls.ensure(postgres.folder.tls)
    postgres.start()
    postgres.stop()
    owner = postgres.own.stat()
    for name, file in (("server.crt", made.certificate), ("server.key", made.key)):
        shutil.copy(file, postgres.own / name)
        os.chown(postgres.own / name, owner.st_uid, owner.st_gid)
        (postgres.own / name).chmod(0o600)
    with (postgres.own / "postgresql.auto.conf").open("a") as settings:
        settings.write("ssl = on\n")
    rules = postgres.own / "pg_hba.conf"
    rules.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    postgres.start()
    return made.ca


class SparkCluster:
    """A Spark standalone master with one worker."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"spark://{ports.HOST}:{port}"
        self.log = folder / "spark.log"
        self._folder = folder
        self._port = port
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both, and wait until the worker has registered."""
        deploy = "org.apache.spark.deploy"
        self._run(f"{deploy}.master.Master", "--host", ports.HOST, "--port", str(self._port),
                  "--webui-port", "0")  # fmt: skip
        eventually(lambda: listens(self._port), within=60, what="Spark's master listens")
        self._run(
            f"{deploy}.worker.Worker",
            self.url,
            "--host",
            ports.HOST,
            "--webui-port",
            "0",
            "--cores",
            "2",
            "--memory",
            "1g",
            "--work-dir",
            str(self._folder / "work"),
        )
        eventually(
            lambda: "Registering worker" in self.log.read_text(),
            within=60, what="a worker is there",
        )  # fmt: skip

    def ran_something(self) -> bool:
        """Whether the worker has had an executor."""
        return any((self._folder / "work").glob("app-*"))

    def kill(self) -> None:
        """End both, and the executors."""
        for process in self._processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def _run(self, main: str, *words: str) -> None:
        spark = Path(pyspark.__file__).parent
        environment = {
            **os.environ,
            "JAVA_HOME": str(java.home_of(java.find(os.environ))),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": ports.HOST,
            "SPARK_DAEMON_MEMORY": "256m",
        }
        with self.log.open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    [spark / "bin/spark-class", main, *words],
                    env=environment, stdout=log, stderr=log, start_new_session=True,
                )
            )  # fmt: skip
