"""The bridge between a real Mosquitto and a real Kafka, with nothing going wrong."""

import os
import secrets
import time
from pathlib import Path
from typing import Any

import pytest

from cloud.bridge.__main__ import main
from tests.cloud.bridge.rig import BridgeProcess, Client, KafkaReader, pack
from tests.servers import Broker, Kafka
from tests.waiting import eventually
from wire import topics
from wire.names import new_epoch
from wire.ranges import RangeSet


def new_device() -> str:
    return f"pi-{secrets.token_hex(4)}"


def arrived(log: KafkaReader, topic: str, device: str, count: int) -> list[Any]:
    """Wait for that many messages of a device in a topic, and return them."""

    def found() -> list[Any]:
        messages = [
            message for message in log.messages(topic) if message.key().decode().startswith(device)
        ]
        assert len(messages) == count
        return messages

    return eventually(found, what=f"{count} messages in {topic}")


def test_payloads_arrive_untouched_with_device_origin_and_time(
    bridge: BridgeProcess, client: Client, log: KafkaReader
) -> None:
    bridge.start_and_wait()
    device = new_device()
    garbage = [b"", b"\xff\x00 no text", os.urandom(1_000_000)]
    began = time.time()
    for payload in [pack(device, new_epoch(), 0), *garbage]:
        client.publish(topics.data(device), payload)
    client.publish(topics.backfill(device), b"old")
    found = arrived(log, topics.PACKS, device, 5)
    origins = {message.headers()[0] for message in found}
    assert origins == {
        ("origin", f"mqtt:{topics.data(device)}".encode()),
        ("origin", f"mqtt:{topics.backfill(device)}".encode()),
    }
    values = [message.value() for message in found]
    assert values[1:4] == garbage
    assert values[4] == b"old"
    assert all(began - 1 <= message.timestamp()[1] / 1000 <= time.time() for message in found)
    assert bridge.stop() == 0


def test_what_devices_say_of_themselves_is_kept_by_kafka(
    bridge: BridgeProcess, client: Client, log: KafkaReader
) -> None:
    device = new_device()
    mid = client.publish(topics.meta(device), b'{"model":"x"}', retain=True)
    client.all_acknowledged({mid})
    bridge.start_and_wait()
    client.publish(topics.status(device), b'{"state":"online"}', retain=True)
    found = arrived(log, topics.DEVICES, device, 2)
    assert {message.key(): message.value() for message in found} == {
        f"{device}/meta".encode(): b'{"model":"x"}',
        f"{device}/status".encode(): b'{"state":"online"}',
    }


def test_a_device_is_told_what_is_accepted_and_then_what_is_stored(
    bridge: BridgeProcess, client: Client, log: KafkaReader
) -> None:
    bridge.start_and_wait()
    device, epoch = new_device(), new_epoch()
    for sequence in range(20):
        client.send(device, epoch, sequence)
    told = client.told(device, lambda receipt: len(receipt.accepted) == 20, "all is accepted")
    assert (told.log, told.epoch, told.stored) == (log.log_id(), epoch, RangeSet())
    log.store(log.log_id(), device, epoch, (0, 11), (13, 14))
    told = client.told(device, lambda receipt: receipt.stored, "something is stored")
    assert told.stored == RangeSet.of([(0, 11), (13, 14)])
    assert told.accepted == RangeSet.of([(0, 19)])


def test_a_device_that_comes_later_finds_the_receipt_of_its_newest_epoch(
    bridge: BridgeProcess, client: Client, broker: Broker
) -> None:
    bridge.start_and_wait()
    device, old, new = new_device(), new_epoch(), new_epoch()
    client.send(device, old, 4)
    client.send(device, new, 0)
    eventually(lambda: {r.epoch for r, _ in client.receipts[device]} == {old, new}, what="receipts")
    with Client(broker) as later:
        eventually(lambda: later.receipts[device], what="the retained one")
        assert [(r.epoch, retained) for r, retained in later.receipts[device]] == [(new, True)]


def test_a_bad_device_name_is_dropped_counted_and_stops_nothing(
    bridge: BridgeProcess, client: Client
) -> None:
    bridge.start_and_wait()
    before = bridge.progress()["in_total"]
    device = new_device()
    client.publish("fieldline/v1/_bad name/data", b"x")
    client.send(device, new_epoch(), 0)
    eventually(lambda: client.receipt(device), what="the good one's receipt")
    eventually(lambda: bridge.progress()["detail"]["bad_topics"] == 1, what="it is counted")
    assert bridge.progress()["in_total"] == before + 1
    assert "'fieldline/v1/_bad name/data' is no topic of Fieldline" in bridge.log.read_text()


def test_a_pack_is_told_accepted_within_milliseconds(bridge: BridgeProcess, client: Client) -> None:
    """Not a benchmark: a second would mean that something waits for a timer."""
    bridge.start_and_wait()
    took = []
    for _ in range(10):
        device = new_device()
        began = time.monotonic()
        client.send(device, new_epoch(), 0)
        client.told(device, lambda receipt: receipt.accepted, "it is accepted")
        took.append(time.monotonic() - began)
    assert sorted(took)[5] < 0.5


def test_a_setting_that_cannot_be_used_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bridge.toml"
    text = (
        f'[mqtt]\nhost = "h"\nport = 1\nca = "{tmp_path}/none.pem"\nusername = "u"\n'
        'password_file = "p"\n[kafka]\nbootstrap = "k"\n[bridge]\nprogress_file = "x"\n'
    )
    file.write_text(text)
    assert main(["--config", str(file)]) == 2
    assert "mqtt.ca" in capsys.readouterr().err
    file.write_text(text.replace("bootstrap", "bootstraps"))
    assert main(["--config", str(file)]) == 2
    assert "bootstrap" in capsys.readouterr().err


def test_at_rest_it_is_small_and_sleeps(bridge: BridgeProcess, client: Client) -> None:
    bridge.start_and_wait()
    device = new_device()
    client.send(device, new_epoch(), 0)
    eventually(lambda: client.receipt(device), what="a receipt")
    eventually(lambda: bridge.progress()["detail"]["held_bytes"] == 0, what="nothing is on its way")
    before = bridge.cpu_seconds()
    at = bridge.progress()["at"]
    eventually(lambda: bridge.progress()["at"] >= at + 3, what="three seconds pass")
    assert bridge.cpu_seconds() - before < 0.3
    assert bridge.resident_mb() < 80


def test_a_backlog_of_large_packs_flows_as_fast_as_kafka_takes_it(
    broker: Broker, kafka: Kafka, client: Client, log: KafkaReader, tmp_path: Path
) -> None:
    """Each pack fills what the bridge may hold, so that it must go on by itself 50 times."""
    settings: dict[str, dict[str, Any]] = {
        "mqtt": {
            "host": broker.host, "port": broker.port, "ca": broker.ca,
            "username": broker.username, "password_file": broker.password_file,
        },
        "kafka": {"bootstrap": kafka.bootstrap, "partitions": 3},
        "bridge": {"max_bytes": 1_000_000},
    }  # fmt: skip
    bridge = BridgeProcess(tmp_path, settings)
    bridge.start_and_wait()
    bridge.stop()
    device = new_device()
    mids = {client.publish(topics.data(device), os.urandom(1_000_000)) for _ in range(50)}
    client.all_acknowledged(mids)
    bridge.start_and_wait()
    try:
        # Waiting for the progress of every second instead takes 50 s.
        eventually(lambda: bridge.progress()["out_total"] == 50, within=15, what="all have gone on")
    finally:
        bridge.stop()
