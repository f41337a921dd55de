"""The API's settings, from its TOML file (`fieldline up` writes it)."""

from pathlib import Path
from typing import Annotated

import msgspec

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class Api(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where it listens, with which certificate; `data` is the stack's data folder."""

    host: str
    port: Port
    certificate: str
    key: str
    data: str
    local_token_file: str
    """Token of the `fieldline` command on this machine; mode 0600."""
    url: str = ""
    """How clients reach it, if not `https://host:port`."""


class Postgres(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dsn` names the role `fieldline_control`; its password is in a file of mode 0600."""

    dsn: str
    password_file: str = ""

    def password(self) -> str | None:
        """Read the password; None if there is no file, for a server that asks for none."""
        if not self.password_file:
            return None
        return Path(self.password_file).read_text("utf-8").strip()


class Mqtt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker, and the account that speaks to devices and to the security plugin."""

    host: str
    port: Port
    ca: str
    username: str
    password_file: str
    devices_port: Port | None = None
    """Listener for devices with certificates; None where devices use passwords."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    api: Api
    postgres: Postgres
    mqtt: Mqtt
