"""`/v1/sessions`, `/v1/users`, `/v1/invitations`, `/v1/pairings`, `/v1/tokens`."""

import logging
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from cloud.control import audit, etags, events, problems
from cloud.control.access import Admin, Viewer
from cloud.control.database import Connection, connected
from cloud.control.devices.addresses import local_only
from cloud.control.devices.codes import svg
from cloud.control.people import links, passwords, store
from cloud.control.people.models import (
    Acceptance,
    Invitation,
    Invited,
    Login,
    NewUser,
    Pairing,
    PairingCode,
    PairingFor,
    Session,
    Token,
    TokenList,
    User,
    UserChange,
    UserList,
    Whoever,
)
from cloud.control.people.throttle import Key
from cloud.control.principal import Principal, Role, digest
from cloud.control.problems import Problem, not_found
from cloud.control.services import Services

router = APIRouter(tags=["people"])

_log = logging.getLogger(__name__)

_SECRET = {"Cache-Control": "no-store"}
_Name = Annotated[str, Path(max_length=63, pattern=r"^[a-z][a-z0-9._-]*$")]
_Number = Annotated[int, Path(ge=1, le=2**62)]


@router.post(
    "/v1/sessions",
    status_code=201,
    summary="Log in",
    responses=problems.answers(401, 422, 429, 503),
)
async def log_in(request: Request, response: Response, login: Login) -> Session:
    """Trade a name and a password for a token."""
    services = _services(request)
    name = ("user", login.username)
    async with connected(services.pool) as connection:
        found = await store.password(connection, login.username, _address(request))
    # Who guesses at a name from elsewhere does not keep its owner out.
    here = _take_attempt(request, *(() if found and found["known"] else (name,)))
    # No connection is held while the password is hashed, which takes its time.
    if not await passwords.fits(found["password"] if found else None, login.password) or not found:
        # A name that is nobody's may be a password in the wrong field.
        _log.warning("a wrong login as %s from %s", login.username if found else "?", here[1])
        raise Problem(
            401,
            "wrong-login",
            "the name or the password is wrong",
            "try again, or ask an administrator for a new invitation",
        )
    services.guesses.forget(name)
    services.guesses.right(here)
    async with connected(services.pool) as connection:
        person = {**found, "username": login.username}
        return await _new_session(
            request, response, connection, person, login.client, "session.begin"
        )


@router.get(
    "/v1/sessions/current",
    summary="Who is asking",
    responses=problems.answers(401, 403, 503),
)
async def who(principal: Viewer) -> Whoever:
    """Say who is logged in by the token that is used, and what they may do."""
    return Whoever(username=principal.user, role=principal.role)


@router.delete(
    "/v1/sessions/current",
    status_code=204,
    summary="Log out",
    responses=problems.answers(401, 403, 409, 503),
)
async def log_out(connection: Connection, principal: Viewer) -> None:
    """End the token that is used."""
    if principal.token is None:
        raise Problem(
            409, "not-a-session", "this machine's own token cannot be logged out",
            "delete secrets/local-token in the data folder, and `fieldline up` draws another",
        )  # fmt: skip
    await store.revoke_token(connection, principal.token, None)
    await events.publish(connection, "token", str(principal.token), "ended")
    await audit.record(connection, principal, "session.end", f"token/{principal.token}")


@router.get("/v1/users", summary="List people", responses=problems.answers(401, 403, 503))
async def list_users(connection: Connection, _: Admin) -> UserList:
    """List people, by name."""
    return UserList(items=[User(**row) for row in await store.users(connection)])


@router.post(
    "/v1/users",
    status_code=201,
    summary="Invite somebody",
    responses=problems.answers(401, 403, 409, 422, 503),
)
async def invite(
    request: Request,
    response: Response,
    connection: Connection,
    principal: Admin,
    body: NewUser,
) -> Invited:
    """Make a user; the invitation lets them choose a password."""
    if not await store.add_user(connection, body.username, body.role):
        raise Problem(
            409, "name-taken", f"there is a user {body.username} already",
            "choose another name, or invite them anew: POST /v1/users/<name>/invitation",
        )  # fmt: skip
    row = await _user(connection, body.username)
    invitation = await _invitation(request, connection, row)
    await audit.record(
        connection, principal, "user.invite", f"user/{body.username}", after={"role": body.role}
    )
    await events.publish(connection, "user", body.username, "invited")
    response.headers.update({**_SECRET, "Location": f"/v1/users/{body.username}"})
    etags.tag(response, row["version"])
    return Invited(user=User(**row), invitation=invitation)


@router.get(
    "/v1/users/{username}", summary="One user", responses=problems.answers(401, 403, 404, 422, 503)
)
async def get_user(response: Response, connection: Connection, _: Admin, username: _Name) -> User:
    """Return one."""
    row = await _user(connection, username)
    etags.tag(response, row["version"])
    return User(**row)


