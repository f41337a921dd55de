"""What `up` has decided: which stages run here, and where everything is reached.

Written to DATA/run/plan.json and read by all other commands, so that they speak of what runs,
whatever the settings file says meanwhile.
"""

from pathlib import Path
from urllib.parse import quote

import msgspec

from cloud.kafka_security import Security, for_librdkafka
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder

STAGES = ("broker", "kafka", "postgres", "api", "bridge", "stream", "grafana")
"""In the order of starting. Stopping goes the other way, but for `STOP_ORDER`."""

STOP_ORDER = ("grafana", "api", "stream", "bridge", "kafka", "postgres", "broker")


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
    """Where programs of this machine reach it."""
    port: int
    ca: str
    bridge: Account
    watcher: Account
    """Who looks on: subscribes to everything, publishes nothing."""
    control: Account | None = None
    """The API's; none where the broker is not this stack's."""
    doctor: Account | None = None
    """By which `fieldline doctor` sends its reading; likewise."""
    devices_port: int | None = None
    """Where devices with certificates connect."""
    embedded: bool = True
    public_host: str = ""
    """Where devices reach it, a name that its certificate holds; empty: at `host`."""

    @property
    def for_devices(self) -> str:
        """The host that devices are told."""
        return self.public_host or self.host


class Kafka(msgspec.Struct, frozen=True):
    """The cluster."""

    bootstrap: str
    partitions: int = 4
    replication: int = 1
    security: Security = Security()
    properties: dict[str, str] = {}
    embedded: bool = True

    def client(self) -> dict[str, str]:
        """Return what every client of librdkafka is told. Raises OSError."""
        return {**for_librdkafka(self.security), **self.properties}


class Api(msgspec.Struct, frozen=True):
    """The control plane."""

    host: str
    """Where programs of this machine reach it."""
    port: int
    ca: str
    token_file: str
    """Of this machine's own commands."""
    public_host: str = ""
    """Where others reach it; empty: at `host`."""

    @property
    def url(self) -> str:
        """Where others reach it."""
        host = self.public_host or self.host
        return f"https://{f'[{host}]' if ':' in host else host}:{self.port}"


class Postgres(msgspec.Struct, frozen=True):
    """The database; the role's name is added where it is used."""

    host: str
    port: int
    database: str
    sslmode: str
    secrets: str
    """Folder with one file a role."""
    owner_password_file: str
    ca: str = ""
    """`sslrootcert`; empty: none is needed."""
    embedded: bool = True

    def dsn(self, role: str) -> str:
        """Return a libpq connection string without a password."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo(
            host=self.host,
            port=self.port,
            dbname=self.database,
            user=role,
            sslmode=self.sslmode,
            sslrootcert=self.ca or None,
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
            + (f"&sslrootcert={quote(self.ca)}" if self.ca else "")
        )


class Plan(msgspec.Struct, frozen=True):
    """All of it. `stages` are those that there are, `embedded` those that run here."""

    mqtt: Mqtt
    kafka: Kafka
    postgres: Postgres
    api: Api
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
