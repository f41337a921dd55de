"""What is no reading is kept with its reason, byte for byte, and the stream goes on."""

import json
import os
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.stack import Stack
from tests.waiting import eventually

NOW = int(time.time())
Send = Callable[[bytes], None]

WHOLE_PACKS = {
    "no JSON": (b"\xff\xfe\x00garbage", "not_utf8"),
    "text": (b"hello", "not_json"),
    "JSON, not SenML": (b'{"temperature": 21}', "not_senml"),
    "an empty payload": (b"", "not_json"),
    "a NaN": (b'[{"n":"x","v":NaN}]', "not_json"),
    "a label that must be understood": (b'[{"n":"x","v":1,"must_":1}]', "unknown_mandatory_label"),
    "another device's name": (b'[{"bn":"workshop/","n":"x","v":1}]', "device_mismatch"),
    "a megabyte": (json.dumps([{"n": "x", "vs": "y" * 1_000_000}]).encode(), "too_large"),
    "half an identity": (b'[{"n":"x","v":1,"ep":"0123456789abcdef"}]', "bad_identity"),
    "nesting": (b"[" * 100_000, "not_json"),
}
RECORDS = {
    "1970": ({"n": "x", "v": 1, "t": 300_000_000}, "time_too_early"),
    "2200": ({"n": "x", "v": 1, "t": 7_258_118_400}, "time_too_late"),
    "infinity": ('{"n":"x","v":1e999}', "bad_value"),
    "a NUL": ({"n": "x", "vs": "a\0b"}, "bad_value"),
    "a name with spaces": ({"n": "no name", "v": 1}, "bad_name"),
    "no value": ({"n": "x", "t": NOW}, "no_value"),
}


@pytest.fixture(scope="module", params=[paho.MQTTv5, paho.MQTTv311], ids=["MQTT 5", "MQTT 3.1.1"])
def send(stack: Stack, request: pytest.FixtureRequest) -> Iterator[tuple[str, Send]]:
    """A foreign client's name, and how it publishes."""
    name = f"hostile-{int(request.param)}"
    facts = stack.json("device", "add", name, "--foreign")
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion(request.param))
    client.username_pw_set(facts["username"], facts["password"])
    client.tls_set(facts["ca"], cert_reqs=ssl.CERT_REQUIRED)
    client.connect(facts["host"], facts["port"])
    client.loop_start()
    yield name, lambda payload: client.publish(facts["topic"], payload, qos=1).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def kept(stack: Stack, device: str, payload: bytes) -> list[str]:
    """The reasons for which exactly these bytes of the device are kept."""
    rows = stack.query(
        f"SELECT reason, origin FROM fieldline.rejected WHERE device = '{device}'"
        f" AND payload = '\\x{payload.hex()}'"
    )
    assert all(origin == f"mqtt:fieldline/v1/{device}/data" for _, origin in rows), rows
    return [reason for reason, _ in rows]


@pytest.mark.parametrize("case", WHOLE_PACKS)
def test_a_pack_that_is_none_is_kept_with_its_reason(
    stack: Stack, send: tuple[str, Send], case: str
) -> None:
    device, publish = send
    payload, reason = WHOLE_PACKS[case]
    publish(payload)
    reasons = eventually(lambda: kept(stack, device, payload), within=30, what="it is kept")
    assert len(reasons) == 1
    assert reasons[0].startswith(f"{reason}: ")


@pytest.mark.parametrize("case", RECORDS)
def test_a_record_that_is_no_reading_is_kept_and_the_others_pass(
    stack: Stack, send: tuple[str, Send], case: str
) -> None:
    device, publish = send
    record, reason = RECORDS[case]
    bad = record if isinstance(record, str) else json.dumps(record)
    channel = f"good-{os.urandom(4).hex()}"
    good = json.dumps({"n": channel, "u": "Cel", "v": 21.5, "t": NOW})
    payload = f"[{good},{bad}]".encode()
    publish(payload)
    reasons = eventually(lambda: kept(stack, device, payload), within=30, what="it is kept")
    assert any(text.startswith(f"{reason}: ") for text in reasons), reasons
    rows: list[tuple[Any, ...]] = eventually(
        lambda: stack.query(
            f"SELECT value, unit FROM fieldline.reading WHERE channel = '{channel}'"
        ),
        within=30,
        what="the good reading is stored",
    )
    assert rows == [(21.5, "Cel")]


def test_the_boards_readings_went_on_all_the_while(stack: Stack) -> None:
    recent = "SELECT count(*) FROM fieldline.reading WHERE device = 'workshop' AND time > now() -"
    eventually(lambda: stack.query(f"{recent} interval '10 s'")[0][0] > 0, within=30)
