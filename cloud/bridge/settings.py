"""The bridge's settings file (TOML)."""

from typing import Annotated

import msgspec

from cloud.kafka_security import Security, for_librdkafka

_Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Mqtt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker: address, the CA that signed its certificate, the bridge's account."""

    host: _Text
    port: _Port
    ca: _Text
    username: _Text
    password_file: _Text
    client_id: _Text = "fieldline-bridge"
    """Names the session that the broker keeps; each bridge of a group needs one of its own."""
    group: _Text = "bridge"
    """Bridges of one group share the packs."""


class Kafka(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cluster, and how topics that are missing are made."""

    bootstrap: _Text
    partitions: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 4
    """Of `fieldline.packs`."""
    replication: Annotated[int, msgspec.Meta(ge=1, le=32)] = 1
    security: Security = Security()
    properties: dict[str, str] = {}
    """For librdkafka: whatever else a cluster needs."""

    def client(self) -> dict[str, str]:
        """Return what every client of librdkafka is told. Raises OSError."""
        return {**for_librdkafka(self.security), **self.properties}


class Flow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bridge itself."""

    progress_file: _Text
    max_bytes: Annotated[int, msgspec.Meta(ge=1_000_000, le=4_000_000_000)] = 16_000_000
    """Bytes of packs held between MQTT and Kafka; at the limit the bridge stops reading."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    mqtt: Mqtt
    kafka: Kafka
    bridge: Flow
