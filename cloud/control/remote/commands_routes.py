"""`/v1/devices/<device>/commands`: tell a device what to do."""

from typing import Annotated, cast

from fastapi import APIRouter, Path, Query, Request, Response

from cloud.control import paging, problems
from cloud.control.access import Operator, Viewer
from cloud.control.devices.models import DeviceName
from cloud.control.remote.commands import Commands
from cloud.control.remote.models import CommandPage, CommandRequest, CommandView
from cloud.control.services import Services

router = APIRouter(tags=["commands"])

_ALL = "/v1/devices/{name}/commands"
_ONE = "/v1/devices/{name}/commands/{id}"
CommandId = Annotated[str, Path(alias="id", pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def _commands(request: Request) -> Commands:
    return cast("Services", request.app.state.services).remote.commands


@router.post(
    _ALL,
    status_code=202,
    summary="Tell a device what to do",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def give(
    request: Request,
    response: Response,
    principal: Operator,
    name: DeviceName,
    asked: CommandRequest,
) -> CommandView:
    """Give it a command; `note` says at once whether it is sent or waits."""
    given = await _commands(request).give(name, asked, principal)
    response.headers["Location"] = f"/v1/devices/{name}/commands/{given.id}"
    return given


@router.get(
    _ALL,
    summary="What a device was told, the newest first",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def history(
    request: Request,
    _: Viewer,
    name: DeviceName,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> CommandPage:
    """List a device's commands with what has become of each."""
    keys = paging.keys(cursor, int)
    before = None if keys is None else max(0, min(keys[0], 2**62))
    items, more = await _commands(request).page(name, before, limit)
    return CommandPage(items=items, next=None if more is None else paging.cursor(more))


@router.get(
    _ONE,
    summary="What has become of a command",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def get(
    request: Request,
    _: Viewer,
    name: DeviceName,
    identity: CommandId,
    within_s: Annotated[
        float, Query(ge=0, le=60, description="answer when it has ended, or after so long")
    ] = 0,
) -> CommandView:
    """Return a command; with `within_s` once the device has answered."""
    return await _commands(request).get(name, identity, within_s)


@router.delete(
    _ONE,
    summary="Withdraw a command while it waits",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def withdraw(
    request: Request, principal: Operator, name: DeviceName, identity: CommandId
) -> CommandView:
    """Take it back; what was sent already cannot be."""
    return await _commands(request).withdraw(name, identity, principal)
