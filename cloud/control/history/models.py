"""Answers about what was measured."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from cloud.control.history.ranges import Resolution


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Reading(_Strict):
    """One value: a number (booleans are 1 and 0), or a text."""

    time: datetime
    channel: str
    value: float | None
    text: str | None
    unit: str
    quality: str = Field(description="of the time: synced, corrected or estimated")
    received: datetime


class ReadingPage(_Strict):
    """Readings in the order of their time."""

    items: list[Reading]
    next: str | None


class Point(_Strict):
    """The numbers of a bucket; of a raw point all four are its value."""

    time: datetime = Field(description="the bucket's beginning")
    n: int
    mean: float
    stddev: float | None
    minimum: float
    maximum: float
    first: float
    last: float


class Series(_Strict):
    """A channel's points in the order of their time."""

    channel: str
    label: str
    unit: str
    points: list[Point]


class Rollups(_Strict):
    """Channels of a device over a stretch of time."""

    device: str
    resolution: Resolution
    expired_until: datetime | None = Field(
        description="until when the resolution that suits the range, or that was asked for, has "
        "expired in it; null: it has not. What was not asked for is answered coarser then"
    )
    series: list[Series]


class Completeness(_Strict):
    """What has arrived of an epoch of a device's buffer; all but the first two count packs."""

    device: str
    epoch: str
    first_seq: int
    last_seq: int
    stored: int
    missing: int
    on_device: int
    lost: int


class CompletenessPage(_Strict):
    """By device and epoch."""

    items: list[Completeness]
    next: str | None


class CompletenessDay(_Strict):
    """What has arrived of a day's packs of a device; all but the first two count packs.

    A pack's day is that of its first reading, in UTC; what has not arrived counts on the day whose
    packs came before it.
    """

    device: str
    day: date
    stored: int
    on_device: int
    lost: int
    missing: int


class CompletenessDays(_Strict):
    """By device and day."""

    items: list[CompletenessDay]
    next: str | None


class Loss(_Strict):
    """What a device no longer has and nobody stored: how many packs of an epoch, and why."""

    device: str
    epoch: str
    reason: str = Field(
        description="as the device says it, such as `quota`; `restore`: stored after the backup "
        "that was restored; empty: nobody said why"
    )
    packs: int


class LossPage(_Strict):
    """By device, epoch and reason."""

    items: list[Loss]
    next: str | None


class Rejected(_Strict):
    """Something that could not be stored as readings, kept as it came."""

    time: datetime
    origin: str
    device: str
    reason: str
    payload: str = Field(description="base64")
    text: str | None = Field(description="the payload, if it is UTF-8 text")
    redriven: datetime | None = Field(description="when it was sent through again, if it was")


class RejectedPage(_Strict):
    """The newest first. A page holds some MB of payload at most, so it may end before `limit`."""

    items: list[Rejected]
    next: str | None


class Channel(_Strict):
    """A channel and its newest number."""

    device: str
    channel: str
    label: str
    unit: str
    minimum: float | None
    maximum: float | None
    time: datetime | None = Field(description="of the newest number; null if there is none")
    value: float | None


class ChannelPage(_Strict):
    """By device and channel."""

    items: list[Channel]
    next: str | None
