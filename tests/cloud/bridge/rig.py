"""What tests with real servers use: the bridge as a process, a device, a stream."""

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from paho.mqtt.enums import CallbackAPIVersion

from cloud.stack.errors import AccountRefused
from tests.servers import CHECKOUT, Broker
from tests.waiting import eventually
from wire import topics
from wire.pack import encode_pack
from wire.ranges import RangeSet
from wire.reading import Reading, TimeQuality
from wire.receipt import Receipt, decode_receipt
from wire.stored import StoredRanges, encode_stored

TESTER = "tester"


def pack(device: str, epoch: str, sequence: int, readings: int = 5) -> bytes:
    return encode_pack(
        device,
        [
            Reading("gas/co", 1_795_400_000_000_000 + i * 1000, sequence + i / 10, "ppm")
            for i in range(readings)
        ],
        epoch=epoch,
        sequence=sequence,
        quality=TimeQuality.SYNCED,
    )


class BridgeProcess:
    """`python -m cloud.bridge`, started and ended as a user would."""

    def __init__(self, folder: Path, settings: dict[str, dict[str, Any]]) -> None:
        self.log = folder / "bridge.log"
        self._progress = folder / "bridge.json"
        self._config = folder / "bridge.toml"
        settings.setdefault("bridge", {})["progress_file"] = str(self._progress)
        self._config.write_text(
            "\n".join(
                f"[{table}]\n" + "\n".join(f"{key} = {json.dumps(v)}" for key, v in keys.items())
                for table, keys in settings.items()
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._progress.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cloud.bridge", "--config", str(self._config)],
                stderr=log,
                cwd=CHECKOUT,
            )

    def start_and_wait(self) -> None:
        self.start()
        eventually(self.is_up, what="the bridge is up")

    def is_up(self) -> bool:
        return bool(self.progress().get("detail", {}).get("mqtt") == "up")

    def progress(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._progress.read_text()))
        except FileNotFoundError:
            return {}

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def stop(self, seconds: float = 10.0) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(seconds)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def resident_mb(self) -> float:
        assert self._process is not None
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def cpu_seconds(self) -> float:
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """Someone who may publish for every device and hears what devices are told."""

    def __init__(self, broker: Broker) -> None:
        self.acknowledged: set[int] = set()
        self.receipts: dict[str, list[tuple[Receipt, bool]]] = defaultdict(list)
        self._subscribed = threading.Event()
        self._connected = threading.Event()
        self._broker = broker
        client = self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.tls_set_context(ssl.create_default_context(cafile=broker.ca))
        client.username_pw_set(TESTER, broker.password)
        client.reconnect_delay_set(1, 1)
        client.max_queued_messages_set(0)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_publish = lambda _c, _u, mid, code, _p: (
            None if code.is_failure else self.acknowledged.add(mid)
        )
        client.on_message = self._on_message

    def __enter__(self) -> "Client":
        self.get_account()
        self._client.connect(self._broker.host, self._broker.port)
        self._client.loop_start()
        assert self._subscribed.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def get_account(self) -> None:
        """Become one who may send for every device; a wiped broker has forgotten it."""
        own = [
            {"acltype": kind, "topic": f"{topics.ROOT}/#", "allow": True}
            for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")
        ]
        with suppress(AccountRefused):  # an earlier test has made it
            self._broker.tell(
                [
                    {"command": "createRole", "rolename": TESTER, "acls": own},
                    {
                        "command": "createClient",
                        "username": TESTER,
                        "password": self._broker.password,
                        "roles": [{"rolename": TESTER}],
                    },
                ]
            )

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def send(self, device: str, epoch: str, sequence: int) -> int:
        return self.publish(topics.data(device), pack(device, epoch, sequence))

    def all_acknowledged(self, mids: set[int]) -> None:
        eventually(lambda: mids <= self.acknowledged, what="the broker has everything")

    def told(self, device: str, when: Callable[[Receipt], object], what: str) -> Receipt:
        """Wait until the device's newest receipt is such, and return it."""

        def newest() -> Receipt | None:
            receipt = self.receipt(device)
            return receipt if receipt is not None and when(receipt) else None

        found = eventually(newest, what=what)
        assert found is not None
        return found

    def receipt(self, device: str) -> Receipt | None:
        return self.receipts[device][-1][0] if self.receipts[device] else None

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe(topics.all_devices("receipt"), qos=1)

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        device, _ = topics.parse(message.topic)
        self.receipts[device].append((decode_receipt(bytes(message.payload)), message.retain))


class KafkaReader:
    """All that stands in Kafka's topics."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def log_id(self) -> str:
        from confluent_kafka import TopicCollection

        admin = AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 2})
        futures = admin.describe_topics(TopicCollection([topics.PACKS]), request_timeout=5)
        return str(futures[topics.PACKS].result().topic_id)

    def messages(self, topic: str) -> Iterator[Any]:
        """Read a topic from its beginning to its present end."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "test",
                "enable.partition.eof": False,
                "fetch.message.max.bytes": 10_000_000,
                "log_level": 2,
            }
        )
        try:
            known = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            start, end = {}, {}
            for number in known:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), 10)
                if low < high:
                    start[number], end[number] = low, high
            consumer.assign([TopicPartition(topic, n, low) for n, low in start.items()])
            while end:
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None, message.error()
                number, offset = message.partition(), message.offset()
                assert number is not None
                assert offset is not None
                if number in end:
                    yield message
                    if offset + 1 >= end[number]:
                        del end[number]
        finally:
            consumer.close()

    def packs(self, devices: Collection[str]) -> Counter[tuple[str, str, int]]:
        """Count the packs of these devices by device, epoch and sequence number."""
        found: Counter[tuple[str, str, int]] = Counter()
        for message in self.messages(topics.PACKS):
            device = message.key().decode()
            if device in devices:
                first = json.loads(message.value())[0]
                found[device, first["ep"], first["sq"]] += 1
        return found

    def store(self, log: str, device: str, epoch: str, *ranges: tuple[int, int]) -> None:
        """Say what the stream says after a commit."""
        producer = Producer({"bootstrap.servers": self._bootstrap, "log_level": 2})
        value = encode_stored(StoredRanges(log, epoch, RangeSet.of(ranges)))
        producer.produce(topics.RECEIPTS, value, device)
        assert producer.flush(20) == 0
