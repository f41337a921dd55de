"""`/v1/verifications`: prove that nothing that was stored is missing, doubled or wrong."""

from typing import Annotated, cast

from fastapi import APIRouter, Path, Request, Response

from cloud.control import audit, problems
from cloud.control.access import Operator, Viewer
from cloud.control.database import connected
from cloud.control.problems import not_found
from cloud.control.services import Services
from cloud.control.verification.models import Verification, VerificationPage
from cloud.control.verification.run import new_id

router = APIRouter(tags=["history"])

Identity = Annotated[str, Path(max_length=64)]


def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


@router.get(
    "/v1/verifications",
    summary="Proofs since the API is up",
    responses=problems.answers(401, 403, 503),
)
async def list_verifications(request: Request, _: Viewer) -> VerificationPage:
    """List the newest twenty, the newest first."""
    return VerificationPage(items=_services(request).verifications.newest_first, next=None)


@router.post(
    "/v1/verifications",
    status_code=202,
    summary="Prove that nothing is missing",
    responses=problems.answers(401, 403, 409, 503),
)
async def begin(request: Request, response: Response, principal: Operator) -> Verification:
    """Compare all that is stored, as `fieldline verify`; one at a time, in its own process."""
    services = _services(request)
    services.verifications.check_free()
    identity = new_id()
    async with connected(services.pool) as connection:
        await audit.record(connection, principal, "verification.begin", f"verification/{identity}")
    response.headers["Location"] = f"/v1/verifications/{identity}"
    return services.verifications.begin(identity, principal)


@router.get(
    "/v1/verifications/{id}",
    summary="How a proof goes, and what it found",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def one(request: Request, _: Viewer, id: Identity) -> Verification:  # noqa: A002 -- in the path
    """Return one; events of kind `verification` tell when to look."""
    found = _services(request).verifications.find(id)
    if found is None:
        raise not_found(
            "verification", id, "they are kept while the API runs; list them, or begin one"
        )
    return found
