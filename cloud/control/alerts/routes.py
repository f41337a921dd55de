"""`/v1/alerts`, `/v1/snoozes`, `/v1/maintenance-windows`: what fires, and what people say of it."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from cloud.control import audit, events, paging, problems
from cloud.control.access import Operator, Viewer
from cloud.control.alerts import store
from cloud.control.alerts.models import (
    Acknowledgement,
    Alert,
    AlertPage,
    Episode,
    EpisodePage,
    Note,
    Severity,
    Snooze,
    SnoozePage,
    SnoozeRequest,
    Window,
    WindowPage,
    WindowRequest,
)
from cloud.control.database import Connection
from cloud.control.devices.models import DeviceName
from cloud.control.problems import Problem, not_found

router = APIRouter(tags=["alerts"])

Number = Annotated[int, Path(ge=1, le=2**62)]
_RuleName = Annotated[str | None, Query(max_length=100)]
_MOST = 2**62


@router.get("/v1/alerts", summary="What fires now", responses=problems.answers(401, 403, 422, 503))
async def list_alerts(  # noqa: PLR0917 -- each is a parameter of the route
    connection: Connection,
    _: Viewer,
    state: Annotated[
        list[Literal["ok", "pending", "firing"]], Query(description="firing and pending if none")
    ] = [],  # noqa: B006 -- never changed
    device: DeviceName | None = None,
    rule: _RuleName = None,
    severity: Severity | None = None,
    acknowledged: bool | None = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> AlertPage:
    """List how rules stand."""
    after = paging.keys(cursor, int, int) or (0, 0)
    rows = await store.alerts(
        connection,
        {
            "states": list(state) or ["firing", "pending"],
            "device": device,
            "rule": rule,
            "severity": severity,
            "acknowledged": acknowledged,
            "after_rule": _clipped(after[0]),
            "after_series": max(-(2**31), min(after[1], 2**31 - 1)),
            "limit": limit + 1,
        },
    )
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return AlertPage(
        items=[Alert(**{key: row[key] for key in Alert.model_fields}) for row in rows[:limit]],
        next=paging.cursor(last["rule_number"], last["series"]) if last else None,
    )


@router.get(
    "/v1/alerts/history",
    summary="What has fired",
    responses=problems.answers(401, 403, 422, 503),
)
async def list_history(  # noqa: PLR0917 -- each is a parameter of the route
    connection: Connection,
    _: Viewer,
    device: DeviceName | None = None,
    rule: _RuleName = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> EpisodePage:
    """List episodes, the one that was known last first."""
    keys = paging.keys(cursor, int)
    rows = await store.history(
        connection,
        {
            "before": _MOST if keys is None else _clipped(keys[0]),
            "device": device,
            "rule": rule,
            "since": since,
            "until": until,
            "limit": limit + 1,
        },
    )
    return EpisodePage(
        items=[Episode(**row) for row in rows[:limit]],
        next=paging.cursor(rows[limit - 1]["episode"]) if len(rows) > limit else None,
    )


@router.put(
    "/v1/alerts/{episode}/acknowledgement",
    summary="Say that somebody has seen it",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def acknowledge(
    connection: Connection, principal: Operator, episode: Number, body: Note | None = None
) -> Acknowledgement:
    """Keep who has seen an alert; it fires on until its readings say otherwise."""
    if await store.episode(connection, episode) is None:
        raise not_found("alert", episode, "list /v1/alerts; late readings may have taken it back")
    note = body.note if body else ""
    kept = await store.acknowledge(connection, episode, principal.user, note)
    await audit.record(
        connection, principal, "alert.acknowledge", f"alert/{episode}", after={"note": note}
    )
    await events.publish(connection, "alert", str(episode), "acknowledged", by=principal.user)
    return Acknowledgement(**kept)


@router.delete(
    "/v1/alerts/{episode}/acknowledgement",
    status_code=204,
    summary="Say that nobody has seen it after all",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def unacknowledge(connection: Connection, principal: Operator, episode: Number) -> None:
    """Take an acknowledgement back."""
    before = await store.unacknowledge(connection, episode)
    if before is None:
        raise not_found("acknowledgement of alert", episode, "nobody has acknowledged it")
    await audit.record(
        connection, principal, "alert.unacknowledge", f"alert/{episode}", before=before
    )
    await events.publish(connection, "alert", str(episode), "unacknowledged")


@router.get(
    "/v1/snoozes",
    summary="What nobody is told about for now",
    responses=problems.answers(401, 403, 422, 503),
)
async def list_snoozes(
    connection: Connection, _: Viewer, limit: paging.Limit = 100, cursor: paging.Cursor = None
) -> SnoozePage:
    """List the snoozes that last."""
    rows = await store.snoozes(connection, paging.number(cursor), limit + 1)
    return SnoozePage(
        items=[Snooze(**row) for row in rows[:limit]],
        next=paging.cursor(rows[limit - 1]["id"]) if len(rows) > limit else None,
    )


@router.post(
    "/v1/snoozes",
    status_code=201,
    summary="Be told nothing about something for a while",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def snooze(connection: Connection, principal: Operator, body: SnoozeRequest) -> Snooze:
    """Hold back notifications; what still fires when it ends is told then."""
    _in_future(body.until)
    if body.rule is not None and await store.rule(connection, body.rule) is None:
        raise not_found("alert rule", body.rule)
    row = await store.add_snooze(connection, {**body.model_dump(), "by": principal.user})
    await audit.record(
        connection, principal, "alert.snooze", f"snooze/{row['id']}",
        after=body.model_dump(mode="json"),
    )  # fmt: skip
    await events.publish(connection, "snooze", str(row["id"]), "created")
    return Snooze(**row)


@router.delete(
    "/v1/snoozes/{number}",
    status_code=204,
    summary="End a snooze",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def unsnooze(connection: Connection, principal: Operator, number: Number) -> None:
    """Be told again."""
    before = await store.delete_snooze(connection, number)
    if before is None:
        raise not_found("snooze", number)
    await audit.record(connection, principal, "alert.unsnooze", f"snooze/{number}", before=before)
    await events.publish(connection, "snooze", str(number), "deleted")


@router.get(
    "/v1/maintenance-windows",
    summary="When work is done",
    responses=problems.answers(401, 403, 422, 503),
)
async def list_windows(
    connection: Connection, _: Viewer, limit: paging.Limit = 100, cursor: paging.Cursor = None
) -> WindowPage:
    """List the maintenance windows that are not over."""
    rows = await store.windows(connection, paging.number(cursor), limit + 1)
    return WindowPage(
        items=[Window(**row) for row in rows[:limit]],
        next=paging.cursor(rows[limit - 1]["id"]) if len(rows) > limit else None,
    )


@router.post(
    "/v1/maintenance-windows",
    status_code=201,
    summary="Say when work is done on a device or at a site",
    responses=problems.answers(401, 403, 422, 503),
)
async def add_window(connection: Connection, principal: Operator, body: WindowRequest) -> Window:
    """Nobody is told what fires in it; what still fires when it ends is told then."""
    _in_future(body.ends)
    row = await store.add_window(connection, {**body.model_dump(), "by": principal.user})
    await audit.record(
        connection, principal, "maintenance.add", f"maintenance/{row['id']}",
        after=body.model_dump(mode="json"),
    )  # fmt: skip
    await events.publish(connection, "maintenance", str(row["id"]), "created")
    return Window(**row)


@router.delete(
    "/v1/maintenance-windows/{number}",
    status_code=204,
    summary="End a maintenance window",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def delete_window(connection: Connection, principal: Operator, number: Number) -> None:
    """The work is done, or will not be."""
    before = await store.delete_window(connection, number)
    if before is None:
        raise not_found("maintenance window", number)
    await audit.record(
        connection, principal, "maintenance.remove", f"maintenance/{number}", before=before
    )
    await events.publish(connection, "maintenance", str(number), "deleted")


def _clipped(number: int) -> int:
    return max(-_MOST, min(number, _MOST))


def _in_future(time: datetime) -> None:
    if time <= datetime.now(UTC):
        raise Problem(422, "over-already", f"{time:%Y-%m-%dT%H:%M:%SZ} is past", "say a later time")
