"""Kafka, one node in KRaft mode, run from the jars that Maven fetched."""

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from cloud.stack import java, ports
from cloud.stack.errors import ServerMissing, StackError
from cloud.stack.folder import Folder
from cloud.stack.servers import becoming

JARS = Path(__file__).resolve().parents[3] / "build" / "jars" / "kafka"
_MAX_MESSAGE = 9 * 1024 * 1024  # the broker's 8 MiB and what Kafka wraps around it
_RETENTION_DAYS = 30

# Small heap; the quick compiler alone, because what it does is copy bytes.
_JVM = [
    "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
    "-XX:MaxMetaspaceSize=128m", "-XX:ReservedCodeCacheSize=48m", "-Xss512k",
    "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true",
]  # fmt: skip


def configuration(logs: Path, port: int, controller_port: int) -> str:
    """Return server.properties of the only node."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{ports.HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{ports.HOST}:{port},CONTROLLER://{ports.HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{ports.HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": logs,
        "auto.create.topics.enable": "false",
        "num.partitions": 1,
        "default.replication.factor": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
        "message.max.bytes": _MAX_MESSAGE,
        "replica.fetch.max.bytes": _MAX_MESSAGE,
        "log.retention.hours": _RETENTION_DAYS * 24,
        "log.segment.bytes": 128 * 1024 * 1024,
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 2,
        # A lone controller need not wait for votes.
        "controller.quorum.election.timeout.ms": 200,
        "controller.quorum.fetch.timeout.ms": 1000,
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
        "controlled.shutdown.enable": "true",
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


_LOGGING = """\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="warn">
  <Appenders>
    <Console name="stderr" target="SYSTEM_ERR">
      <PatternLayout pattern="%d{yyyy-MM-dd'T'HH:mm:ss'Z'}{UTC} %p %c{1}: %m%n"/>
    </Console>
  </Appenders>
  <Loggers>
    <Root level="warn"><AppenderRef ref="stderr"/></Root>
    <Logger name="kafka.server.KafkaRaftServer" level="info"/>
  </Loggers>
</Configuration>
"""


def prepare(folder: Folder, jars: Path = JARS) -> list[str]:
    """Make Kafka's folder, format its storage if it has none, and return the command.

    Also after the folder was deleted; then it is a new cluster with new topic ids.
    Raises StackError.
    """
    if not any(jars.glob("kafka_*.jar")):
        raise ServerMissing(f"Kafka in {jars}", "it by `make setup`")
    own = folder.data / "kafka"
    logs = own / "logs"
    own.mkdir(parents=True, exist_ok=True)
    own.chmod(0o700)
    chosen = ports.choose(folder.data / "ports.json", ["kafka", "kafka_controller"])
    properties = own / "server.properties"
    properties.write_text(configuration(logs, chosen["kafka"], chosen["kafka_controller"]))
    (own / "log4j2.xml").write_text(_LOGGING)
    binary = str(java.find(os.environ))
    run = [
        binary, *_JVM,
        f"-Dlog4j2.configurationFile={own / 'log4j2.xml'}",
        f"-Dlog4j.configurationFile={own / 'log4j2.xml'}",
        "-cp", f"{jars}/*",
    ]  # fmt: skip
    if not (logs / "meta.properties").exists():
        format_storage(run, properties, logs, new_cluster_id())
    return [*run, "kafka.Kafka", str(properties)]


def new_cluster_id() -> str:
    """Return 16 random bytes in URL-safe base64, as StorageTool's random-uuid makes them."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def format_storage(run: list[str], properties: Path, logs: Path, cluster: str) -> None:
    """Format Kafka's storage anew with a cluster id; `run` is java with its class path."""
    if logs.exists():
        shutil.rmtree(logs)  # half of a deleted folder: no log can be told from it
    # One id in 64 begins with "-": joined to its option it is not taken for another one.
    tool = [*run, "kafka.tools.StorageTool", "format"]
    done = subprocess.run(
        [*tool, f"--cluster-id={cluster}", "-c", str(properties)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise StackError(f"Kafka's storage could not be formatted: {done.stdout}{done.stderr}")


def main() -> None:
    """Become Kafka."""
    parser = becoming.parser("kafka", "Prepare Kafka's folder and become Kafka.")
    parser.add_argument("--jars", type=Path, default=JARS, help="where Kafka's jars are")
    options = parser.parse_args()
    becoming.become("Kafka", lambda: prepare(options.data, options.jars.absolute()))


if __name__ == "__main__":
    main()
