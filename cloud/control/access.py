"""Finds who asks by their token, and says whether they may."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cloud.control.database import connected
from cloud.control.principal import Principal, Role, digest
from cloud.control.problems import Problem

if TYPE_CHECKING:
    from cloud.control.services import Services

_bearer = HTTPBearer(auto_error=False, description="A token: `Authorization: Bearer fl_…`")

_FIND = """
SELECT t.id, p.username, p.role, t.last_used IS NULL OR t.last_used < now() - interval '1 minute'
    OR t.last_address IS DISTINCT FROM %(address)s AS stale
FROM control.token AS t JOIN control.person AS p ON p.id = t.person
WHERE t.hash = %(hash)s AND NOT p.disabled
  AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > now())
"""
_USED = "UPDATE control.token SET last_used = now(), last_address = %(address)s WHERE id = %(id)s"


async def _principal(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Principal:
    services: Services = request.app.state.services
    address = request.client.host if request.client else ""
    identity = request.scope.get("request_id", "")
    if credentials is None:
        raise _unauthorised("no token was given")
    hashed = digest(credentials.credentials)
    if hashed == services.local_token:
        return Principal("local", Role.ADMIN, None, address, identity)
    # A transaction of its own: a route that goes on for hours holds no connection.
    async with connected(services.pool) as connection:
        found = await connection.execute(_FIND, {"hash": hashed, "address": address})
        row = await found.fetchone()
        if row is None:
            raise _unauthorised("the token is not known, has expired or was revoked")
        if row["stale"]:
            await connection.execute(_USED, {"id": row["id"], "address": address})
    return Principal(row["username"], Role(row["role"]), row["id"], address, identity)


async def who_asks(request: Request) -> Principal:
    """Return who sent a request. Raises Problem 401 if nobody says so, 503."""
    return await _principal(request, await _bearer(request))


def _unauthorised(detail: str) -> Problem:
    return Problem(
        401,
        "not-logged-in",
        detail,
        "log in anew (POST /v1/sessions), or pair the panel again",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _at_least(role: Role) -> Callable[..., Awaitable[Principal]]:
    async def check(principal: Annotated[Principal, Depends(_principal)]) -> Principal:
        if not principal.role.includes(role):
            raise Problem(
                403,
                "not-allowed",
                f"{principal.user} is {principal.role} here; this needs {role}",
                "ask an administrator, or log in as one",
            )
        return principal

    return check


async def _viewer_or_here(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> None:
    host = request.client.host if request.client else ""
    if credentials is None and host in {"127.0.0.1", "::1"}:
        return
    await _principal(request, credentials)


ViewerOrHere = Annotated[None, Depends(_viewer_or_here)]
"""Also a program of this machine without a login, for what tells nothing of what was measured."""
Viewer = Annotated[Principal, Depends(_at_least(Role.VIEWER))]
Operator = Annotated[Principal, Depends(_at_least(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(_at_least(Role.ADMIN))]
