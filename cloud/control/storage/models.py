"""What `/v1/storage` answers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Disk(_Model):
    """The file system that the data folder is on; bytes."""

    path: str
    size: int
    free: int


class Part(_Model):
    """What takes room; `growth` in bytes a day, null until it was watched for a day."""

    name: str
    bytes: int
    growth: float | None


class Tier(Part):
    """A part of the database; `kept_days` null: for ever. Until `expired_until` it has expired."""

    kept_days: int | None
    expired_until: datetime | None


class Backup(_Model):
    """The newest one."""

    taken: datetime
    file: str
    bytes: int
    encrypted: bool


class Storage(_Model):
    """`full_in_days` is null if that is not known, or not within ten years; `forecast` says which.

    `warning` is empty if nothing is to be done; `held_back` says why retention keeps something.
    """

    measured: datetime
    disk: Disk
    tiers: list[Tier]
    servers: list[Part]
    full_in_days: int | None
    forecast: str
    warning: str
    held_back: str
    backup: Backup | None
