"""A stack of bridge and stream alone: broker, Kafka, PostgreSQL and Spark are somebody else's."""

from __future__ import annotations

import shutil
import ssl
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud.stack import accounts, ports, secret_files, supervision
from cloud.stack.folder import Folder
from tests.end_to_end import external
from tests.servers import Broker, Postgres, draw_ports
from tests.stack import Stack
from tests.waiting import eventually
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

DEVICE, EPOCH = "pi-elsewhere", "k3v9x0q2m4t7a1zz"


@dataclass(frozen=True)
class Elsewhere:
    """The servers, and the stack that uses them."""

    stack: Stack
    broker: Broker
    spark: external.SparkCluster


def folder(parent: Path, name: str) -> Folder:
    made = Folder(parent / name)
    made.data.mkdir(mode=0o755)
    return made


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    """Everything started apart, then `fieldline up` with a settings file that names it."""
    parent = Path(tempfile.mkdtemp(prefix="fieldline-external-"))
    parent.chmod(0o755)
    broker = Broker(folder(parent, "broker"))
    kafka = external.SecuredKafka(folder(parent, "kafka"))
    postgres = Postgres(folder(parent, "postgres"))
    own = folder(parent, "spark").data
    spark = external.SparkCluster(own, ports.choose(own / "ports.json", ["spark"])["spark"])
    stack = Stack(folder(parent, "stack"))
    draw_ports(stack.folder)
    secret = parent / "kafka.password"
    secret_files.write(secret, external.PASSWORD)
    try:
        broker.start()
        kafka.start()
        spark.start()
        ca = external.with_tls(postgres)
        stack.folder.settings.write_text(f"""\
[mqtt]
host = "{broker.host}"
port = {broker.port}
ca = "{broker.ca}"
username = "{accounts.BRIDGE}"
password_file = "{broker.password_file}"

[kafka]
bootstrap = "{kafka.bootstrap}"
partitions = 2
replication = 1
[kafka.security]
protocol = "SASL_SSL"
ca = "{kafka.ca}"
username = "{external.USERNAME}"
password_file = "{secret}"

[postgres]
host = "{postgres.host}"
port = {postgres.port}
sslmode = "verify-full"
ca = "{ca}"
owner_password_file = "{postgres.password_file("fieldline_owner")}"

[spark]
master = "{spark.url}"
properties = {{ "spark.executor.memory" = "512m" }}
""")
        stack.run("up", "--detach", timeout=200)
        yield Elsewhere(stack, broker, spark)
    finally:
        stack.run("down", status=None, timeout=120)
        left = supervision.leftovers(stack.folder)
        if left:
            supervision.end(left, lambda: supervision.leftovers(stack.folder))
        spark.kill()
        kafka.kill()
        for server in (broker, postgres):
            if server.running:
                server.kill()
        shutil.rmtree(parent, ignore_errors=True)


def test_readings_go_through_all_of_them_and_a_receipt_comes_back(elsewhere: Elsewhere) -> None:
    broker, stack = elsewhere.broker, elsewhere.stack
    now = time.time_ns() // 1000
    readings = [Reading("t", now + n * 1000, float(n), "Cel") for n in range(50)]
    pack = encode_pack(DEVICE, readings, epoch=EPOCH, sequence=0, quality=TimeQuality.SYNCED)
    receipts: list[bytes] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.username_pw_set(DEVICE, broker.add(DEVICE))
    client.tls_set(broker.ca, cert_reqs=ssl.CERT_REQUIRED)
    client.on_message = lambda _c, _u, message: receipts.append(bytes(message.payload))
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        client.subscribe(f"fieldline/v1/{DEVICE}/receipt", qos=1)
        client.publish(f"fieldline/v1/{DEVICE}/data", pack, qos=1).wait_for_publish(20)
        eventually(
            lambda: any(b'"stored":[[0,0]]' in receipt for receipt in receipts),
            within=60, what="the receipt says that it is stored",
        )  # fmt: skip
    finally:
        client.disconnect()
        client.loop_stop()
    ((count,),) = stack.query(
        "SELECT count(*)::int FROM fieldline.reading WHERE device = %s", DEVICE
    )
    assert count == 50
    assert elsewhere.spark.ran_something()


def test_only_what_is_of_this_stack_runs_here(elsewhere: Elsewhere) -> None:
    stages = {stage["name"]: stage for stage in elsewhere.stack.json("status")["stages"]}
    assert {name for name, stage in stages.items() if stage["pid"]} >= {"bridge", "stream"}
    for name in ("broker", "kafka", "postgres"):
        assert stages[name]["pid"] is None
        assert stages[name]["state"] == "running"


def test_verify_finds_nothing_wrong(elsewhere: Elsewhere) -> None:
    said = elsewhere.stack.json("verify")
    assert (said["differing"], said["missing"], said["doubled"]) == (0, 0, 0)
    assert said["checked"] > 0


def test_the_password_of_kafka_is_in_no_log_and_no_process_list(elsewhere: Elsewhere) -> None:
    secret = "of somebody else"  # a part of it that no quoting changes
    for log in elsewhere.stack.folder.logs.glob("*.log"):
        assert secret not in log.read_text(errors="replace"), log
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert secret.encode() not in arguments.read_bytes(), arguments
        except (FileNotFoundError, ProcessLookupError):
            continue
