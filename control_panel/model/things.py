"""What the API answers, as frozen values: the names are those of its OpenAPI document.

Members that are not known here are ignored, and words of a state are plain text: a panel can talk
to a server that is somewhat newer. Times are aware, UTC.
"""

from datetime import date, datetime
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a list; `next` is the cursor of the following one, None at the end."""

    items: tuple[T, ...]
    next: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something has changed: `subject` of a `kind`, `what` how; a gap in `number`: look anew."""

    kind: str
    subject: str = ""
    what: str = ""
    data: dict[str, Any] = {}
    number: int = 0


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A registered device, with its status and why."""

    name: str
    state: str
    agent_version: str | None
    created: datetime
    enrolled: datetime | None
    kind: str
    label: str
    last_seen: datetime | None
    latitude: float | None
    longitude: float | None
    reason: str
    restorable_until: datetime | None
    revoked: datetime | None
    site: str
    status: str
    status_reason: str
    version: int


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """By what a device is known at the broker."""

    created: datetime
    kind: str
    username: str
    withdrawn: datetime | None


class DeviceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The same with its credentials."""

    name: str
    state: str
    agent_version: str | None
    created: datetime
    credentials: tuple[Credential, ...]
    enrolled: datetime | None
    kind: str
    label: str
    last_seen: datetime | None
    latitude: float | None
    longitude: float | None
    reason: str
    restorable_until: datetime | None
    revoked: datetime | None
    site: str
    status: str
    status_reason: str
    version: int


class DeviceLogin(msgspec.Struct, frozen=True, kw_only=True):
    """What a foreign client logs in with; shown once."""

    device: str
    ca: str
    host: str
    password: str
    port: int
    topic: str
    username: str


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A new device; a foreign one with its login."""

    device: Device
    login: DeviceLogin | None = None


class EnrolmentToken(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time code for an agent: `text` to paste, `svg` as QR code."""

    device: str
    expires: datetime
    local_only: bool
    svg: str
    text: str
    token: str


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """What a revocation came to: whether the device was told, and cut off."""

    device: Device
    cut_off: bool
    told: bool


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a CSV file of devices."""

    logins: tuple[DeviceLogin, ...]
    registered: int
    tokens: tuple[EnrolmentToken, ...]


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """A status, since when, and why."""

    since: datetime
    reason: str
    status: str


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the audit."""

    id: int
    time: datetime
    action: str
    address: str
    after: dict[str, Any] | None
    before: dict[str, Any] | None
    person: str
    request: str
    role: str
    subject: str


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage of the pipeline and its progress; rates in messages a second, ages in seconds."""

    name: str
    state: str
    since: datetime
    age: float | None
    busy: str | None
    dependents: tuple[str, ...]
    errors: int
    lag: int | None
    lag_seconds: float | None
    needs: tuple[str, ...]
    newest: datetime | None
    pid: int | None
    rate_in: float | None
    rate_out: float | None
    reason: str
    restarts: int


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """All stages, in the order in which they start."""

    at: datetime
    stages: tuple[Stage, ...]


class Consequences(msgspec.Struct, frozen=True, kw_only=True):
    """What an action would mean."""

    stage: str | None
    action: str
    consequences: tuple[str, ...]


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """An action that has begun."""

    action: str
    consequences: tuple[str, ...]
    stages: tuple[str, ...]


class LogLines(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a stage's log."""

    stage: str
    lines: tuple[str, ...]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as stored, with its newest value."""

    device: str
    channel: str
    time: datetime | None
    value: float | None
    unit: str
    label: str
    maximum: float | None
    minimum: float | None


class Completeness(msgspec.Struct, frozen=True, kw_only=True):
    """What has arrived of one epoch of a device's packs."""

    device: str
    epoch: str
    first_seq: int
    last_seq: int
    lost: int
    missing: int
    on_device: int
    stored: int


class CompletenessDay(msgspec.Struct, frozen=True, kw_only=True):
    """What has arrived of one day of a device's packs."""

    device: str
    day: date
    lost: int
    missing: int
    on_device: int
    stored: int


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Packs of an epoch that are lost, and why: `quota`, `restore`, empty if nobody said."""

    device: str
    epoch: str
    packs: int
    reason: str


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison of everything stored; `state` is running, sound, unsound or failed."""

    id: str
    state: str
    begun: datetime
    by: str
    checked: int | None
    details: tuple[str, ...]
    differing: int | None
    doubled: int | None
    ended: datetime | None
    missing: int | None
    said: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that were no readings, and why."""

    device: str
    time: datetime
    origin: str
    payload: str
    reason: str
    redriven: datetime | None
    text: str | None


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A stored rollup of one channel over one interval."""

    time: datetime
    first: float
    last: float
    maximum: float
    mean: float
    minimum: float
    n: int
    stddev: float | None


class RollupSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Rollups of a channel, in the order of time."""

    channel: str
    unit: str
    label: str
    points: tuple[Point, ...]


class Rollups(msgspec.Struct, frozen=True, kw_only=True):
    """Rollups of some channels; `expired_until`: what was before is no longer kept."""

    device: str
    expired_until: datetime | None
    resolution: str
    series: tuple[RollupSeries, ...]


class StoredReading(msgspec.Struct, frozen=True, kw_only=True):
    """A stored reading."""

    channel: str
    time: datetime
    value: float | None
    unit: str
    quality: str
    received: datetime
    text: str | None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a rule for one channel."""

    device: str
    channel: str
    rule: str
    state: str
    since: datetime
    value: float | None
    acknowledged_by: str | None
    episode: int | None
    note: str | None
    severity: str


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """From firing to its end."""

    device: str
    channel: str
    rule: str
    value: float | None
    acknowledged_by: str | None
    began: datetime
    ended: datetime | None
    episode: int
    late: bool
    severity: str
    worst: float | None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """An alert rule."""

    id: int
    name: str
    device: str | None = None
    channel: str | None = None
    changed: datetime
    clear_at: float | None = None
    created: datetime
    direction: str | None = None
    enabled: bool = True
    for_s: float = 0
    kind: str
    severity: str = "warning"
    site: str | None = None
    threshold: float | None = None
    version: int
    window_s: float | None = None


