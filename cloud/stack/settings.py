"""What `fieldline.toml` may say. Without the file all runs on this machine."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cloud.kafka_security import Security
from wire.settings import read

Embedded = Literal["embedded"]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$")]
"""A host name or an address, as a certificate and a command line can hold it."""


class Mqtt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This stack's own broker, and where it listens; or, with `host`, one elsewhere (MQTT 5, TLS).

    One Struct for both, because a TOML table can be told apart by nothing else.
    """

    bind: str = "127.0.0.1"
    """Address to listen on: 0.0.0.0 is every network of this machine."""
    names: tuple[Name, ...] = ()
    """What devices call this machine, names or addresses; its certificate names them all."""
    host: str = ""
    port: Port = 8883
    """Of a broker elsewhere; our own one's is in ports.json."""
    ca: str = ""
    username: str = ""
    """Of the bridge."""
    password_file: str = ""

    def __post_init__(self) -> None:
        """Refuse half a broker, and one that is here and elsewhere at once."""
        login = {"ca": self.ca, "username": self.username, "password_file": self.password_file}
        if self.host:
            if missing := [key for key, value in login.items() if not value]:
                raise ValueError(f"a broker elsewhere also needs {' and '.join(missing)}")
            if self.names or self.bind != "127.0.0.1":
                raise ValueError("bind and names are of our own broker, host is of one elsewhere")
            return
        if said := [key for key, value in login.items() if value]:
            raise ValueError(f"{' and '.join(said)} without host: where is the broker?")
        try:
            ipaddress.ip_address(self.bind)
        except ValueError:
            raise ValueError(
                f"bind is {self.bind!r}, and must be an address of this machine, or 0.0.0.0"
            ) from None

    @property
    def own_host(self) -> str:
        """Where programs of this machine reach our own broker."""
        address = ipaddress.ip_address(self.bind)
        if not address.is_unspecified:
            return self.bind
        return "127.0.0.1" if address.version == 4 else "::1"

    @property
    def certified(self) -> list[str]:
        """What our own broker's certificate names, besides what this machine calls itself."""
        return [self.own_host, *self.names]

    def public_host(self, machine: str) -> str:
        """Where devices reach our own broker: by a name in its certificate, or on `machine`."""
        if self.names:
            return self.names[0]
        return machine if ipaddress.ip_address(self.bind).is_unspecified else self.bind


class Kafka(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cluster elsewhere. `properties` are librdkafka's own, for what `security` does not say."""

    bootstrap: Text
    partitions: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 4
    replication: Annotated[int, msgspec.Meta(ge=1, le=32)] = 3
    security: Security = Security()
    properties: dict[str, str] = {}


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
    ca: str = ""
    """PEM file, of the CA that signed the server's certificate; empty: the system's."""


class Grafana(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dashboards. Without a command, `grafana` or `grafana-server` is looked for on the PATH."""

    enabled: bool = True
    command: str = ""
    home: str = ""
    """Folder that holds Grafana's `public` and `conf`; found beside the command if empty."""
    port: Port | None = None


Kept = Annotated[int, msgspec.Meta(ge=1, le=36_500)] | Literal["forever"]
"""Days, counted from the end of the month (for hours: the year) that something is of."""


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long things are kept. What was measured is kept for ever unless somebody says otherwise.

    Days (`rollup_1d`) have no key: they are few, and the newest value of a channel is theirs.
    """

    raw: Kept = "forever"
    minutes: Kept = msgspec.field(default="forever", name="1m")
    hours: Kept = msgspec.field(default="forever", name="1h")
    rejected: Kept = 400
    """Dead letters with their original bytes."""
    history: Kept = 400
    """Changes of devices' status."""
    audit: Kept = "forever"

    def __post_init__(self) -> None:
        """Refuse to keep what is coarse for less long than what it is made of."""
        kept = {"raw": self.raw, "1m": self.minutes, "1h": self.hours}
        long = [float("inf") if days == "forever" else days for days in kept.values()]
        if long != sorted(long):
            said = ", ".join(f"{name} = {days}" for name, days in kept.items())
            raise ValueError(f"raw, 1m and 1h must each be kept as long as the one before: {said}")

    def days(self) -> dict[str, int | None]:
        """Return the days of each tier, None for ever."""
        return {
            tier: None if kept == "forever" else kept
            for tier, kept in msgspec.to_builtins(self).items()
        }


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    mqtt: Embedded | Mqtt = "embedded"
    kafka: Embedded | Kafka = "embedded"
    spark: Embedded | Spark = "embedded"
    postgres: Embedded | Postgres = "embedded"
    grafana: Grafana = Grafana()
    retention: Retention = Retention()

    @property
    def broker(self) -> Mqtt:
        """The broker, however it was said."""
        return Mqtt() if self.mqtt == "embedded" else self.mqtt


def load(file: Path) -> Settings:
    """Read the file; all defaults if there is none. Raises SettingsRefused, OSError."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    return read(text, Settings, file=str(file))
