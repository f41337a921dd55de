"""What `/v1/ca` takes and answers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cloud.control.devices.models import DeviceName


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Certificate(_Model):
    """A CA that is trusted; `fingerprint` is SHA-256, hexadecimal."""

    fingerprint: str
    role: Literal["in use", "to come"] = Field(
        description="the one to come signs devices' certificates already"
    )
    begins: datetime
    ends: datetime


class Left(_Model):
    """A device that does not have the new certificates yet."""

    device: str
    status: str
    why: str = Field(description="what it waits for, or how the last attempt failed")


class Ca(_Model):
    """The CA, and how far its rotation is."""

    certificates: list[Certificate]
    rotating: bool
    settled: bool = Field(description="whether broker and API use these certificates already")
    devices: int = Field(description="enrolled devices that log in by a certificate")
    done: int = Field(description="how many of them have what the CA stands for now")
    by_password: int = Field(
        description="clients that log in by a password; those elsewhere must be given ca.pem anew "
        "by hand before a rotation is finished"
    )
    left: list[Left] = Field(description="those that are not done, the first thousand by name")


class Completion(_Model):
    """How a rotation is finished."""

    leave: list[DeviceName] = Field(
        default=[], max_length=10_000, description="devices to be revoked because they never came"
    )
