"""Who asks: a person, a device or the system, with a role."""

import enum
import hashlib
from dataclasses import dataclass


class Role(enum.StrEnum):
    """What a person may do; each includes the ones before."""

    VIEWER = "viewer"
    """Sees everything but secrets."""
    OPERATOR = "operator"
    """Runs devices, pipeline and alerts."""
    ADMIN = "admin"
    """Decides who is who: people, devices' registration and credentials, settings."""

    def includes(self, other: "Role") -> bool:
        """Say whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Principal:
    """Who asks: for the audit and for every decision."""

    user: str
    role: Role
    token: int | None
    """The token's number in control.token; None for this machine's own."""
    address: str
    request: str
    """The request's id."""


def digest(token: str) -> bytes:
    """Return what is kept of a token: its SHA-256. It is random, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).digest()
