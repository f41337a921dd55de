"""Whatever is killed or wiped: no acknowledged pack is lost, and receipts are right afterwards."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cloud.bridge.link import RECEIVE_MAXIMUM
from tests.cloud.bridge.rig import BridgeProcess, Client, KafkaReader
from tests.servers import Broker, Kafka
from tests.waiting import eventually
from wire import topics
from wire.names import new_epoch
from wire.ranges import RangeSet
from wire.receipt import Receipt


class Load:
    """Devices that send without pause, and a record of what the broker acknowledged."""

    def __init__(self, client: Client, *, devices: int = 4, every_s: float = 0.002) -> None:
        self.epoch = new_epoch()
        self.devices = [f"pi-{secrets.token_hex(4)}" for _ in range(devices)]
        self.sent: dict[int, tuple[str, str, int]] = {}
        self._client = client
        self._every_s = every_s
        self._sequence = 0

    def send_one_each(self) -> None:
        for device in self.devices:
            mid = self._client.send(device, self.epoch, self._sequence)
            self.sent[mid] = (device, self.epoch, self._sequence)
        self._sequence += 1

    def resend(self, packs: set[tuple[str, str, int]]) -> None:
        for device, epoch, sequence in packs:
            self._client.send(device, epoch, sequence)

    @property
    def everything(self) -> RangeSet:
        return RangeSet.of([(0, self._sequence - 1)])

    @property
    def acknowledged(self) -> set[tuple[str, str, int]]:
        return {name for mid, name in self.sent.copy().items() if mid in self._client.acknowledged}

    @contextmanager
    def running(self) -> Iterator[None]:
        stopping = threading.Event()

        def run() -> None:
            while not stopping.wait(self._every_s):
                if len(self.sent) - len(self._client.acknowledged) < 400:
                    self.send_one_each()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()

    def wait_for_more(self, packs: int) -> None:
        until = len(self.acknowledged) + packs
        eventually(lambda: len(self.acknowledged) >= until, what="the broker takes packs")

    def receipts(self) -> list[Receipt | None]:
        return [self._client.receipt(device) for device in self.devices]

    def accepted_everything(self, log_id: str) -> bool:
        return all(
            told is not None and told.log == log_id and told.accepted == self.everything
            for told in self.receipts()
        )


def test_no_acknowledged_pack_is_lost_when_the_bridge_is_killed_again_and_again(
    bridge: BridgeProcess, client: Client, log: KafkaReader
) -> None:
    bridge.start_and_wait()
    load = Load(client)
    with load.running():
        for _ in range(5):
            load.wait_for_more(50 + secrets.randbelow(400))
            bridge.kill()
            load.wait_for_more(50)
            bridge.start()
        load.wait_for_more(100)
    client.all_acknowledged(set(load.sent))
    eventually(
        lambda: set(load.sent.values()) <= set(log.packs(load.devices)), what="all is in Kafka"
    )
    assert bridge.stop() == 0


def test_asked_to_stop_under_load_it_finishes_what_is_on_its_way(
    bridge: BridgeProcess, client: Client, log: KafkaReader
) -> None:
    bridge.start_and_wait()
    load = Load(client)
    with load.running():
        load.wait_for_more(500)
        began = time.monotonic()
        assert bridge.stop() == 0
        assert time.monotonic() - began < 3
        assert "stopped; 0 packs" in bridge.log.read_text()
    client.all_acknowledged(set(load.sent))
    bridge.start_and_wait()
    eventually(
        lambda: set(load.sent.values()) <= set(log.packs(load.devices)), what="all is in Kafka"
    )
    found = log.packs(load.devices)
    assert max(found[name] for name in load.sent.values()) == 1, "nothing was sent twice"


def test_while_kafka_is_away_packs_wait_in_the_broker(
    bridge: BridgeProcess, client: Client, kafka: Kafka, log: KafkaReader
) -> None:
    bridge.start_and_wait()
    load = Load(client)
    with load.running():
        load.wait_for_more(200)
        log_id = log.log_id()
        kafka.kill()
        load.wait_for_more(2500)
        eventually(lambda: bridge.progress()["lag"] == RECEIVE_MAXIMUM, what="the window is full")
    assert bridge.is_up()
    kafka.start()
    load.send_one_each()
    client.all_acknowledged(set(load.sent))
    eventually(lambda: load.accepted_everything(log_id), what="all is accepted", within=60)
    assert set(load.sent.values()) <= set(log.packs(load.devices))
    assert log.log_id() == log_id


def test_a_kafka_that_lost_its_log_is_noticed_and_devices_are_told(
    bridge: BridgeProcess, client: Client, kafka: Kafka, log: KafkaReader
) -> None:
    bridge.start_and_wait()
    load = Load(client)
    load.send_one_each()
    eventually(lambda: load.accepted_everything(log.log_id()), what="all is accepted")
    old = log.log_id()
    log.store(old, load.devices[0], load.epoch, (0, 0))
    status = client.publish(topics.status(load.devices[0]), b'{"state":"online"}', retain=True)
    client.all_acknowledged({status})
    client.told(load.devices[0], lambda receipt: receipt.stored, "it is told stored")
    with load.running():
        kafka.kill()
        kafka.wipe()
        kafka.start()
        eventually(
            lambda: all(told is not None and told.log != old for told in load.receipts()),
            what="every device hears of the new log",
            within=60,
        )
        load.wait_for_more(200)
    new = eventually(log.log_id, what="the new log")
    assert new != old
    client.all_acknowledged(set(load.sent))
    lost = {(device, load.epoch, 0) for device in load.devices}
    eventually(
        lambda: set(load.sent.values()) - lost <= set(log.packs(load.devices)),
        what="the rest is in Kafka",
    )
    eventually(
        lambda: (
            [told and (told.log, told.accepted) for told in load.receipts()]
            == [
                (new, load.everything - (RangeSet() if i == 0 else RangeSet.of([(0, 0)])))
                for i in range(len(load.devices))
            ]
        ),
        what="each is told what the new log has",
    )
    assert load.receipts()[0] is not None
    assert f"{load.devices[0]}/status".encode() in {
        message.key() for message in log.messages(topics.DEVICES)
    }
    load.resend(lost)
    eventually(lambda: load.accepted_everything(new), what="all is accepted")


def test_a_broker_that_lost_everything_is_told_all_receipts_again(
    bridge: BridgeProcess, client: Client, broker: Broker, log: KafkaReader
) -> None:
    bridge.start_and_wait()
    load = Load(client)
    load.send_one_each()
    quiet = load.devices[0]
    eventually(lambda: load.accepted_everything(log.log_id()), what="all is accepted")
    broker.kill()
    broker.wipe()
    client.receipts.clear()
    broker.start()
    client.get_account()
    everything = load.everything
    client.told(quiet, lambda receipt: receipt.accepted == everything, "it is told again")
    with load.running():
        load.wait_for_more(200)
        broker.kill()
        broker.wipe()
        broker.start()
        client.get_account()
        load.wait_for_more(200)
    client.all_acknowledged(set(load.sent))
    # What the broker had acknowledged and lost, the devices send again on missing receipts.
    eventually(bridge.is_up, what="the bridge is up")
    eventually(lambda: bridge.progress()["lag"] == 0, what="nothing is on its way")
    load.resend(set(load.sent.values()) - set(log.packs(load.devices)))
    eventually(lambda: load.accepted_everything(log.log_id()), what="all is accepted")


def test_started_while_all_is_away_it_waits(
    bridge: BridgeProcess, broker: Broker, kafka: Kafka, log: KafkaReader
) -> None:
    broker.kill()
    kafka.kill()
    bridge.start()
    eventually(lambda: "Kafka" in bridge.log.read_text(), what="it says what it waits for")
    kafka.start()
    eventually(
        lambda: "MQTT broker" in bridge.log.read_text(), what="it says that the broker is away"
    )
    broker.start()
    eventually(bridge.is_up, what="it is up")
    device, epoch = f"pi-{secrets.token_hex(4)}", new_epoch()
    with Client(broker) as client:
        client.send(device, epoch, 0)
        told = client.told(device, lambda receipt: receipt.accepted, "it is accepted")
    assert told.log == log.log_id()
    assert told.accepted == RangeSet.of([(0, 0)])
