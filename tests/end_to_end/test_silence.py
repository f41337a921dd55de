"""A silence is the device's, not the pipeline's."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.stack import Stack
from tests.waiting import eventually

pytestmark = pytest.mark.long

_AGE = "SELECT extract(epoch FROM now() - max(time)) FROM fieldline.newest WHERE device = 'plc-2'"


class Speaker:
    """A client of another make that says a number a second, and keeps none for later."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        self._stopping = threading.Event()
        client = self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.username_pw_set(facts["username"], facts["password"])
        client.tls_set(facts["ca"], cert_reqs=ssl.CERT_REQUIRED)
        client.reconnect_delay_set(1, 1)
        client.connect(facts["host"], facts["port"])
        client.loop_start()
        self._thread = threading.Thread(target=self._speak)
        self._thread.start()

    def fall_silent(self) -> None:
        """Say nothing more."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._thread.join()
            self._client.disconnect()
            self._client.loop_stop()

    def _speak(self) -> None:
        while not self._stopping.wait(1.0):
            pack = [{"n": "pressure", "u": "Pa", "v": 101325.5, "t": time.time()}]
            self._client.publish(self._facts["topic"], json.dumps(pack), qos=0)


@pytest.fixture
def speaker(stack: Stack) -> Iterator[Speaker]:
    made = Speaker(stack.json("device", "add", "plc-2", "--foreign"))
    yield made
    made.fall_silent()


def test_a_pipeline_that_stands_still_makes_no_device_silent(
    stack: Stack, speaker: Speaker
) -> None:
    def age() -> float:
        return float(stack.query(_AGE)[0][0] or 1e9)

    def fired() -> list[Any]:
        return list(stack.json("alert", "history", "--rule", "plc-2 is silent"))

    eventually(lambda: age() < 5, within=60, what="the device is heard")
    stack.run("alert", "rule", "add", "plc-2 is silent", "--silent", "3s", "--device", "plc-2")
    stack.run("stop", "bridge")
    eventually(lambda: age() > 30, within=60, what="nothing has come through for ten times that")
    assert fired() == []
    stack.run("start", "bridge")
    eventually(lambda: age() < 5, within=60, what="the device is heard again")
    assert [one for one in fired() if not one["late"]] == []
    speaker.fall_silent()
    (alert,) = eventually(
        lambda: stack.json("alert", "list", "--device", "plc-2"), within=90, what="it is silent"
    )
    assert (alert["rule"], alert["state"]) == ("plc-2 is silent", "firing")
    stack.run("alert", "rule", "remove", "plc-2 is silent", "--yes")
