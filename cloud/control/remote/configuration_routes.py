"""`/v1/devices/<device>/configuration` and `/v1/groups`: what devices should do."""

from typing import cast

from fastapi import APIRouter, Request, Response

from cloud.control import etags, paging, problems
from cloud.control.access import Operator, Viewer
from cloud.control.devices.models import DeviceName
from cloud.control.remote.models import (
    ConfigurationView,
    Document,
    Group,
    GroupChange,
    GroupConfiguration,
    GroupName,
    GroupPage,
    GroupRequest,
    MemberPage,
    Members,
    MembersChanged,
)
from cloud.control.remote.services import Remote
from cloud.control.services import Services

router = APIRouter(tags=["configuration"])

_OF_DEVICE = "/v1/devices/{name}/configuration"
_GROUP = "/v1/groups/{group}"


def _remote(request: Request) -> Remote:
    return cast("Services", request.app.state.services).remote


@router.get(
    _OF_DEVICE,
    summary="What a device should do, against what it says that it does",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def get_configuration(
    request: Request, response: Response, _: Viewer, name: DeviceName
) -> ConfigurationView:
    """Return desired against reported."""
    found = await _remote(request).configurations.get(name)
    etags.tag(response, found.version)
    return found


@router.put(
    _OF_DEVICE,
    summary="Say what a device itself should do; its groups' documents lie below",
    responses=problems.answers(401, 403, 404, 409, 412, 422, 428, 503),
)
async def put_configuration(  # noqa: PLR0917 -- each is a parameter of the route
    request: Request,
    response: Response,
    principal: Operator,
    name: DeviceName,
    document: Document,
    seen: etags.IfMatch,
) -> ConfigurationView:
    """Put its document in the place of the one that was seen."""
    found = await _remote(request).configurations.put(name, document.sources, seen, principal)
    etags.tag(response, found.version)
    return found


@router.get(
    "/v1/groups", summary="List groups, by name", responses=problems.answers(401, 403, 422, 503)
)
async def list_groups(
    request: Request, _: Viewer, limit: paging.Limit = 100, cursor: paging.Cursor = None
) -> GroupPage:
    """List groups."""
    keys = paging.keys(cursor, str)
    items = await _remote(request).groups.page(_after(keys), limit + 1)
    more = paging.cursor(items[limit - 1].name) if len(items) > limit else None
    return GroupPage(items=items[:limit], next=more)


@router.post(
    "/v1/groups",
    status_code=201,
    summary="Make a group",
    responses=problems.answers(401, 403, 409, 422, 503),
)
async def make_group(
    request: Request, response: Response, principal: Operator, asked: GroupRequest
) -> Group:
    """Make a group, without devices and saying nothing yet."""
    made = await _remote(request).groups.make(asked, principal)
    etags.tag(response, made.version)
    response.headers["Location"] = f"/v1/groups/{made.name}"
    return made


@router.get(_GROUP, summary="One group", responses=problems.answers(401, 403, 404, 422, 503))
async def get_group(request: Request, response: Response, _: Viewer, group: GroupName) -> Group:
    """Return a group."""
    found = await _remote(request).groups.get(group)
    etags.tag(response, found.version)
    return found


@router.put(
    _GROUP,
    summary="Change a group's label and priority",
    responses=problems.answers(401, 403, 404, 412, 422, 428, 503),
)
async def change_group(  # noqa: PLR0917 -- each is a parameter of the route
    request: Request,
    response: Response,
    principal: Operator,
    group: GroupName,
    change: GroupChange,
    seen: etags.IfMatch,
) -> Group:
    """Change it; another priority may change what its devices are told."""
    changed = await _remote(request).groups.change(group, change, seen, principal)
    etags.tag(response, changed.version)
    return changed


@router.delete(
    _GROUP,
    status_code=204,
    summary="Delete a group; its devices go on without what it says",
    responses=problems.answers(401, 403, 404, 412, 422, 428, 503),
)
async def delete_group(
    request: Request, principal: Operator, group: GroupName, seen: etags.IfMatch
) -> None:
    """Delete it."""
    await _remote(request).groups.delete(group, seen, principal)


@router.get(
    f"{_GROUP}/members",
    summary="A group's devices, by name",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def list_members(
    request: Request,
    _: Viewer,
    group: GroupName,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> MemberPage:
    """List its devices."""
    keys = paging.keys(cursor, str)
    items = await _remote(request).groups.members(group, _after(keys), limit + 1)
    more = paging.cursor(items[limit - 1]) if len(items) > limit else None
    return MemberPage(items=items[:limit], next=more)


@router.post(
    f"{_GROUP}/members",
    summary="Put devices into a group, and take devices out of it",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def change_members(
    request: Request, principal: Operator, group: GroupName, members: Members
) -> MembersChanged:
    """Do both, or nothing. What is so already stays so."""
    added, removed = await _remote(request).groups.move(
        group, members.add, members.remove, principal
    )
    return MembersChanged(added=added, removed=removed)


@router.get(
    f"{_GROUP}/configuration",
    summary="What the devices of a group should do, and how many do",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def get_group_configuration(
    request: Request, response: Response, _: Viewer, group: GroupName
) -> GroupConfiguration:
    """Return a group's document."""
    found = await _remote(request).groups.configuration(group)
    etags.tag(response, found.version)
    return found


@router.put(
    f"{_GROUP}/configuration",
    summary="Say what the devices of a group should do",
    responses=problems.answers(401, 403, 404, 412, 422, 428, 503),
)
async def put_group_configuration(  # noqa: PLR0917 -- each is a parameter of the route
    request: Request,
    response: Response,
    principal: Operator,
    group: GroupName,
    document: Document,
    seen: etags.IfMatch,
) -> GroupConfiguration:
    """Put its document in the place of the one that was seen."""
    found = await _remote(request).groups.configure(group, document.sources, seen, principal)
    etags.tag(response, found.version)
    return found


def _after(keys: tuple[str, ...] | None) -> str | None:
    # PostgreSQL's texts hold no NUL; no name does either.
    return None if keys is None else keys[0].replace("\x00", "\ufffd")
