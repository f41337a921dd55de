"""Bodies and answers about commands, desired configuration and groups."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cloud.control.devices.models import DeviceName, Text

MOST_WAIT_S = 31 * 86_400.0

Identity = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["c7b1e0a4"])]
CommandState = Literal["queued", "sent", "done", "refused", "expired", "no answer", "withdrawn"]
Standing = Literal["in step", "waiting for the device", "refused", "differs"]
GroupName = DeviceName
Priority = Annotated[
    int, Field(ge=-1000, le=1000, description="of two groups that say otherwise the higher wins")
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CommandRequest(_Strict):
    """What a device is to do, and for how long this may wait for it."""

    command: Literal["sampling", "interval", "identify", "restart", "diagnose"]
    arguments: dict[str, Any] = Field(default={}, examples=[{"on": False, "source": "board"}])
    wait_s: float | None = Field(
        default=0,
        ge=0,
        le=MOST_WAIT_S,
        allow_inf_nan=False,
        description="if the device is away: 0 fail at once, else wait so many seconds and expire; "
        "null: wait until it comes back",
    )
    id: Identity | None = Field(
        default=None, description="sent again with the same id it is the same command"
    )


class CommandView(_Strict):
    """A command, and what has become of it."""

    id: str
    device: str
    command: str
    arguments: dict[str, Any]
    person: str
    created: datetime
    expires: datetime | None = Field(description="it is not done later; null: it waits")
    state: CommandState
    since: datetime
    note: str = Field(description="how it stands, as a sentence")
    result: dict[str, Any] | None = Field(description="what the device answered")
    error: str = Field(description="why the device refuses")


class CommandPage(_Strict):
    """A page of a device's commands, the newest first."""

    items: list[CommandView]
    next: str | None


class Document(_Strict):
    """A configuration, by source: `on`, `interval_s`, `calibration` by channel."""

    sources: dict[str, dict[str, Any]] = Field(
        examples=[{"board": {"on": True, "interval_s": 1.0,
                             "calibration": {"gas/co": {"factor": 1.02, "offset": 0.0}}}}],
    )  # fmt: skip


class GroupDocument(_Strict):
    """What a group of a device says."""

    group: str
    priority: int
    sources: dict[str, dict[str, Any]]


class DesiredView(_Strict):
    """What the device is told: its groups' documents and its own, merged."""

    version: int = Field(description="0: it was never told anything")
    sources: dict[str, dict[str, Any]]


class ReportedView(_Strict):
    """What the device says that it does."""

    version: int
    applied: bool
    error: str
    sources: dict[str, dict[str, Any]]


class Difference(_Strict):
    """A key in which a device does not do what it should."""

    key: str = Field(examples=["board/interval_s"])
    desired: Any
    reported: Any


class ConfigurationView(_Strict):
    """Desired against reported."""

    device: str
    state: Standing
    reason: str
    since: datetime | None
    own: dict[str, dict[str, Any]] = Field(description="what is said of this device itself")
    groups: list[GroupDocument] = Field(description="in the order of merging: the last one wins")
    left_out: list[str] = Field(description="sources of its groups that this device does not have")
    desired: DesiredView
    reported: ReportedView | None
    heard: datetime | None
    differences: list[Difference]
    online: bool = Field(description="whether the device is there, as far as is known")
    note: str = Field(description="how it stands, as a sentence")
    version: int = Field(description="the ETag of `own`")


class GroupRequest(_Strict):
    """A group to make."""

    name: GroupName
    label: Text = ""
    priority: Priority = 0


class GroupChange(_Strict):
    """What may be changed of a group."""

    label: Text = ""
    priority: Priority = 0


class Group(_Strict):
    """A group of devices that share a configuration."""

    name: str
    label: str
    priority: int
    members: int
    created: datetime
    version: int = Field(description="its ETag")


class GroupPage(_Strict):
    """A page of the groups, by name."""

    items: list[Group]
    next: str | None


class Members(_Strict):
    """Devices to put into a group and to take out of it, all or none."""

    add: list[DeviceName] = Field(default=[], max_length=10_000)
    remove: list[DeviceName] = Field(default=[], max_length=10_000)


class MembersChanged(_Strict):
    """What was not so before."""

    added: int
    removed: int


class MemberPage(_Strict):
    """A page of a group's devices, by name."""

    items: list[str]
    next: str | None


class GroupConfiguration(_Strict):
    """What a group says, and how its devices stand."""

    group: str
    sources: dict[str, dict[str, Any]]
    members: int
    states: dict[str, int] = Field(description="how many devices are `in step`, and so on")
    version: int = Field(description="the group's ETag")
