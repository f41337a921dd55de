"""What needs a person first, each with where it leads. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec

from control_panel.model.fleet import STATUSES
from control_panel.model.places import Place
from control_panel.model.things import Alert, Device, Pipeline, Storage
from wire.status import Status

_APART = 3
"""As many devices of one status are told one by one; more of them together."""
_BACKUP_OLD = timedelta(days=7)
_FULL_SOON_DAYS = 14
_OWN = frozenset({"grafana"})
"""Stages that no reading goes through."""


class Weight(IntEnum):
    """How much it matters; the lowest first."""

    BAD = 0
    WARNING = 1
    NOTICE = 2


class What(StrEnum):
    """What is the matter; the words for it are the view's."""

    STAGE_FAILED = "stage failed"
    STAGE_STALLED = "stage stalled"
    STAGE_STOPPED = "stage stopped"
    ALERT = "alert"
    ALERTS = "alerts"
    DEVICE = "device"
    DEVICES = "devices"
    DISK = "disk"
    BACKUP_OLD = "backup old"
    NO_BACKUP = "no backup"
    NO_DEVICE = "no device"


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """One of them: `subject` is a stage, a device, a rule; `status` a device's or a severity.

    Without a `place` there is nothing of it to see in the panel.
    """

    what: What
    weight: Weight
    place: Place | None
    subject: str = ""
    status: str = ""
    channel: str = ""
    reason: str = ""
    count: int = 1
    since: datetime | None = None


class Seen(NamedTuple):
    """All that is looked at; None: not known yet, which is no matter."""

    devices: Mapping[str, Device] | None = None
    pipeline: Pipeline | None = None
    alerts: tuple[Alert, ...] | None = None
    storage: Storage | None = None


def matters(seen: Seen, now: datetime) -> list[Matter]:
    """Return what needs a person, the most urgent first."""
    found = [
        *_stages(seen.pipeline),
        *_alerts(seen.alerts or ()),
        *_devices(seen.devices),
        *_storage(seen.storage, now),
    ]
    return sorted(found, key=lambda one: one.weight)


def _stages(pipeline: Pipeline | None) -> Iterable[Matter]:
    kinds = {
        "failed": (What.STAGE_FAILED, Weight.BAD),
        "stalled": (What.STAGE_STALLED, Weight.BAD),
        "stopped": (What.STAGE_STOPPED, Weight.WARNING),
    }
    for stage in pipeline.stages if pipeline is not None else ():
        if stage.state in kinds and not stage.busy:
            what, weight = kinds[stage.state]
            yield Matter(
                what=what,
                weight=Weight.NOTICE if stage.name in _OWN else weight,
                place=Place("pipeline", stage.name),
                subject=stage.name,
                reason=stage.reason,
                since=stage.since,
            )


def _alerts(alerts: Iterable[Alert]) -> Iterable[Matter]:
    by_severity: defaultdict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.state == "firing" and alert.acknowledged_by is None:
            by_severity[alert.severity].append(alert)
    weights = {"critical": Weight.BAD, "warning": Weight.WARNING}
    for severity in sorted(by_severity, key=lambda one: weights.get(one, Weight.NOTICE)):
        firing = sorted(by_severity[severity], key=lambda one: one.since)
        weight = weights.get(severity, Weight.NOTICE)
        if len(firing) > _APART:
            yield Matter(
                what=What.ALERTS, weight=weight, place=Place("alerts"), status=severity,
                count=len(firing), since=firing[0].since,
            )  # fmt: skip
            continue
        for alert in firing:
            yield Matter(
                what=What.ALERT, weight=weight, place=Place("alerts"), subject=alert.rule,
                status=alert.device, channel=alert.channel, since=alert.since,
            )  # fmt: skip


def _devices(devices: Mapping[str, Device] | None) -> Iterable[Matter]:
    if devices is None:
        return
    if not devices:
        yield Matter(what=What.NO_DEVICE, weight=Weight.NOTICE, place=Place("devices"))
        return
    weights = {
        "source failing": Weight.BAD,
        "buffer filling": Weight.BAD,
        "offline": Weight.BAD,
        "late": Weight.WARNING,
        "clock unknown": Weight.WARNING,
        "never seen": Weight.NOTICE,
    }
    by_status: defaultdict[str, list[Device]] = defaultdict(list)
    for device in devices.values():
        if device.status in weights:
            by_status[device.status].append(device)
    for status in STATUSES:
        of_it = by_status[status]
        if len(of_it) > _APART:
            yield Matter(
                what=What.DEVICES, weight=weights[status], status=status, count=len(of_it),
                place=Place("devices", f"status:{status}"),
            )  # fmt: skip
            continue
        for device in sorted(of_it, key=lambda one: one.name):
            yield Matter(
                what=What.DEVICE, weight=weights[status], place=Place("devices", device.name),
                subject=device.name, status=status, reason=device.status_reason,
                since=device.last_seen,
            )  # fmt: skip


def _storage(storage: Storage | None, now: datetime) -> Iterable[Matter]:
    if storage is None:
        return
    soon = storage.full_in_days is not None and storage.full_in_days <= _FULL_SOON_DAYS
    if storage.warning or soon:
        yield Matter(
            what=What.DISK, weight=Weight.WARNING, place=Place("pipeline", "postgres"),
            reason=storage.warning or storage.forecast,
        )  # fmt: skip
    if storage.backup is None:
        yield Matter(what=What.NO_BACKUP, weight=Weight.NOTICE, place=None)
    elif now - storage.backup.taken > _BACKUP_OLD:
        yield Matter(
            what=What.BACKUP_OLD, weight=Weight.NOTICE, place=None, since=storage.backup.taken
        )


class Unsent(NamedTuple):
    """The oldest reading that a device still holds."""

    device: str
    since: datetime
    devices: int
    """How many devices hold some."""


def oldest_unsent(statuses: Mapping[str, Status]) -> Unsent | None:
    """Return it, of what devices say themselves; None if nobody holds any."""
    held = [
        (status.buffer.oldest, device)
        for device, status in statuses.items()
        if status.buffer is not None and status.buffer.held and status.buffer.oldest is not None
    ]
    if not held:
        return None
    oldest, device = min(held)
    return Unsent(device, datetime.fromtimestamp(oldest, UTC), len(held))
