"""The stream's settings, from its TOML file."""

from pathlib import Path
from typing import Annotated

import msgspec

from cloud.kafka_security import Security, for_librdkafka
from wire.settings import read


class Kafka(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`properties` are librdkafka's own."""

    bootstrap: str
    security: Security = Security()
    properties: dict[str, str] = {}

    def client(self) -> dict[str, str]:
        """Return what every client of librdkafka is told. Raises OSError."""
        return {**for_librdkafka(self.security), **self.properties}


class Postgres(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dsn` names the role `fieldline_stream`; its password is in a file of mode 0600."""

    dsn: str
    password_file: str = ""

    def password(self) -> str | None:
        """Read the password; None if there is no file, for a server that asks for none."""
        if not self.password_file:
            return None
        return Path(self.password_file).read_text("utf-8").strip()


class Spark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`checkpoints` and `jars` are folders; `properties` are Spark's own."""

    checkpoints: str
    jars: str
    master: str = "local[2]"
    driver_memory: str = "512m"
    properties: dict[str, str] = {}


class Stream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is taken at once.

    At most `max_packs` a batch; a task hands over at most `max_readings` at a time, and what
    does not fit goes in a further transaction.
    """

    progress_file: str
    max_packs: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2000
    max_readings: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 300_000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    kafka: Kafka
    postgres: Postgres
    spark: Spark
    stream: Stream


def load(file: Path) -> Settings:
    """Read and check the file; raises wire.settings.SettingsRefused or OSError."""
    return read(file.read_text("utf-8"), Settings, file=str(file))
