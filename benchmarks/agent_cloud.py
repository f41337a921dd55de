"""The cloud of the agent's benchmarks: counts packs, sends honest receipts, answers on stdout.

Run by `benchmarks.agent_rig.Cloud`. Every line on standard input is answered by one of JSON.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from wire import topics
from wire.ranges import RangeSet
from wire.receipt import Receipt, encode_receipt


class _Head(msgspec.Struct):
    ep: str | None = None
    sq: int | None = None


_decoder = msgspec.json.Decoder(list[_Head])


def main() -> None:
    host, port, ca, username, password_file, device = sys.argv[1:]
    packs: dict[tuple[str, int], int] = {}
    state = {"repeats": 0, "readings": 0, "last_arrival": 0.0, "first_after": 0.0}
    by_lane = {"data": 0, "backfill": 0}
    dirty: dict[str, RangeSet] = {}
    lock = threading.Lock()
    connected = threading.Event()

    def on_message(_c: object, _u: object, message: paho.MQTTMessage) -> None:
        records = _decoder.decode(message.payload)
        epoch, number = records[0].ep, records[0].sq
        assert epoch is not None
        assert number is not None
        now = time.time()
        with lock:
            by_lane[message.topic.rpartition("/")[2]] += 1
            state["last_arrival"] = now
            if state["first_after"] == 0.0:
                state["first_after"] = now
            if (epoch, number) in packs:
                state["repeats"] += 1
                return
            packs[epoch, number] = len(records)
            state["readings"] += len(records)
            dirty[epoch] = dirty.get(epoch, RangeSet()).add(number)

    def on_connect(client: paho.Client, *_: object) -> None:
        for kind in ("data", "backfill"):
            client.subscribe(topics.all_devices(kind), qos=1)

    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench", protocol=paho.MQTTv5)
    client.tls_set_context(ssl.create_default_context(cafile=ca))
    client.username_pw_set(username, Path(password_file).read_text().strip())
    client.reconnect_delay_set(0.05, 0.1)  # type: ignore[arg-type]
    client.on_message = on_message
    client.on_connect = on_connect
    client.on_subscribe = lambda *_: connected.set()
    client.connect(host, int(port))
    client.loop_start()
    connected.wait(10)

    def receipts() -> None:
        sent: dict[str, RangeSet] = {}
        while True:
            time.sleep(0.1)
            if not client.is_connected():
                sent.clear()
                continue
            with lock:
                now = dict(dirty)
            for epoch, numbers in now.items():
                if sent.get(epoch) != numbers:
                    sent[epoch] = numbers
                    receipt = encode_receipt(Receipt("bench", epoch, numbers, numbers))
                    client.publish(topics.receipt(device), receipt, qos=1, retain=True)

    threading.Thread(target=receipts, daemon=True).start()
    for line in sys.stdin:
        with lock:
            if line.strip() == "mark":
                state["first_after"] = 0.0
            print(json.dumps({**state, "packs": len(packs), **by_lane}), flush=True)


if __name__ == "__main__":
    main()
