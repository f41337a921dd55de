"""`/v1/live`: how a panel hears devices at the broker."""

from fastapi import APIRouter, Request, Response

from cloud.control import problems
from cloud.control.access import Viewer
from cloud.control.devices import addresses
from cloud.control.errors import BrokerAway
from cloud.control.people.models import LiveLogin
from cloud.control.problems import Problem
from cloud.control.services import Services
from cloud.stack import accounts

router = APIRouter(tags=["people"])


@router.post(
    "/v1/live",
    status_code=201,
    summary="Draw a login at the broker for live readings",
    responses=problems.answers(401, 403, 409, 503),
)
async def live(request: Request, response: Response, principal: Viewer) -> LiveLogin:
    """Give this client's login another password; it ends when the client is logged out."""
    services: Services = request.app.state.services
    try:
        username, password = await services.live.draw(principal)
    except BrokerAway as error:
        raise Problem(
            503, "broker-away", f"no login can be made now: {error}",
            "try again in some seconds; `/v1/pipeline` says how the broker does",
            headers={"Retry-After": "3"},
        ) from error  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return LiveLogin(
        host=addresses.broker_host(request, services),
        port=services.settings.mqtt.port,
        ca=services.devices.authority.pem,
        username=username,
        password=password,
        topics=accounts.HEARD_BY_PANELS,
    )