@router.patch(
    "/v1/users/{username}",
    summary="Change somebody's role, or shut them out",
    responses=problems.answers(401, 403, 404, 409, 412, 422, 428, 503),
)
async def change_user(  # noqa: PLR0917 -- each is a parameter of the route
    response: Response,
    connection: Connection,
    principal: Admin,
    username: _Name,
    change: UserChange,
    seen: etags.IfMatch,
) -> User:
    """Change somebody; shut out, their tokens end at once."""
    before = await _user(connection, username, lock=True)
    etags.check(seen, before["version"])
    role = change.role or Role(before["role"])
    disabled = before["disabled"] if change.disabled is None else change.disabled
    if role is not Role.ADMIN or disabled:
        await _keep_an_admin(connection, before)
    await store.change_user(connection, before["id"], role, disabled=disabled)
    if disabled:
        await store.revoke_all(connection, before["id"])
    after = await _user(connection, username)
    await audit.record(
        connection, principal, "user.change", f"user/{username}",
        before={"role": before["role"], "disabled": before["disabled"]},
        after={"role": role, "disabled": disabled},
    )  # fmt: skip
    await events.publish(connection, "user", username, "changed")
    etags.tag(response, after["version"])
    return User(**after)


@router.delete(
    "/v1/users/{username}",
    status_code=204,
    summary="Remove somebody",
    responses=problems.answers(401, 403, 404, 409, 412, 422, 428, 503),
)
async def remove_user(
    connection: Connection, principal: Admin, username: _Name, seen: etags.IfMatch
) -> None:
    """Remove somebody with their tokens. What they did stays in the audit."""
    row = await _user(connection, username, lock=True)
    etags.check(seen, row["version"])
    await _keep_an_admin(connection, row)
    await store.remove_user(connection, row["id"])
    await audit.record(
        connection, principal, "user.remove", f"user/{username}", before={"role": row["role"]}
    )
    await events.publish(connection, "user", username, "removed")


