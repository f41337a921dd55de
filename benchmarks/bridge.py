"""The bridge beside a C subscriber that only receives, through the same broker, in the same run.

    python -m benchmarks.bridge

The rival is mosquitto_sub: C, libmosquitto, TLS, QoS 1; it prints a letter for each message. The
bridge does all it does: hands each pack to Kafka, waits for its acknowledgement, acknowledges to
the broker, tells the devices. Broker, Kafka and their settings are those of `fieldline up`.

Two ways, each with packs of 100 and of 800 readings, the two taking turns:

- live: four devices publish as fast as the broker lets them. Publishers, broker and receiver share
  the cores.
- backlog: the packs stand ready in the broker's queue. Nothing but broker and receiver run.

Beside the ratio it prints what a pack costs each process in µs of a core: the cores are few, and
what Kafka takes of them for the bridge's packs, the subscriber that only receives has for itself.
"""

import json
import multiprocessing
import os
import platform
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psutil  # type: ignore[import-untyped]
from confluent_kafka import Consumer, KafkaException, TopicPartition

from cloud.bridge.link import RECEIVE_MAXIMUM
from cloud.stack import accounts, ports
from cloud.stack.folder import Folder
from cloud.stack.servers import kafka, mosquitto
from wire import topics
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

RESULTS = Path(__file__).parent / "results" / "bridge.json"
FIGURE = 0.9
DEVICES = [f"pi-{n}" for n in range(4)]
ROUNDS = 3
WARM = 800  # packs by which a receiver shows that it is there, before the others are let go
WINDOW = 500  # packs that a device sends without being acknowledged
PARTITIONS = 4
# Packs by readings a pack; all must fit the broker's queue of 64 MB, or it drops some.
SIZES = {
    100: {"live": 20_000, "backlog": 16_000},
    800: {"live": 2_800, "backlog": 2_400},
}
PASSWORD = "only-for-this-run"


