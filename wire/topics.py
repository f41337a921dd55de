"""The names of MQTT and Kafka topics."""

import enum

from wire.errors import WireError
from wire.names import check_device_name, is_device_name

ROOT = "fieldline/v1"

PACKS = "fieldline.packs"
DEVICES = "fieldline.devices"
RECEIPTS = "fieldline.receipts"
REJECTED = "fieldline.rejected"
READINGS = "fieldline.readings"
ROLLUPS = "fieldline.rollups"
ALERTS = "fieldline.alerts"


class Kind(enum.StrEnum):
    """What is said below a device's prefix."""

    DATA = "data"
    BACKFILL = "backfill"
    RECEIPT = "receipt"
    STATUS = "status"
    META = "meta"
    CMD = "cmd"
    CMD_REPLY = "cmd/reply"
    CONFIG_DESIRED = "config/desired"
    CONFIG_REPORTED = "config/reported"


class TopicRefused(WireError):
    """An MQTT topic is none of ours."""

    def __init__(self, topic: str) -> None:
        kinds = ", ".join(Kind)
        super().__init__(
            f"{topic[:200]!r} is no topic of Fieldline: {ROOT}/<device>/ and one of {kinds}"
        )
        self.topic = topic


def data(device: str) -> str:
    """Name the topic of live packs."""
    return _topic(device, Kind.DATA)


def backfill(device: str) -> str:
    """Name the topic of packs older than the live lane."""
    return _topic(device, Kind.BACKFILL)


def receipt(device: str) -> str:
    """Name the topic of receipts, cloud to device."""
    return _topic(device, Kind.RECEIPT)


def status(device: str) -> str:
    """Name the topic of the retained status."""
    return _topic(device, Kind.STATUS)


def meta(device: str) -> str:
    """Name the topic of the retained self-description."""
    return _topic(device, Kind.META)


def cmd(device: str) -> str:
    """Name the topic of commands to a device."""
    return _topic(device, Kind.CMD)


def cmd_reply(device: str) -> str:
    """Name the topic of a device's answers to commands."""
    return _topic(device, Kind.CMD_REPLY)


def config_desired(device: str) -> str:
    """Name the topic of the configuration that a device should have."""
    return _topic(device, Kind.CONFIG_DESIRED)


def config_reported(device: str) -> str:
    """Name the topic of the configuration that a device has."""
    return _topic(device, Kind.CONFIG_REPORTED)


def all_devices(kind: str) -> str:
    """Return the filter that matches one kind of all devices."""
    return f"{ROOT}/+/{Kind(kind)}"


def shared(group: str, topic_filter: str) -> str:
    """Return the filter by which the members of a group share what matches (MQTT 5, 4.8.2)."""
    return f"$share/{group}/{topic_filter}"


def parse(topic: str) -> tuple[str, Kind]:
    """Take an MQTT topic apart into device and kind; raises TopicRefused."""
    parts = topic.split("/", 3)
    if len(parts) == 4 and topic.startswith(ROOT + "/") and is_device_name(parts[2]):
        for kind in Kind:
            if parts[3] == kind:
                return parts[2], kind
    raise TopicRefused(topic)


def edge(device: str) -> str:
    """Name the Kafka topic of a device that writes to Kafka itself."""
    return f"fieldline.edge.{check_device_name(device)}"


def _topic(device: str, kind: Kind) -> str:
    return f"{ROOT}/{check_device_name(device)}/{kind}"
