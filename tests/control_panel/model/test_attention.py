"""What needs a person first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from control_panel.model import dashboards
from control_panel.model.attention import Seen, Weight, What, matters, oldest_unsent
from control_panel.model.places import Place
from control_panel.model.things import Alert, Backup, Device, Disk, Pipeline, Stage, Storage
from wire.status import BufferStatus, Status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def device(name: str, status: str, reason: str = "") -> Device:
    return Device(
        name=name, state="active", agent_version="1", created=NOW, enrolled=NOW, kind="agent",
        label="", last_seen=NOW, latitude=None, longitude=None, reason="", restorable_until=None,
        revoked=None, site="", status=status, status_reason=reason, version=1,
    )  # fmt: skip


def devices(*those: Device) -> dict[str, Device]:
    return {one.name: one for one in those}


def stage(name: str, state: str, busy: str | None = None) -> Stage:
    return Stage(
        name=name, state=state, since=NOW, age=None, busy=busy, dependents=(), errors=0, lag=None,
        lag_seconds=None, needs=(), newest=None, pid=None, rate_in=None, rate_out=None,
        reason="why", restarts=0,
    )  # fmt: skip


def alert(severity: str, by: str | None = None, state: str = "firing") -> Alert:
    return Alert(
        device="pi-1", channel="t", rule="too hot", state=state, since=NOW, value=1.0,
        acknowledged_by=by, episode=1, note=None, severity=severity,
    )  # fmt: skip


def storage(**given: object) -> Storage:
    known = {
        "backup": Backup(bytes=1, encrypted=True, file="b", taken=NOW - timedelta(days=1)),
        "disk": Disk(free=1, path="/", size=2), "forecast": "", "full_in_days": None,
        "held_back": "", "measured": NOW, "servers": (), "tiers": (), "warning": "",
    }  # fmt: skip
    return Storage(**{**known, **given})  # type: ignore[arg-type]


def test_what_is_not_known_yet_is_no_matter() -> None:
    assert matters(Seen(), NOW) == []


def test_no_device_at_all_is_the_first_step_of_somebody_new() -> None:
    (only,) = matters(Seen(devices={}), NOW)
    assert (only.what, only.weight) == (What.NO_DEVICE, Weight.NOTICE)


def test_what_is_bad_comes_before_what_may_wait() -> None:
    seen = Seen(
        devices(device("a", "never seen"), device("b", "offline", "its will"), device("c", "late")),
        Pipeline(at=NOW, stages=(stage("stream", "stopped"), stage("kafka", "failed"))),
        (alert("warning"), alert("critical")),
        storage(),
    )
    found = matters(seen, NOW)
    assert [one.weight for one in found] == sorted(one.weight for one in found)
    bad = [(one.what, one.subject) for one in found if one.weight is Weight.BAD]
    assert bad == [
        (What.STAGE_FAILED, "kafka"), (What.ALERT, "too hot"), (What.DEVICE, "b"),
    ]  # fmt: skip
    assert found[-1].subject == "a"
    assert next(one for one in found if one.subject == "b").place == Place("devices", "b")


def test_many_of_a_status_are_told_together() -> None:
    seen = Seen(devices(*(device(f"pi-{n}", "offline") for n in range(4))))
    (only,) = matters(seen, NOW)
    assert (only.what, only.count, only.place) == (
        What.DEVICES,
        4,
        Place("devices", "status:offline"),
    )


def test_devices_that_are_well_or_revoked_need_nobody() -> None:
    assert matters(Seen(devices(device("a", "online"), device("b", "revoked"))), NOW) == []


def test_what_somebody_looks_after_already_is_left_out() -> None:
    seen = Seen(
        pipeline=Pipeline(at=NOW, stages=(stage("stream", "stopped", busy="restart"),)),
        alerts=(alert("critical", by="ada"), alert("critical", state="pending")),
    )
    assert matters(seen, NOW) == []


def test_many_alerts_are_told_together() -> None:
    (only,) = matters(Seen(alerts=tuple(alert("critical") for _ in range(4))), NOW)
    assert (only.what, only.count, only.status) == (What.ALERTS, 4, "critical")


def test_a_disk_that_fills_and_a_backup_that_is_old_are_told() -> None:
    assert matters(Seen(storage=storage()), NOW) == []
    old = Backup(bytes=1, encrypted=True, file="b", taken=NOW - timedelta(days=8))
    found = matters(Seen(storage=storage(warning="the disk fills", backup=old)), NOW)
    assert [one.what for one in found] == [What.DISK, What.BACKUP_OLD]
    found = matters(Seen(storage=storage(full_in_days=3, forecast="soon", backup=None)), NOW)
    assert [(one.what, one.reason) for one in found] == [(What.DISK, "soon"), (What.NO_BACKUP, "")]


def test_the_oldest_unsent_reading_is_that_of_the_device_that_holds_it() -> None:
    statuses = {
        "a": Status("online", buffer=BufferStatus(oldest=1000.0, held=((1, 2),))),
        "b": Status("online", buffer=BufferStatus(oldest=500.0, held=((3, 3),))),
        "c": Status("online", buffer=BufferStatus(oldest=1.0)),
        "d": Status("online"),
    }
    found = oldest_unsent(statuses)
    assert found is not None
    assert (found.device, found.since.timestamp(), found.devices) == ("b", 500.0, 2)
    assert oldest_unsent({}) is None


def test_a_dashboard_is_opened_at_the_same_time_range() -> None:
    begin = datetime.fromtimestamp(1, UTC)
    said = dashboards.device("http://g:3000/", "pi-1", begin, begin, ["a b"])
    assert said == (
        "http://g:3000/d/fieldline-device?var-device=pi-1&var-channel=a+b&from=1000&to=1000"
    )
    assert dashboards.fleet("http://g", begin, begin) == (
        "http://g/d/fieldline-fleet?from=1000&to=1000"
    )
