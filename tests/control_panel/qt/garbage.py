"""Says garbage of every kind at the broker, 100 messages a second, until it is ended.

python -m tests.control_panel.qt.garbage HOST PORT CA USERNAME PASSWORD DEVICE
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

A_SECOND = 100
CHANNELS = 10_000
MEGABYTE = 1_000_000


def garbage(device: str) -> Iterator[tuple[str, bytes]]:
    """Return topics and payloads, over and over."""
    at = f"fieldline/v1/{device}"
    same = [
        (f"{at}/data", b"hello"),
        (f"{at}/data", b"{}"),
        (f"{at}/data", b"null"),
        (f"{at}/data", b'[{"n":"t","v":NaN},{"n":"t","v":Infinity}]'),
        (f"{at}/data", b'[{"n":"t","v":1e999}]'),
        (f"{at}/data", b'[{"n":"t","v":1,"t":1e300},{"n":"t","v":2,"t":-1e300}]'),
        (f"{at}/data", b'\xff\xfe[{"n":"\x80","v":1}]'),
        (f"{at}/data", b"[" * 100_000),
        (f"{at}/data", b'[{"a":' * 30_000),
        (f"{at}/data", b"x" * MEGABYTE),
        (f"{at}/backfill", b'[{"n":"t","vs":"' + b"a" * MEGABYTE + b'"}]'),
        (f"{at}/data", b'[{"n":"' + b"n" * 100_000 + b'","v":1}]'),
        (f"{at}/status", b'{"status":"\xc3\x28"}'),
        (f"{at}/status", b"[1,2,3]"),
        (f"{at}/meta", b'{"channels":"many"}'),
        (f"{at}/cmd/reply", b"\x00" * 1000),
        (f"{at}/nothing", b"1"),
        ("fieldline/v1//data", b"1"),
        ("fieldline/v1/bad name/data", b'[{"n":"t","v":1}]'),
        (f"fieldline/v1/{'d' * 1000}/data", b'[{"n":"t","v":1}]'),
        ("fieldline/v2/x/data", b"1"),
    ]
    for number in itertools.count():
        yield same[number % len(same)]
        # And all the while one channel after another that nobody has heard of.
        begin = number * 50 % CHANNELS
        records = [{"n": f"c{n}", "v": number} for n in range(begin, begin + 50)]
        yield f"{at}/data", json.dumps(records).encode()


def main() -> None:
    """Say it."""
    host, port, ca, username, password, device = sys.argv[1:]
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=username)
    client.username_pw_set(username, password)
    client.tls_set(ca)
    client.connect(host, int(port))
    client.loop_start()
    began = time.monotonic()
    for number, (topic, payload) in enumerate(garbage(device), 1):
        client.publish(topic, payload)
        time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))


if __name__ == "__main__":
    main()
