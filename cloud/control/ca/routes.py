"""`/v1/ca`: the CA that devices, broker, API and panels trust, and its rotation."""

from fastapi import APIRouter, Request

from cloud.control import problems
from cloud.control.access import Admin, Viewer
from cloud.control.ca.models import Ca, Completion
from cloud.control.ca.rotation import Rotation
from cloud.control.services import Services

router = APIRouter(tags=["system"])


def _rotation(request: Request) -> Rotation:
    services: Services = request.app.state.services
    return services.rotation


@router.get(
    "/v1/ca",
    summary="Look at the CA, and how far its rotation is",
    responses=problems.answers(401, 403, 503),
)
async def get_ca(request: Request, _: Viewer) -> Ca:
    """Say which certificates are trusted, and which devices do not have them yet."""
    return await _rotation(request).look()


@router.post(
    "/v1/ca/rotation",
    status_code=202,
    summary="Begin to rotate the CA",
    responses=problems.answers(401, 403, 409, 503),
)
async def rotate(request: Request, principal: Admin) -> Ca:
    """Make a new CA, and have every device go over to it as it is there.

    Broker, bridge and API are started anew within seconds; devices keep their readings meanwhile.
    """
    await _rotation(request).begin(principal)
    return await _rotation(request).look()


@router.post(
    "/v1/ca/rotation/completion",
    status_code=202,
    summary="Finish to rotate the CA: the old one is trusted no more",
    responses=problems.answers(401, 403, 409, 422, 503),
)
async def finish(request: Request, principal: Admin, body: Completion) -> Ca:
    """Refuse while a device is left that is not named; those that are, are revoked.

    Broker, bridge and API are started anew within seconds. Then the devices are given a list of
    CAs without the old one, as they are there.
    """
    await _rotation(request).finish(body.leave, principal)
    return await _rotation(request).look()
