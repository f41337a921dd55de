"""`/v1/alert-rules`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response

from cloud.control import audit, etags, events, paging, problems
from cloud.control.access import Operator, Viewer
from cloud.control.alerts import store
from cloud.control.alerts.models import Preview, PreviewRequest, Rule, RulePage, RuleRequest
from cloud.control.database import Connection
from cloud.control.problems import Problem, not_found

router = APIRouter(tags=["alerts"])

Number = Annotated[int, Path(ge=1, le=2**62)]

_LONGEST = timedelta(days=366)


@router.get("/v1/alert-rules", summary="List rules", responses=problems.answers(401, 403, 422, 503))
async def list_rules(
    connection: Connection, _: Viewer, limit: paging.Limit = 100, cursor: paging.Cursor = None
) -> RulePage:
    """List what is watched for."""
    rows = await store.rules(connection, paging.number(cursor), limit + 1)
    return RulePage(
        items=[Rule(**row) for row in rows[:limit]],
        next=paging.cursor(rows[limit - 1]["id"]) if len(rows) > limit else None,
    )


@router.post(
    "/v1/alert-rules",
    status_code=201,
    summary="Make a rule",
    responses=problems.answers(401, 403, 409, 422, 503),
)
async def make_rule(
    response: Response, connection: Connection, principal: Operator, body: RuleRequest
) -> Rule:
    """Watch for something, from now on."""
    number = await store.add_rule(connection, body.model_dump())
    if number is None:
        raise _taken(body.name)
    await audit.record(
        connection, principal, "alert-rule.create", f"alert-rule/{number}", after=body.model_dump()
    )
    await events.publish(connection, "alert-rule", str(number), "created")
    response.headers["Location"] = f"/v1/alert-rules/{number}"
    return await _answer(response, connection, number)


@router.post(
    "/v1/alert-rules/preview",
    summary="How often a rule would have fired",
    responses=problems.answers(401, 403, 422, 503),
)
async def preview(request: Request, _: Operator, body: PreviewRequest) -> Preview:
    """Try a rule on stored readings; changes nothing, and tells nobody."""
    until = min(body.until or datetime.now(UTC), datetime.now(UTC))
    if not timedelta() < until - body.since <= _LONGEST:
        raise Problem(
            422,
            "bad-range",
            f"from {body.since.isoformat()} to {until.isoformat()} is no time that can be tried",
            f"say a `since` that is past and before `until`, at most {_LONGEST.days} days",
        )
    previews = request.app.state.services.previews
    asked = {
        **previews.reach(), "rule": body.rule.model_dump(), "since": body.since, "until": until,
    }  # fmt: skip
    found = msgspec.json.decode(await previews.look(msgspec.json.encode(asked)))
    if found.pop("too_many"):
        raise Problem(
            422,
            "too-much",
            f"{found['readings']:,} readings are too many to be tried while you wait",
            "choose a shorter time, or a device or a channel",
        )
    return Preview(**found)


@router.get(
    "/v1/alert-rules/{number}",
    summary="One rule",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def get_rule(response: Response, connection: Connection, _: Viewer, number: Number) -> Rule:
    """Return one."""
    return await _answer(response, connection, number)


@router.put(
    "/v1/alert-rules/{number}",
    summary="Say a rule anew",
    responses=problems.answers(401, 403, 404, 409, 412, 422, 428, 503),
)
async def change_rule(  # noqa: PLR0917 -- each is a parameter of the route
    response: Response,
    connection: Connection,
    principal: Operator,
    number: Number,
    body: RuleRequest,
    seen: etags.IfMatch,
) -> Rule:
    """Replace what it says; what fired by it ends, and begins anew if it still should."""
    before = await _locked(connection, number, seen)
    if await store.name_taken(connection, body.name, number):
        raise _taken(body.name)
    await store.change_rule(connection, number, body.model_dump())
    await audit.record(
        connection, principal, "alert-rule.change", f"alert-rule/{number}",
        before={key: before[key] for key in store.RULE}, after=body.model_dump(),
    )  # fmt: skip
    await events.publish(connection, "alert-rule", str(number), "changed")
    return await _answer(response, connection, number)


@router.delete(
    "/v1/alert-rules/{number}",
    status_code=204,
    summary="Delete a rule",
    responses=problems.answers(401, 403, 404, 412, 422, 428, 503),
)
async def delete_rule(
    connection: Connection, principal: Operator, number: Number, seen: etags.IfMatch
) -> None:
    """Watch for it no longer; what it found stays in the history."""
    before = await _locked(connection, number, seen)
    await store.delete_rule(connection, number)
    await audit.record(
        connection, principal, "alert-rule.delete", f"alert-rule/{number}",
        before={key: before[key] for key in store.RULE},
    )  # fmt: skip
    await events.publish(connection, "alert-rule", str(number), "deleted")


async def _answer(response: Response, connection: Connection, number: int) -> Rule:
    row = await store.rule(connection, number)
    if row is None:
        raise not_found("alert rule", number)
    etags.tag(response, row["version"])
    return Rule(**row)


async def _locked(connection: Connection, number: int, seen: int) -> dict[str, Any]:
    row = await store.rule(connection, number, lock=True)
    if row is None:
        raise not_found("alert rule", number)
    etags.check(seen, row["version"])
    return row


def _taken(name: str) -> Problem:
    return Problem(
        409, "name-taken", f"there is a rule {name!r} already", "choose another name, or change it"
    )
