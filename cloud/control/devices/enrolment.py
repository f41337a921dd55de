"""`/v1/enrolment`: a device trades its one-time token for a certificate."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from cloud.control import problems
from cloud.control.ca.authority import RequestRefused, read_request
from cloud.control.devices.addresses import broker_host
from cloud.control.devices.models import Enrolled, EnrolmentRequest
from cloud.control.principal import Principal, Role
from cloud.control.problems import Problem
from cloud.control.services import Services

router = APIRouter(tags=["devices"])


@router.get(
    "/v1/enrolment/ca",
    summary="The CA's certificate, to be compared with the fingerprint of the code",
    response_class=PlainTextResponse,
    responses={200: {"content": {"application/x-pem-file": {}}}, **problems.answers(429, 503)},
)
async def ca(request: Request) -> Response:
    """Need no login, and no trust: who asks knows its SHA-256 and believes nothing before."""
    services: Services = request.app.state.services
    return Response(services.devices.authority.pem, media_type="application/x-pem-file")


@router.post(
    "/v1/enrolment",
    summary="Trade a one-time token for a certificate",
    responses=problems.answers(403, 409, 422, 429, 503),
)
async def enrol(request: Request, response: Response, body: EnrolmentRequest) -> Enrolled:
    """Need no login: the token is one. The same token with the same key gives the same answer,
    while it lasts, so that an answer lost on the way costs nothing."""
    services: Services = request.app.state.services
    port = services.settings.mqtt.devices_port
    if port is None:
        raise Problem(
            409,
            "no-listener-for-devices",
            "the broker is not this stack's, and takes no certificates of it",
            "make an account at the broker, and name it in agent.toml",
        )
    address = request.client.host if request.client else ""
    if left := services.throttle.seconds_left(address):
        raise Problem(
            429,
            "too-many-wrong-tokens",
            f"too many wrong tokens came from {address}",
            f"wait {left:.0f} s",
            headers={"Retry-After": str(round(left) + 1)},
        )
    try:
        asked = read_request(body.request)
    except RequestRefused as error:
        raise Problem(
            422, "bad-request", f"request: {error}", "`fieldline-agent enrol` makes a sound one"
        ) from None
    # What the audit knows of who asks; who it is, the token says.
    principal = Principal("", Role.VIEWER, None, address, request.scope.get("request_id", ""))
    try:
        identity = await services.devices.enrol(body.token, asked, principal)
    except Problem as problem:
        if problem.kind == "bad-token":
            services.throttle.wrong(address)
        raise
    response.headers["Cache-Control"] = "no-store"
    return Enrolled(
        device=identity.device,
        username=identity.username,
        certificate=identity.certificate,
        ca=services.devices.authority.pem,
        host=broker_host(request, services),
        port=port,
    )
