"""What `fieldline.toml` may say. Without the file all runs on this machine."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from wire.settings import read

Embedded = Literal["embedded"]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Text = Annotated[str, msgspec.Meta(min_length=1)]


class Mqtt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A broker elsewhere: MQTT 5, TLS, and the account of the bridge."""

    host: Text
    ca: Text
    username: Text
    password_file: Text
    port: Port = 8883


class Kafka(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cluster elsewhere. `properties` go to its clients, those of the secrets file too."""

    bootstrap: Text
    partitions: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 4
    replication: Annotated[int, msgspec.Meta(ge=1, le=32)] = 3
    properties: dict[str, str] = {}
    secrets_file: str = ""
    """Lines of `key=value`, e.g. `sasl.password=...`; mode 0600."""


class Spark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the stream computes: a cluster, or this machine with another share of it."""

    master: Text = "local[2]"
    driver_memory: Annotated[str, msgspec.Meta(pattern=r"^[0-9]+[mg]$")] = "512m"
    properties: dict[str, str] = {}


class Postgres(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server elsewhere, 15 or newer, whose database belongs to the role `fieldline_owner`."""

    host: Text
    owner_password_file: Text
    """The passwords of the other roles are made here and set by the owner, who may create roles."""
    port: Port = 5432
    database: Text = "fieldline"
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = "verify-full"


class Grafana(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dashboards. Without a command, `grafana` or `grafana-server` is looked for on the PATH."""

    enabled: bool = True
    command: str = ""
    home: str = ""
    """Folder that holds Grafana's `public` and `conf`; found beside the command if empty."""
    port: Port | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    mqtt: Embedded | Mqtt = "embedded"
    kafka: Embedded | Kafka = "embedded"
    spark: Embedded | Spark = "embedded"
    postgres: Embedded | Postgres = "embedded"
    grafana: Grafana = Grafana()


def load(file: Path) -> Settings:
    """Read the file; all defaults if there is none. Raises SettingsRefused, OSError."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    return read(text, Settings, file=str(file))


def properties(kafka: Kafka) -> dict[str, str]:
    """Join the properties of the settings with those of the secrets file. Raises OSError."""
    joined = dict(kafka.properties)
    if kafka.secrets_file:
        for line in Path(kafka.secrets_file).read_text("utf-8").splitlines():
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith("#"):
                joined[key.strip()] = value.strip()
    return joined