class Place:
    """A broker and a Kafka of this run, and who may log in."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.folder = Folder(data)
        self.password = data / "password"
        self.password.write_text(PASSWORD)
        wanted = [(name, accounts.Kind.DEVICE, PASSWORD) for name in DEVICES]
        wanted.append((accounts.BRIDGE, accounts.Kind.BRIDGE, PASSWORD))
        wanted.append((accounts.WATCHER, accounts.Kind.WATCHER, PASSWORD))
        self.folder.secrets.mkdir()
        accounts.ensure(self.folder.secret("accounts.json"), wanted)
        self.servers: dict[str, psutil.Process] = {}
        self._commands = [mosquitto.prepare(self.folder), kafka.prepare(self.folder)]
        chosen = ports.choose(data / "ports.json", ["mqtt", "kafka"])
        self.mqtt, self.kafka = chosen["mqtt"], chosen["kafka"]
        self.ca = self.folder.tls / "ca.pem"

    @contextmanager
    def running(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name, command in zip(("broker", "kafka"), self._commands, strict=True):
                made = stack.enter_context(process(command, self.data / "servers.log"))
                self.servers[name] = psutil.Process(made.pid)
            for port in (self.mqtt, self.kafka):
                wait_for(lambda port=port: listens(port), 60)
            yield

    def connect(self, device: str) -> ssl.SSLSocket:
        """Log in as a device; MQTT 5.0, 3.1."""
        context = ssl.create_default_context(cafile=str(self.ca))
        plain = socket.create_connection((ports.HOST, self.mqtt))
        sock = context.wrap_socket(plain, server_hostname=ports.HOST)
        body = text(b"MQTT") + b"\x05\xc2\x00\x3c\x00" + text(device.encode())
        body += text(device.encode()) + text(PASSWORD.encode())
        sock.sendall(b"\x10" + length(body) + body)
        assert sock.recv(64)[3] == 0, "the broker refused the device"
        return sock


def text(value: bytes) -> bytes:
    return struct.pack("!H", len(value)) + value


def length(body: bytes) -> bytes:
    out, value = bytearray(), len(body)
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((ports.HOST, port), 1):
        return True
    return False


def wait_for(condition: Any, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.005)


@contextmanager
def process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(5)
            except subprocess.TimeoutExpired:  # mosquitto_sub may not hear the first time
                running.kill()
                running.wait()


def packets(device: str, readings: int, count: int) -> list[bytes]:
    """PUBLISH packets, QoS 1, made beforehand; MQTT 5.0, 3.3."""
    epoch = new_epoch()
    made = []
    for sequence in range(count):
        start = 1_795_400_000_000_000 + sequence * 1_000_000
        batch = [
            Reading(f"host/channel_{i % 20}", start + i // 20 * 50_000, round(i * 1.37 % 100, 2))
            for i in range(readings)
        ]
        payload = encode_pack(
            device, batch, epoch=epoch, sequence=sequence, quality=TimeQuality.SYNCED
        )
        body = text(topics.data(device).encode()) + struct.pack("!HB", sequence % 65_535 + 1, 0)
        body += payload
        made.append(b"\x32" + length(body) + body)
    return made


def publish(data: Path, readings: int, count: int, signals: Any) -> None:
    """Publish for every device, each by a thread; a process of its own."""
    ready, warm, go = signals
    place = Place.__new__(Place)
    place.ca = Folder(data).tls / "ca.pem"
    place.mqtt = ports.choose(data / "ports.json", ["mqtt"])["mqtt"]
    made = {device: packets(device, readings, count // len(DEVICES)) for device in DEVICES}
    links = {device: place.connect(device) for device in DEVICES}
    ready.set()
    warm.wait()
    first = WARM // len(DEVICES)
    for device in DEVICES:
        links[device].sendall(b"".join(made[device][:first]))
    go.wait()

    def run(device: str) -> None:
        sock, left, waiting = links[device], made[device][first:], 4 * first
        for at in range(0, len(left), 50):
            chunk = left[at : at + 50]
            sock.sendall(b"".join(chunk))
            waiting += 4 * len(chunk)  # bytes of PUBACK
            while waiting > 4 * WINDOW:
                waiting -= len(sock.recv(65_536))
        while waiting > 0:
            waiting -= len(sock.recv(65_536))
        sock.close()

    threads = [threading.Thread(target=run, args=(device,)) for device in DEVICES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Bridge:
    """The bridge as `fieldline up` runs it."""

    name = "bridge"

    def __init__(self, place: Place) -> None:
        self._place = place
        self._config = place.data / "bridge.toml"
        self._progress = place.data / "bridge.json"
        self._config.write_text(
            f'[mqtt]\nhost = "{ports.HOST}"\nport = {place.mqtt}\nca = "{place.ca}"\n'
            f'username = "{accounts.BRIDGE}"\npassword_file = "{place.password}"\n'
            f'[kafka]\nbootstrap = "{ports.HOST}:{place.kafka}"\npartitions = {PARTITIONS}\n'
            f'[bridge]\nprogress_file = "{self._progress}"\n'
        )
        self._reader = Consumer(
            {"bootstrap.servers": f"{ports.HOST}:{place.kafka}", "group.id": "b", "log_level": 2}
        )

    @contextmanager
    def running(self) -> Iterator[int]:
        command = [sys.executable, "-m", "cloud.bridge", "--config", str(self._config)]
        with process(command, self._place.data / "bridge.log") as made:
            yield made.pid

    def prepare(self) -> None:
        """Have the broker keep a session."""
        self._progress.unlink(missing_ok=True)
        with self.running():
            wait_for(lambda: self._progress.exists() and '"up"' in self._progress.read_text())

    def forget(self) -> None:
        filters = [topics.shared("bridge", topics.all_devices("data"))]
        end_session(self._place, accounts.BRIDGE, "fieldline-bridge", filters)

    def received(self) -> int:
        """How many packs Kafka has acknowledged."""
        total = 0
        for partition in range(PARTITIONS):
            with suppress(KafkaException):
                where = TopicPartition(topics.PACKS, partition)
                total += self._reader.get_watermark_offsets(where, 5)[1]
        return total


class Subscriber:
    """mosquitto_sub."""

    name = "mosquitto_sub"

    def __init__(self, place: Place) -> None:
        self._place = place
        self._output = place.data / "rival.out"
        self._command = subscriber(place, accounts.WATCHER, "rival", [topics.all_devices("data")])
        self._command += ["-c", "-x", "3600", "-F", "x"]
        self._command += ["-D", "connect", "receive-maximum", str(RECEIVE_MAXIMUM)]

    @contextmanager
    def running(self) -> Iterator[int]:
        self._output.unlink(missing_ok=True)
        with process(["stdbuf", f"-o{HELD_BACK}", *self._command], self._output) as made:
            yield made.pid  # stdbuf becomes the command

    def prepare(self) -> None:
        """Have the broker keep a session."""
        subprocess.run([*self._command, "-E"], check=True)

    def forget(self) -> None:
        end_session(self._place, accounts.WATCHER, "rival", [topics.all_devices("data")])

    def received(self) -> int:
        return self._output.stat().st_size // 2 if self._output.exists() else 0


HELD_BACK = 512  # bytes of the rival's output that it may not have written yet


def subscriber(place: Place, username: str, client_id: str, filters: list[str]) -> list[str]:
    command = [
        "mosquitto_sub", "-h", ports.HOST, "-p", str(place.mqtt), "--cafile", str(place.ca),
        "-V", "5", "-q", "1", "-i", client_id, "-u", username, "-P", PASSWORD,
    ]  # fmt: skip
    return command + [word for one in filters for word in ("-t", one)]


def end_session(place: Place, username: str, client_id: str, filters: list[str]) -> None:
    subprocess.run([*subscriber(place, username, client_id, filters), "-E"], check=True)


class Measured(NamedTuple):
    """Packs a second, and what each process spent on one, in µs of a core."""

    rate: float
    costs: dict[str, float]


def spent_by(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Return the seconds of a core that each has used so far."""
    times = {name: one.cpu_times() for name, one in processes.items()}
    return {name: one.user + one.system for name, one in times.items()}


