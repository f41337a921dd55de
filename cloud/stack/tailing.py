"""Messages in one line each. Pure."""

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from wire import topics
from wire.errors import WireError
from wire.pack import Pack, decode_pack
from wire.reading import Reading

_WIDTH = 200


class Message(NamedTuple):
    """One of Kafka or of MQTT; `at_utc` in µs. Key and headers are Kafka's, `retained` MQTT's."""

    at_utc: int
    topic: str
    payload: bytes
    key: bytes = b""
    headers: Mapping[str, bytes] = {}
    retained: bool = False


def as_json(message: Message) -> dict[str, Any]:
    """Return what `tail --json` prints; what is no text is told in base64, under another name."""
    told: dict[str, Any] = {
        "time": message.at_utc / 1e6,
        "topic": message.topic,
        "retained": message.retained,
    }
    parts = {"key": message.key, "payload": message.payload}
    for name, said in parts.items():
        try:
            told[name] = said.decode("utf-8")
        except UnicodeDecodeError:
            told[f"{name}_base64"] = base64.b64encode(said).decode("ascii")
    return told


def kafka_line(
    topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes], at_utc: int
) -> str:
    """Say what a record of one of our Kafka topics holds; `at_utc` in µs."""
    device = key.decode("utf-8", "replace")
    if topic == topics.PACKS or topic.startswith("fieldline.edge."):
        name = device if topic == topics.PACKS else topic.removeprefix("fieldline.edge.")
        return f"{name}  {pack_line(name, value, at_utc)}"
    if topic == topics.REJECTED:
        reason = headers.get("reason", b"").decode("utf-8", "replace")
        return f"{device}  {reason}  {_text(value)}"
    return f"{device}  {_text(value)}"


def mqtt_line(topic: str, payload: bytes, at_utc: int) -> str:
    """Say what an MQTT message holds."""
    try:
        device, kind = topics.parse(topic)
    except WireError:
        return f"{topic}  {_text(payload)}"
    if kind in {topics.Kind.DATA, topics.Kind.BACKFILL}:
        return f"{topic}  {pack_line(device, payload, at_utc)}"
    return f"{topic}  {_text(payload)}"


def pack_line(device: str, payload: bytes, at_utc: int) -> str:
    """Say what is in a pack: its number, how many readings, and the newest of each channel."""
    try:
        pack = decode_pack(device, payload, received_utc=at_utc)
    except WireError as error:
        return f"refused: {error}"
    newest: dict[str, Reading] = {reading.channel: reading for reading in pack.readings}
    shown = "  ".join(f"{reading.channel}={_value(reading)}" for reading in newest.values())
    refused = f"  {len(pack.refused)} refused" if pack.refused else ""
    return _cut(f"{_number(pack)}  {len(pack.readings)} readings{refused}  {shown}")


def _number(pack: Pack) -> str:
    return "no number" if pack.epoch is None else f"{pack.epoch[:4]}…#{pack.sequence}"


def _value(reading: Reading) -> str:
    if isinstance(reading.value, float):
        return f"{reading.value:.6g}{reading.unit and ' '}{reading.unit}"
    return json.dumps(reading.value)


def _text(payload: bytes) -> str:
    text = payload.decode("utf-8", "backslashreplace")
    return _cut("".join(char if char.isprintable() else "·" for char in text))


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
