"""`[mqtt]` of agent.toml."""

from typing import Annotated

import msgspec

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Seconds = Annotated[int, msgspec.Meta(ge=2, le=3600)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker, and how the device logs in to it."""

    host: str
    """Empty: the device is not enrolled yet."""
    port: Port = 8883
    tls: bool = True
    ca: str = ""
    """CA certificate file (PEM); empty: those of the system."""
    username: str = ""
    """Empty: the device's name."""
    password_file: str = ""
    """A file with the password alone; empty: no password."""
    certificate: str = ""
    """The device's certificate (PEM), by which it logs in instead of by name and password."""
    key: str = ""
    """The certificate's private key (PEM)."""
    keepalive_s: Seconds = 15
    """A connection that has gone silent is noticed after this time to twice of it."""

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key go together: name both, or none")
        if self.certificate and not self.tls:
            raise ValueError("a certificate logs in by TLS only: set tls = true, port 8883 or so")