def measure(place: Place, receiver: Bridge | Subscriber, readings: int, way: str) -> Measured:
    """Measure from the first tenth received to the last: starting does not count."""
    count = SIZES[readings][way]
    ready, warm, go = signals = tuple(multiprocessing.Event() for _ in range(3))
    arguments = (place.data, readings, count, signals)
    publisher = multiprocessing.Process(target=publish, args=arguments)
    receiver.prepare()
    publisher.start()
    ready.wait()
    try:
        start = receiver.received() if receiver.name == "bridge" else 0
        if way == "backlog":
            warm.set()
            go.set()
            publisher.join()
        with receiver.running() as pid:
            processes = {**place.servers, "receiver": psutil.Process(pid)}
            if way == "live":
                assert publisher.pid is not None
                processes["publisher"] = psutil.Process(publisher.pid)
            warm.set()
            wait_for(lambda: receiver.received() - start >= WARM - HELD_BACK // 2)
            go.set()
            wait_for(lambda: receiver.received() - start >= max(WARM, count // 10))
            began, first, before = time.perf_counter(), receiver.received(), spent_by(processes)
            wait_for(lambda: receiver.received() - start >= count - HELD_BACK // 2)
            spent, got = time.perf_counter() - began, receiver.received() - first
            after = spent_by(processes)
        publisher.join()
    finally:
        publisher.kill()
        receiver.forget()
    costs = {name: (after[name] - before[name]) / got * 1e6 for name in processes}
    return Measured(got / spent, costs)


def typical(runs: list[Measured]) -> Measured:
    """Return the medians."""
    costs = {name: median(run.costs[name] for run in runs) for name in runs[0].costs}
    return Measured(median(run.rate for run in runs), costs)


def rounded(costs: dict[str, float]) -> dict[str, float]:
    return {name: round(cost, 1) for name, cost in costs.items()}


def main() -> None:
    figures = []
    with tempfile.TemporaryDirectory() as data:
        place = Place(Path(data))
        with place.running():
            receivers = (Bridge(place), Subscriber(place))
            measure(place, receivers[0], 100, "backlog")  # the first run warms Kafka's compiler
            print(f"{'':24}{'bridge':>12}{'C receiver':>12}{'ratio':>8}   (packs/s, median)")
            for way in ("live", "backlog"):
                for readings in SIZES:
                    runs: dict[str, list[Measured]] = {one.name: [] for one in receivers}
                    for _ in range(ROUNDS):
                        for one in receivers:
                            runs[one.name].append(measure(place, one, readings, way))
                    ours, theirs = (typical(runs[one.name]) for one in receivers)
                    ratio = ours.rate / theirs.rate
                    label = f"{way}, {readings} readings"
                    print(f"{label:24}{ours.rate:12,.0f}{theirs.rate:12,.0f}{ratio:8.2f}")
                    for name, run in (("bridge", ours), ("C receiver", theirs)):
                        words = ", ".join(f"{who} {cost:.0f}" for who, cost in run.costs.items())
                        print(f"    µs of a core a pack, {name}: {words}", flush=True)
                    figures.append(
                        {
                            "way": way,
                            "readings": readings,
                            "bridge_packs_per_s": round(ours.rate),
                            "rival_packs_per_s": round(theirs.rate),
                            "bridge_us_a_pack": rounded(ours.costs),
                            "rival_us_a_pack": rounded(theirs.costs),
                            "ratio": round(ratio, 3),
                            "at_least": FIGURE,
                        }
                    )
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    date = datetime.now(UTC).date().isoformat()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"machine": machine, "date": date, "figures": figures}, indent=1) + "\n"
    )
    print(f"\nwritten to {RESULTS}")


if __name__ == "__main__":
    main()