@router.post(
    "/v1/users/{username}/invitation",
    status_code=201,
    summary="Invite somebody anew",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def invite_anew(
    request: Request, response: Response, connection: Connection, principal: Admin, username: _Name
) -> Invitation:
    """Give somebody a code to set another password; the old one works until then."""
    row = await _user(connection, username)
    invitation = await _invitation(request, connection, row)
    await audit.record(connection, principal, "user.invite", f"user/{username}")
    response.headers.update(_SECRET)
    return invitation


@router.post(
    "/v1/invitations/acceptance",
    status_code=201,
    summary="Accept an invitation: set a password and log in",
    responses=problems.answers(403, 422, 429, 503),
)
async def accept(request: Request, response: Response, body: Acceptance) -> Session:
    """Need no login: the code is one, and works once."""
    services = _services(request)
    here = _take_attempt(request)
    async with connected(services.pool) as connection:
        person = await store.owner_of(connection, "invitation", digest(body.code))
    if person is None:
        raise _bad_code("the invitation")
    services.guesses.right(here)
    if fault := passwords.fault(body.password, person["username"]):
        raise Problem(422, "weak-password", f"the password will not do: {fault}",
                      "choose a longer one, of several words for instance")  # fmt: skip
    kept = await passwords.hashed(body.password)
    async with connected(services.pool) as connection:
        if not await store.use_code(connection, digest(body.code)):
            raise _bad_code("the invitation")
        await store.set_password(connection, person["id"], kept)
        await store.revoke_all(connection, person["id"])
        await events.publish(connection, "user", person["username"], "changed")
        return await _new_session(
            request, response, connection, person, body.client, "invitation.accept"
        )


@router.post(
    "/v1/pairings",
    status_code=201,
    summary="Draw a code by which a panel logs in as oneself",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def pair(
    request: Request,
    response: Response,
    connection: Connection,
    principal: Viewer,
    body: PairingFor | None = None,
) -> Pairing:
    """Draw a code that works once, within five minutes."""
    named = body.username if body else None
    if named and named != principal.user and not principal.role.includes(Role.ADMIN):
        raise Problem(403, "not-allowed", "only an administrator pairs a panel for somebody else",
                      "leave `username` away to pair your own")  # fmt: skip
    if not named and principal.token is None:
        raise Problem(
            409, "not-a-person", "this machine's own token is nobody's that a panel could be",
            "name whose panel it is to be: `fieldline pair USERNAME`",
        )  # fmt: skip
    row = await _user(connection, named or principal.user)
    code = _short_code()
    expires = await store.add_code(connection, row["id"], "pairing", digest(code))
    await audit.record(connection, principal, "pairing.begin", f"user/{row['username']}")
    url, ca = _where(request)
    text = links.pairing(url, ca, code)
    response.headers.update(_SECRET)
    return Pairing(code=code, text=text, qr=svg(text), expires=expires, local_only=local_only(url))


@router.post(
    "/v1/pairings/redemption",
    status_code=201,
    summary="Trade a pairing's code for a token",
    responses=problems.answers(403, 422, 429, 503),
)
async def redeem(request: Request, response: Response, body: PairingCode) -> Session:
    """Need no login: the code is one, and works once."""
    services = _services(request)
    here = _take_attempt(request)
    code = digest(body.code.strip().upper())
    async with connected(services.pool) as connection:
        person = await store.owner_of(connection, "pairing", code)
        if person is None or not await store.use_code(connection, code):
            raise _bad_code("the pairing")
        services.guesses.right(here)
        return await _new_session(
            request, response, connection, person, body.client, "pairing.redeem"
        )


@router.get("/v1/tokens", summary="List clients", responses=problems.answers(401, 403, 422, 503))
async def list_tokens(
    connection: Connection,
    principal: Viewer,
    everybody: Annotated[bool, Query(alias="all", description="an administrator's only")] = False,
) -> TokenList:
    """List the clients that are logged in: one's own, or everybody's."""
    if everybody and not principal.role.includes(Role.ADMIN):
        raise Problem(403, "not-allowed", "only an administrator sees everybody's clients",
                      "leave `all` away to see your own")  # fmt: skip
    rows = await store.tokens(connection, None if everybody else principal.user)
    return TokenList(items=[Token(**row) for row in rows])


@router.delete(
    "/v1/tokens/{number}",
    status_code=204,
    summary="Log a client out",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def revoke_token(connection: Connection, principal: Viewer, number: _Number) -> None:
    """End one's own token; an administrator ends anybody's."""
    mine = None if principal.role.includes(Role.ADMIN) else principal.user
    ended = await store.revoke_token(connection, number, mine)
    if ended is None:
        raise not_found("token", number, "list the tokens first; it may be ended already")
    await events.publish(connection, "token", str(number), "ended")
    await audit.record(connection, principal, "token.revoke", f"token/{number}", before=dict(ended))


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _take_attempt(request: Request, *more: Key) -> Key:
    """Count an attempt, and raise 429 if it comes too early; return the caller's address."""
    guesses, here = _services(request).guesses, ("address", _address(request))
    if left := guesses.seconds_left(here, *more):
        raise Problem(
            429, "too-many-attempts", "too many attempts were wrong", f"wait {left:.0f} s",
            headers={"Retry-After": str(round(left) + 1)},
        )  # fmt: skip
    guesses.attempt(here, *more)
    return here


def _bad_code(what: str) -> Problem:
    return Problem(403, "bad-code", f"{what}'s code is not known, was used, or has expired",
                   "ask for another")  # fmt: skip


def _short_code() -> str:
    # 40 bits that people can type: no 0, O, 1, I. Guessing is throttled, and it lives 5 minutes.
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    drawn = "".join(secrets.choice(letters) for _ in range(8))
    return f"{drawn[:4]}-{drawn[4:]}"


async def _user(connection: Connection, username: str, *, lock: bool = False) -> dict[str, Any]:
    row = await store.user(connection, username, lock=lock)
    if row is None:
        raise not_found("user", username)
    return row


def _where(request: Request) -> tuple[str, str]:
    """Return the API's URL as whoever asks may use it, and its CA's fingerprint."""
    services = _services(request)
    url = services.settings.api.url or str(request.base_url).rstrip("/")
    return url, services.devices.authority.fingerprint


async def _invitation(request: Request, connection: Connection, row: dict[str, Any]) -> Invitation:
    code = f"fli_{secrets.token_urlsafe(24)}"
    expires = await store.add_code(connection, row["id"], "invitation", digest(code))
    url, ca = _where(request)
    return Invitation(
        username=row["username"],
        code=code,
        link=links.invitation(url, ca, code),
        expires=expires,
        local_only=local_only(url),
    )


async def _keep_an_admin(connection: Connection, row: dict[str, Any]) -> None:
    # One who was invited and has no password yet cannot come in, so is none to rely on.
    could = row["role"] == Role.ADMIN and row["has_password"] and not row["disabled"]
    if could and not await store.other_admins(connection, row["id"]):
        raise Problem(
            409, "last-administrator", f"{row['username']} is the only administrator",
            "make somebody else an administrator first",
        )  # fmt: skip


async def _new_session(  # noqa: PLR0917
    request: Request,
    response: Response,
    connection: Connection,
    person: dict[str, Any],
    client: str,
    action: str,
) -> Session:
    token = f"fl_{secrets.token_urlsafe(32)}"
    expires = await store.add_token(connection, person["id"], client, digest(token))
    role = Role(person["role"])
    who = Principal(
        person["username"], role, None, _address(request), request.scope.get("request_id", "")
    )
    await audit.record(
        connection, who, action, f"user/{person['username']}", after={"client": client}
    )
    response.headers.update(_SECRET)
    return Session(token=token, username=person["username"], role=role, expires=expires)