class WouldHaveFired(msgspec.Struct, frozen=True, kw_only=True):
    """One time that it would have fired."""

    device: str
    channel: str
    value: float | None
    began: datetime
    ended: datetime | None
    worst: float | None


class Often(msgspec.Struct, frozen=True, kw_only=True):
    """How often it would have for one channel."""

    device: str
    channel: str
    episodes: int
    firing_s: float


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """How a rule would have fired on stored readings."""

    channels: int
    episodes: int
    firing_s: float
    latest: tuple[WouldHaveFired, ...]
    often: tuple[Often, ...]
    readings: int


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody has seen it."""

    at: datetime
    by: str
    episode: int
    note: str = ""


class Snooze(msgspec.Struct, frozen=True, kw_only=True):
    """A silence until a time."""

    id: int
    device: str | None = None
    channel: str | None = None
    rule: int | None = None
    by: str
    created: datetime
    reason: str = ""
    until: datetime


class MaintenanceWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A silence that was planned."""

    id: int
    device: str | None = None
    begins: datetime
    by: str
    created: datetime
    ends: datetime
    reason: str = ""
    site: str | None = None


class Email(msgspec.Struct, frozen=True, kw_only=True):
    """How a mail is sent."""

    ca: str = ""
    host: str
    port: int = 587
    security: str = "starttls"
    sender: str
    to: tuple[str, ...]
    username: str = ""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where a webhook is."""

    ca: str = ""
    url: str


class NotificationTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of alerts."""

    id: int
    name: str
    created: datetime
    email: Email | None
    enabled: bool
    has_secret: bool
    interval_s: float
    kind: str
    most_an_hour: int
    severity: str
    version: int
    wait_s: float
    webhook: Webhook | None


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What a test message came to."""

    said: str
    sent: bool


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A message about an alert, and what became of it."""

    id: int
    device: str
    channel: str
    rule: str
    state: str
    attempts: int
    created: datetime
    ended: datetime | None
    episode: int
    message: int | None
    reason: str
    target: str
    what: str


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a device was told, and what became of it."""

    id: str
    device: str
    state: str
    since: datetime
    arguments: dict[str, Any]
    command: str
    created: datetime
    error: str
    expires: datetime | None
    note: str
    person: str
    result: dict[str, Any] | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A key that is not as desired."""

    desired: Any
    key: str
    reported: Any


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """What a device should do."""

    sources: dict[str, dict[str, Any]]
    version: int


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """What a device says that it does."""

    applied: bool
    error: str
    sources: dict[str, dict[str, Any]]
    version: int


class GroupDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A group's part of what a device should do."""

    group: str
    priority: int
    sources: dict[str, dict[str, Any]]


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What a device should do against what it reports."""

    device: str
    state: str
    since: datetime | None
    desired: Desired
    differences: tuple[Difference, ...]
    groups: tuple[GroupDocument, ...]
    heard: datetime | None
    left_out: tuple[str, ...]
    note: str
    online: bool
    own: dict[str, dict[str, Any]]
    reason: str
    reported: Reported | None
    version: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Devices that share a configuration."""

    name: str
    created: datetime
    label: str
    members: int
    priority: int
    version: int


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """The newest backup."""

    bytes: int
    encrypted: bool
    file: str
    taken: datetime


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The disk, in bytes."""

    free: int
    path: str
    size: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a server takes."""

    name: str
    bytes: int
    growth: float | None


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one resolution."""

    name: str
    bytes: int
    expired_until: datetime | None
    growth: float | None
    kept_days: int | None


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """What takes the disk, and when it will be full."""

    backup: Backup | None
    disk: Disk
    forecast: str
    full_in_days: int | None
    held_back: str
    measured: datetime
    servers: tuple[Part, ...]
    tiers: tuple[Tier, ...]
    warning: str


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A token, and whose."""

    expires: datetime
    role: str
    token: str
    username: str


class Whoever(msgspec.Struct, frozen=True, kw_only=True):
    """Who is logged in, and what they may do: viewer, operator or admin."""

    username: str
    role: str


class ServerTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is; `grafana` as its own machine reaches it."""

    version: str
    time: datetime
    grafana: str | None


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A code by which somebody chooses a password; shown once."""

    code: str
    expires: datetime
    link: str
    local_only: bool
    username: str


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """A code by which a panel is logged in; shown once."""

    code: str
    expires: datetime
    local_only: bool
    qr: str
    text: str


class LiveLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A login at the broker for live readings."""

    ca: str
    host: str
    password: str
    port: int
    topics: tuple[str, ...]
    username: str


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person."""

    created: datetime
    disabled: bool
    has_password: bool
    role: str
    username: str
    version: int


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A client of a person."""

    id: int
    client: str
    created: datetime
    expires: datetime | None
    last_address: str | None
    last_used: datetime | None
    username: str


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why the API refuses (RFC 9457), and what to do."""

    detail: str
    fix: str
    instance: str = ""
    status: int
    title: str
    type: str


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """A new person, and the invitation."""

    invitation: Invitation
    user: User
