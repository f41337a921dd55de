"""Plays the cloud honestly: keeps every pack, receipts what it has. Not the bridge; its word."""

from __future__ import annotations

import ssl
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import Broker
from wire import topics
from wire.columns import decode_columns
from wire.ranges import RangeSet
from wire.receipt import Receipt, encode_receipt


class Receiver:
    """Takes the packs of one device. `packs` holds all payloads by (epoch, number)."""

    def __init__(self, broker: Broker, device: str, *, receipts_s: float = 0.1) -> None:
        self.device = device
        self.packs: dict[tuple[str, int], bytes] = {}
        self.conflicts: list[tuple[str, int]] = []
        self.lanes: list[tuple[str, int]] = []
        self.arrivals: list[tuple[float, str, int]] = []
        self.repeats = 0
        self.statuses: list[bytes] = []
        self.log = "log-1"
        self.silent = threading.Event()
        """While set, nothing is receipted."""
        self._receipts_s = receipts_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"cloud-of-{device}", protocol=paho.MQTTv5
        )
        self._client.tls_set_context(ssl.create_default_context(cafile=broker.ca))
        self._client.username_pw_set(broker.username, broker.password)
        self._client.reconnect_delay_set(0.05, 0.1)  # type: ignore[arg-type]
        self._client.on_message = self._take
        self._client.on_connect = self._subscribe
        self._client.connect_async(broker.host, broker.port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._receipt_for_ever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    def readings(self) -> list[tuple[str, int, float | None]]:
        """Every reading of every pack."""
        found = []
        for payload in list(self.packs.values()):
            c = decode_columns(self.device, payload, received_utc=time.time_ns() // 1000)
            assert not c.refused
            found += list(zip(c.channels, c.times, c.values, strict=True))
        return found

    def numbers(self, epoch: str) -> RangeSet:
        with self._lock:
            return RangeSet.of([(n, n) for e, n in self.packs if e == epoch])

    def epochs(self) -> set[str]:
        with self._lock:
            return {epoch for epoch, _ in self.packs}

    def receipt(self, epoch: str) -> None:
        """Publish a receipt for all that has come of an epoch."""
        numbers = self.numbers(epoch)
        payload = encode_receipt(Receipt(self.log, epoch, numbers, numbers))
        self._client.publish(topics.receipt(self.device), payload, qos=1, retain=True)

    def _subscribe(self, client: paho.Client, *_: object) -> None:
        # The filters that the bridge's access rules allow; other tests' devices are not ours.
        for kind in ("data", "backfill", "status"):
            client.subscribe(topics.all_devices(kind), qos=1)

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        if topics.parse(message.topic)[0] != self.device:
            return
        if message.topic == topics.status(self.device):
            self.statuses.append(payload)
            return
        c = decode_columns(self.device, payload, received_utc=time.time_ns() // 1000)
        assert c.epoch is not None
        assert c.sequence is not None
        key = (c.epoch, c.sequence)
        with self._lock:
            self.arrivals.append((time.monotonic(), message.topic.rsplit("/", 1)[1], c.sequence))
            if key not in self.packs:
                self.packs[key] = payload
                return
            self.repeats += 1
            if self.packs[key] != payload:
                self.conflicts.append(key)

    def _receipt_for_ever(self) -> None:
        known: dict[str, RangeSet] = {}
        while not self._stopping.wait(self._receipts_s):
            if self.silent.is_set() or not self.connected:
                known.clear()
                continue
            for epoch in self.epochs():
                numbers = self.numbers(epoch)
                if known.get(epoch) != numbers:
                    known[epoch] = numbers
                    self.receipt(epoch)
