"""What `up` has decided: which stages run here, and where everything is reached.

Written to DATA/run/plan.json and read by all other commands, so that they speak of what runs,
whatever the settings file says meanwhile.
"""

from pathlib import Path

import msgspec

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder

STAGES = ("broker", "kafka", "postgres", "bridge", "stream", "grafana")
"""In the order of starting. Stopping goes the other way, but for `STOP_ORDER`."""

STOP_ORDER = ("grafana", "stream", "bridge", "kafka", "postgres", "broker")


class Account(msgspec.Struct, frozen=True):
    """Somebody's login; the password is in a file of mode 0600."""

    username: str
    password_file: str

    def password(self) -> str:
        """Read the password. Raises OSError."""
        return Path(self.password_file).read_text("utf-8").strip()


class Mqtt(msgspec.Struct, frozen=True):
    """The broker. Only an embedded one has an administrator that may add accounts."""

    host: str
    port: int
    ca: str
    bridge: Account
    watcher: Account
    """Who looks on: subscribes to everything, publishes nothing."""
    embedded: bool = True


class Kafka(msgspec.Struct, frozen=True):
    """The cluster."""

    bootstrap: str
    partitions: int = 4
    replication: int = 1
    properties: dict[str, str] = {}
    embedded: bool = True


class Postgres(msgspec.Struct, frozen=True):
    """The database; the role's name is added where it is used."""

    host: str
    port: int
    database: str
    sslmode: str
    secrets: str
    """Folder with one file a role."""
    owner_password_file: str
    embedded: bool = True

    def dsn(self, role: str) -> str:
        """Return a libpq connection string without a password."""
        return (
            f"host={self.host} port={self.port} dbname={self.database} user={role} "
            f"sslmode={self.sslmode}"
        )

    def password(self, role: str) -> str:
        """Read a role's password. Raises OSError."""
        return self.password_file(role).read_text("utf-8").strip()

    def password_file(self, role: str) -> Path:
        """Name the file that holds a role's password."""
        if role == "fieldline_owner":
            return Path(self.owner_password_file)
        return Path(self.secrets) / role

    @property
    def reader_url(self) -> str:
        """A URL for programs that only read; the password stays in a file."""
        return (
            f"postgresql://fieldline_reader@{self.host}:{self.port}/{self.database}"
            f"?sslmode={self.sslmode}&passfile={self.secrets}/fieldline_reader.pgpass"
        )


class Plan(msgspec.Struct, frozen=True):
    """All of it. `stages` are those that there are, `embedded` those that run here."""

    mqtt: Mqtt
    kafka: Kafka
    postgres: Postgres
    stages: tuple[str, ...]
    grafana: str | None = None
    """Its URL, if it runs."""
    demo: bool = False

    def runs_here(self, stage: str) -> bool:
        """Say whether the stage is a process of this machine."""
        elsewhere = {
            "broker": not self.mqtt.embedded,
            "kafka": not self.kafka.embedded,
            "postgres": not self.postgres.embedded,
        }
        return stage in self.stages and not elsewhere.get(stage, False)


class NeverUp(StackError):
    """The data folder holds no plan."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(
            f"nothing was ever started in {folder.data}; start it with `fieldline up`, or say "
            "where it is with --data or FIELDLINE_DATA"
        )


def read_plan(folder: Folder) -> Plan:
    """Read what the last `up` decided. Raises NeverUp."""
    try:
        return msgspec.json.decode(folder.plan.read_bytes(), type=Plan)
    except FileNotFoundError:
        raise NeverUp(folder) from None
    except PermissionError:
        raise StackError(
            f"{folder.plan} belongs to another user: run this as the user who runs `fieldline up`"
        ) from None
    except msgspec.MsgspecError as error:
        raise StackError(
            f"{folder.plan} is damaged ({error}); `fieldline up` writes it anew"
        ) from None
