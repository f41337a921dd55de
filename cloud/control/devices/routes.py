"""`/v1/devices`: the registry."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from cloud.control import etags, paging, problems
from cloud.control.access import Admin, Viewer
from cloud.control.database import Connection
from cloud.control.devices import codes, store, tables
from cloud.control.devices.addresses import api_url, local_only, login
from cloud.control.devices.models import (
    Described,
    Device,
    DeviceDetails,
    DeviceName,
    DevicePage,
    EnrolmentToken,
    Imported,
    Kind,
    Login,
    NewDevice,
    Reason,
    Registered,
    Revoked,
    Rotated,
    State,
)
from cloud.control.problems import Problem, not_found
from cloud.control.services import Services

router = APIRouter(tags=["devices"])

_ONE = "/v1/devices/{name}"
_SECRET = {"Cache-Control": "no-store"}


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


@router.get(
    "/v1/devices",
    summary="List devices, by name, with how each was seen last",
    response_model=DevicePage,
    responses=problems.answers(401, 403, 422, 503),
)
async def list_devices(  # noqa: PLR0917 -- each is a parameter of the route
    connection: Connection,
    _: Viewer,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
    state: State | None = None,
    kind: Kind | None = None,
    site: Annotated[str | None, Query(max_length=128)] = None,
    words: Annotated[
        str | None, Query(max_length=128, description="in name, label or site; case is ignored")
    ] = None,
) -> Response:
    """List devices."""
    seen = paging.keys(cursor, str)
    rows = await store.page(
        connection,
        after=seen[0] if seen else None,
        limit=limit + 1,
        state=state,
        kind=kind,
        site=_text(site),
        words=_text(words),
    )
    more = paging.cursor(rows[limit - 1]["name"]) if len(rows) > limit else None
    # The rows have the model's form already; to check each again would take longer than to list.
    page = msgspec.json.encode({"items": rows[:limit], "next": more})
    return Response(page, media_type="application/json")


@router.post(
    "/v1/devices",
    status_code=201,
    summary="Register a device",
    responses=problems.answers(401, 403, 409, 422, 503),
)
async def register(
    request: Request, response: Response, principal: Admin, device: NewDevice
) -> Registered:
    """Register a device. A foreign one can send at once; an agent enrols with a token."""
    services = _services(request)
    passwords, _ = await services.devices.register([device], principal)
    response.headers.update({**_SECRET, "Location": f"/v1/devices/{device.name}"})
    row = await _get(services, device.name)
    etags.tag(response, row["version"])
    return Registered(
        device=Device(**row),
        login=login(request, services, device.name, passwords[device.name]) if passwords else None,
    )


@router.post(
    "/v1/device-imports",
    status_code=201,
    summary="Register devices from a table, all or none",
    responses=problems.answers(401, 403, 409, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": "name,site\npi-7,Hall 2\n"}
            },
        }
    },
    response_model=Imported,
)
async def import_devices(
    request: Request,
    principal: Admin,
    tokens: Annotated[bool, Query(description="draw a one-time token for each agent")] = False,
) -> Response:
    """Register the devices of a CSV table (UTF-8; the first line names the columns)."""
    services = _services(request)
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError:
        raise _faulty([tables.Fault(1, "it is not UTF-8")]) from None
    devices, faults = tables.read(text)
    if not faults:
        async with services.pool.connection() as connection:
            taken = await store.taken(connection, [device.name for _, device in devices])
        faults = [
            tables.Fault(line, f"there is a device {device.name} already")
            for line, device in devices
            if device.name in taken
        ]
    if faults:
        raise _faulty(faults)
    passwords, drawn = await services.devices.register(
        [device for _, device in devices], principal, tokens=tokens
    )
    # Written out one by one: thousands at once would take, and fragment, much memory.
    answer = msgspec.json.encode(
        {
            "registered": len(devices),
            "tokens": [
                msgspec.Raw(_token(request, name, token, drawn=False).model_dump_json().encode())
                for name, token in drawn.items()
            ],
            "logins": [
                msgspec.Raw(login(request, services, name, word).model_dump_json().encode())
                for name, word in passwords.items()
            ],
        }
    )
    return Response(answer, 201, _SECRET, "application/json")


@router.get(_ONE, summary="One device", responses=problems.answers(401, 403, 404, 422, 503))
async def get_device(
    response: Response, connection: Connection, _: Viewer, name: DeviceName
) -> DeviceDetails:
    """Return a device with the names of its credentials."""
    row = await store.get(connection, name)
    if row is None:
        raise not_found("device", name)
    etags.tag(response, row["version"])
    return DeviceDetails(**row, credentials=await store.credentials(connection, name))  # type: ignore[arg-type]


@router.put(
    _ONE,
    summary="Change label and place; name and history stay",
    responses=problems.answers(401, 403, 404, 412, 422, 428, 503),
)
async def describe(  # noqa: PLR0917 -- each is a parameter of the route
    request: Request,
    response: Response,
    principal: Admin,
    name: DeviceName,
    described: Described,
    seen: etags.IfMatch,
) -> Device:
    """Describe a device anew."""
    row = await _services(request).devices.describe(name, described, seen, principal)
    etags.tag(response, row["version"])
    return Device(**row)


@router.delete(
    _ONE,
    status_code=204,
    summary="Take a device that is not enrolled, or revoked, out of the registry for good",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def end(request: Request, principal: Admin, name: DeviceName) -> None:
    """Take it out. Its history stays; its name is free again only if it was never enrolled."""
    await _services(request).devices.end(name, principal)


@router.post(
    f"{_ONE}/enrolment",
    status_code=201,
    summary="Draw a one-time token for a registered device",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def invite(
    request: Request, response: Response, principal: Admin, name: DeviceName
) -> EnrolmentToken:
    """Draw a token of 15 minutes; an earlier one of this device is void."""
    response.headers.update(_SECRET)
    token = await _services(request).devices.invite(name, principal, replace=False)
    return _token(request, name, token)


@router.post(
    f"{_ONE}/replacement",
    status_code=201,
    summary="Draw a one-time token for another device that takes this one's place",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def replace(
    request: Request, response: Response, principal: Admin, name: DeviceName
) -> EnrolmentToken:
    """Draw a token; who enrols with it goes on with the series, and the old key ends then."""
    response.headers.update(_SECRET)
    token = await _services(request).devices.invite(name, principal, replace=True)
    return _token(request, name, token)


@router.post(
    f"{_ONE}/revocation",
    summary="Shut a device out at once",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def revoke(request: Request, principal: Admin, name: DeviceName, reason: Reason) -> Revoked:
    """Tell it, cut it off, and keep what it takes to restore it for 30 days."""
    row, told, cut_off = await _services(request).devices.revoke(name, reason.reason, principal)
    return Revoked(device=Device(**row), told=told, cut_off=cut_off)


@router.delete(
    f"{_ONE}/revocation",
    summary="Restore a revoked device",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def restore(request: Request, principal: Admin, name: DeviceName) -> Device:
    """Let it in again with the key or password that it has."""
    return Device(**await _services(request).devices.restore(name, principal))


@router.post(
    f"{_ONE}/password",
    summary="Give a foreign device another password",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def new_password(
    request: Request, response: Response, principal: Admin, name: DeviceName
) -> Login:
    """Show the new one once; the old one ends now."""
    services = _services(request)
    response.headers.update(_SECRET)
    return login(request, services, name, await services.devices.new_password(name, principal))


@router.post(
    f"{_ONE}/rotation",
    summary="Have a device make a new key and go over to it",
    responses=problems.answers(401, 403, 404, 409, 422, 502, 503, 504),
)
async def rotate(request: Request, principal: Admin, name: DeviceName) -> Rotated:
    """Wait for the device to confirm; until then both keys log in."""
    username, withdrawn = await _services(request).devices.rotate(name, principal)
    return Rotated(device=name, username=username, withdrawn=withdrawn)


async def _get(services: Services, name: str) -> dict[str, Any]:
    async with services.pool.connection() as connection:
        row = await store.get(connection, name)
    if row is None:
        raise not_found("device", name)
    return row


def _token(request: Request, name: str, token: str, *, drawn: bool = True) -> EnrolmentToken:
    services = _services(request)
    url = api_url(request, services)
    text = services.devices.code(url, token)
    return EnrolmentToken(
        device=name,
        token=token,
        text=text,
        svg=codes.svg(text) if drawn else "",
        local_only=local_only(url),
        expires=store.expiry_of_new_token(),
    )


def _faulty(faults: list[tables.Fault]) -> Problem:
    first = f"line {faults[0].line}: {faults[0].what}"
    more = f", and {len(faults) - 1} more" if faults[1:] else ""
    return Problem(
        422,
        "faulty-table",
        first + more,
        "mend what `faults` names and send the whole table again; no device was registered",
        faults=[{"line": fault.line, "what": fault.what} for fault in faults],
    )


def _text(text: str | None) -> str | None:
    # PostgreSQL's texts hold no NUL; no device's does either.
    return None if text is None else text.replace("\x00", "\ufffd")
