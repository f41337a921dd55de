"""An MQTT client that plays a device: makes its key, enrols, connects, answers commands."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.waiting import eventually

NOT_AUTHORISED = 135


class Key:
    """A device's key, and requests made with it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def request(self, name: str = "whatever") -> str:
        """A certificate request, PEM."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject)
        return made.sign(self._key, hashes.SHA256()).public_bytes(_PEM).decode()

    def pem(self) -> str:
        """The private key."""
        return self._key.private_bytes(
            _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Identity:
    """What a device logs in with, as files."""

    device: str
    username: str
    port: int
    ca: Path
    certificate: Path
    key: Path


def register(local: httpx.Client, name: str, **described: Any) -> dict[str, Any]:
    """Register a device."""
    answer = local.post("/v1/devices", json={"name": name, **described})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def invite(local: httpx.Client, name: str, how: str = "enrolment") -> str:
    """Draw a token for a device."""
    answer = local.post(f"/v1/devices/{name}/{how}")
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["token"])


def enrol(client: httpx.Client, token: str, folder: Path, key: Key | None = None) -> Identity:
    """Enrol as the agent does; keeps key and certificate in a folder."""
    key = key or Key()
    answer = client.post("/v1/enrolment", json={"token": token, "request": key.request()})
    assert answer.status_code == 200, answer.text
    given = answer.json()
    name = given["username"]
    files = {"ca": given["ca"], "certificate": given["certificate"], "key": key.pem()}
    paths = {part: folder / f"{name}.{part}" for part in files}
    for part, text in files.items():
        paths[part].write_text(text)
    return Identity(given["device"], name, given["port"], **paths)


def enrolled(local: httpx.Client, name: str, folder: Path) -> Identity:
    """A device that is registered and enrolled."""
    register(local, name)
    return enrol(local, invite(local, name), folder)


class Player:
    """A connected client; `identity` by certificate, or `login` (user, password, port, CA)."""

    def __init__(
        self,
        identity: Identity | None = None,
        *,
        login: tuple[str, str, int, str] | None = None,
        protocol: int = paho.MQTTv5,
        will: str | None = None,
        username: str | None = None,
        client_id: str = "",
    ) -> None:
        self.code: Any = None
        self.gone = threading.Event()
        self.heard: list[tuple[str, bytes]] = []
        self.answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self._protocol = protocol
        self._done: dict[int, int] = {}
        self._granted: dict[int, list[int]] = {}
        self._connected = threading.Event()
        client = self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion(protocol),
        )
        # A refused publish costs the connection.
        client.reconnect_delay_set(0.01, 0.01)  # type: ignore[arg-type]  # seconds
        if identity is not None:
            context = ssl.create_default_context(cafile=str(identity.ca))
            context.load_cert_chain(identity.certificate, identity.key)
            port = identity.port
            if username is not None:
                client.username_pw_set(username)
        else:
            assert login is not None
            user, password, port, ca = login
            context = ssl.create_default_context(cafile=ca)
            client.username_pw_set(user, password)
        self.device = identity.device if identity else ""
        client.tls_set_context(context)
        if will is not None:
            client.will_set(will, b"will", qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = lambda _c, _u, mid, code, _p: self._done.__setitem__(mid, code.value)
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert self._connected.wait(30), "the broker did not answer"

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> int:
        """The broker's reason code (MQTT 5; always 0 before)."""
        assert self._connected.wait(30)
        return self._result(self.client.publish(topic, payload, qos=1, retain=retain).mid)

    def subscribe_all(self, topics: Sequence[str]) -> list[int]:
        """The broker's reason code for each, asked for in one packet."""
        assert self._connected.wait(30)
        quality: Any = SubscribeOptions(qos=1) if self._protocol == paho.MQTTv5 else 1
        mid = self.client.subscribe([(one, quality) for one in topics])[1]
        assert mid is not None
        self._result(mid)
        return self._granted[mid]

    def subscribe(self, topic: str) -> int:
        """The broker's reason code: below 128 it is granted."""
        quality: dict[str, Any] = (
            {"options": SubscribeOptions(qos=1)} if self._protocol == paho.MQTTv5 else {"qos": 1}
        )
        assert self._connected.wait(30)
        mid = self.client.subscribe(topic, **quality)[1]
        assert mid is not None
        return self._result(mid)

    def close(self) -> None:
        """Leave, with a goodbye."""
        self.client.disconnect()
        self.client.loop_stop()

    def vanish(self) -> None:
        """Break off, so that the will is published."""
        self.client.loop_stop()
        sock = self.client.socket()
        assert sock is not None
        sock.close()

    def _result(self, mid: int) -> int:
        eventually(lambda: mid in self._done, 10, "the broker's answer")
        return self._done[mid]

    def _on_connect(self, _c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        self.code = code
        self._connected.set()

    def _on_disconnect(self, _c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        self._connected.clear()
        self.gone.set()

    def _on_subscribe(self, _c: Any, _u: Any, mid: int, codes: list[Any], _p: Any) -> None:
        self._granted[mid] = [code.value for code in codes]
        self._done[mid] = codes[0].value

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload)))
        if not message.topic.endswith("/cmd"):
            return
        command = json.loads(message.payload)
        answer = self.answers.get(command["command"])
        if answer is not None:
            reply = {"id": command["id"], "at": 0.0, **answer(command["arguments"])}
            self.client.publish(f"{message.topic}/reply", json.dumps(reply), qos=1)
