"""`/v1/notification-targets`, `/v1/notifications`."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from cloud.control import audit, etags, events, paging, problems
from cloud.control.access import Admin, Operator
from cloud.control.database import Connection, connected
from cloud.control.notices import store
from cloud.control.notices.courier import Courier
from cloud.control.notices.models import (
    Notice,
    NoticePage,
    Target,
    TargetPage,
    TargetRequest,
    Tested,
)
from cloud.control.notices.senders import NotSent
from cloud.control.problems import Problem, not_found
from cloud.control.services import Services
from cloud.stack import secret_files

router = APIRouter(tags=["alerts"])

Number = Annotated[int, Path(ge=1, le=2**62)]


def _courier(request: Request) -> Courier:
    services: Services = request.app.state.services
    return services.courier


@router.get(
    "/v1/notification-targets",
    summary="Whom alerts are told to",
    responses=problems.answers(401, 403, 422, 503),
)
async def list_targets(
    request: Request,
    connection: Connection,
    _: Operator,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> TargetPage:
    """List targets, without their secrets."""
    rows = await store.targets(connection, paging.number(cursor), limit + 1)
    return TargetPage(
        items=[_target(_courier(request), row) for row in rows[:limit]],
        next=paging.cursor(rows[limit - 1]["id"]) if len(rows) > limit else None,
    )


@router.post(
    "/v1/notification-targets",
    status_code=201,
    summary="Have alerts told to somebody",
    responses=problems.answers(401, 403, 409, 422, 503),
)
async def add_target(
    request: Request,
    response: Response,
    connection: Connection,
    principal: Admin,
    body: TargetRequest,
) -> Target:
    """Tell what fires from now on."""
    number = await store.add_target(connection, _row(body))
    if number is None:
        raise _taken(body.name)
    if body.secret is not None:
        secret_files.write(_courier(request).secret_file(number), body.secret)
    await audit.record(
        connection, principal, "notification-target.create", f"notification-target/{number}",
        after=_row(body),
    )  # fmt: skip
    await events.publish(connection, "notification-target", str(number), "created")
    response.headers["Location"] = f"/v1/notification-targets/{number}"
    return await _answer(request, response, connection, number)


@router.get(
    "/v1/notification-targets/{number}",
    summary="One target",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def get_target(
    request: Request, response: Response, connection: Connection, _: Operator, number: Number
) -> Target:
    """Return one, without its secret."""
    return await _answer(request, response, connection, number)


@router.put(
    "/v1/notification-targets/{number}",
    summary="Say a target anew",
    responses=problems.answers(401, 403, 404, 409, 412, 422, 428, 503),
)
async def change_target(  # noqa: PLR0917 -- each is a parameter of the route
    request: Request,
    response: Response,
    connection: Connection,
    principal: Admin,
    number: Number,
    body: TargetRequest,
    seen: etags.IfMatch,
) -> Target:
    """Replace what it says; the secret stays, if none is said."""
    before = await _locked(connection, number, seen)
    if await store.name_taken(connection, body.name, number):
        raise _taken(body.name)
    await store.change_target(connection, number, _row(body))
    if body.secret is not None:
        secret_files.write(_courier(request).secret_file(number), body.secret)
    await audit.record(
        connection, principal, "notification-target.change", f"notification-target/{number}",
        before={key: before[key] for key in _row(body)},
        after={**_row(body), "secret_changed": body.secret is not None},
    )  # fmt: skip
    await events.publish(connection, "notification-target", str(number), "changed")
    return await _answer(request, response, connection, number)


@router.delete(
    "/v1/notification-targets/{number}",
    status_code=204,
    summary="Tell somebody no longer",
    responses=problems.answers(401, 403, 404, 412, 422, 428, 503),
)
async def delete_target(
    request: Request,
    connection: Connection,
    principal: Admin,
    number: Number,
    seen: etags.IfMatch,
) -> None:
    """Take a target away, with its secret and the list of what it was told."""
    before = await _locked(connection, number, seen)
    await store.delete_target(connection, number)
    _courier(request).secret_file(number).unlink(missing_ok=True)
    keys = ("name", "kind", "settings", "severity", "most_an_hour", "enabled")
    await audit.record(
        connection, principal, "notification-target.delete", f"notification-target/{number}",
        before={key: before[key] for key in keys},
    )  # fmt: skip
    await events.publish(connection, "notification-target", str(number), "deleted")


@router.post(
    "/v1/notification-targets/{number}/test",
    summary="Send a test, now",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def test_target(request: Request, principal: Admin, number: Number) -> Tested:
    """Tell what the other side said."""
    services: Services = request.app.state.services
    # No transaction is open while the other side takes its time.
    async with connected(services.pool) as connection:
        row = await store.target(connection, number)
    if row is None:
        raise not_found("notification target", number)
    try:
        tested = Tested(sent=True, said=await services.courier.test(row))
    except NotSent as error:
        tested = Tested(sent=False, said=str(error))
    async with connected(services.pool) as connection:
        await audit.record(
            connection, principal, "notification-target.test", f"notification-target/{number}",
            after=tested.model_dump(),
        )  # fmt: skip
    return tested


@router.get(
    "/v1/notifications",
    summary="What was told to whom",
    responses=problems.answers(401, 403, 422, 503),
)
async def list_notices(
    connection: Connection, _: Operator, limit: paging.Limit = 100, cursor: paging.Cursor = None
) -> NoticePage:
    """List messages, the newest first, with what became of each."""
    keys = paging.keys(cursor, int)
    before = 2**62 if keys is None else max(0, min(keys[0], 2**62))
    rows = await store.notices(connection, before, limit + 1)
    return NoticePage(
        items=[Notice(**row) for row in rows[:limit]],
        next=paging.cursor(rows[limit - 1]["id"]) if len(rows) > limit else None,
    )


def _row(body: TargetRequest) -> dict[str, Any]:
    of_kind = body.email or body.webhook
    return {
        "settings": of_kind.model_dump() if of_kind else {},
        **body.model_dump(exclude={"email", "webhook", "secret"}),
    }


def _target(courier: Courier, row: dict[str, Any]) -> Target:
    settings = row["settings"]
    return Target(
        **{key: row[key] for key in row if key != "settings"},
        email=settings if row["kind"] == "email" else None,
        webhook=settings if row["kind"] == "webhook" else None,
        has_secret=courier.secret_file(row["id"]).exists(),
    )


async def _answer(
    request: Request, response: Response, connection: Connection, number: int
) -> Target:
    row = await store.target(connection, number)
    if row is None:
        raise not_found("notification target", number)
    etags.tag(response, row["version"])
    return _target(_courier(request), row)


async def _locked(connection: Connection, number: int, seen: int) -> dict[str, Any]:
    row = await store.target(connection, number, lock=True)
    if row is None:
        raise not_found("notification target", number)
    etags.check(seen, row["version"])
    return row


def _taken(name: str) -> Problem:
    return Problem(
        409, "name-taken", f"there is a target {name!r} already", "choose another, or change it"
    )
