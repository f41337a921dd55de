"""The registry in PostgreSQL: SQL, nothing else."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from cloud.control.devices.models import Described, NewDevice
from cloud.stack.accounts import Account

Connection = AsyncConnection[DictRow]
Row = dict[str, Any]

GRACE = timedelta(days=30)
"""So long a revoked device can be restored; afterwards it is gone."""
TOKEN_LIFE = timedelta(minutes=15)


def expiry_of_new_token() -> datetime:
    """Say until when a token that is drawn now can be used."""
    return datetime.now(UTC) + TOKEN_LIFE


_DEVICE = """
SELECT c.device AS name, c.kind, c.label, c.site, c.latitude, c.longitude, c.state, c.reason,
       c.created, c.enrolled, c.revoked,
       CASE WHEN c.state = 'revoked' THEN c.revoked + %(grace)s::interval END AS restorable_until,
       coalesce(t.status, s.status, 'unknown') AS status,
       coalesce(t.reason, s.reason, '') AS status_reason,
       s.last_seen, s.agent_version, c.version
FROM control.device AS c LEFT JOIN storage.device AS s USING (device)
LEFT JOIN control.device_status AS t USING (device)
"""

_PAGE = f"""{_DEVICE}
WHERE (%(after)s::text IS NULL OR c.device > %(after)s)
  AND (%(state)s::text IS NULL OR c.state = %(state)s)
  AND (%(kind)s::text IS NULL OR c.kind = %(kind)s)
  AND (%(site)s::text IS NULL OR c.site = %(site)s)
  AND (%(words)s::text IS NULL
       OR position(lower(%(words)s) IN lower(c.device || ' ' || c.label || ' ' || c.site)) > 0)
ORDER BY c.device LIMIT %(limit)s
"""


async def page(
    connection: Connection,
    *,
    after: str | None,
    limit: int,
    state: str | None,
    kind: str | None,
    site: str | None,
    words: str | None,
) -> list[Row]:
    """Return the devices after a name, in order of their names."""
    found = await connection.execute(
        _PAGE,
        {
            "grace": GRACE, "after": after, "limit": limit, "state": state, "kind": kind,
            "site": site, "words": words,
        },
    )  # fmt: skip
    return await found.fetchall()


async def get(connection: Connection, device: str) -> Row | None:
    """Return a device as it is listed."""
    found = await connection.execute(
        f"{_DEVICE} WHERE c.device = %(device)s", {"grace": GRACE, "device": device}
    )
    return await found.fetchone()


async def lock(connection: Connection, device: str) -> Row | None:
    """Return a device as it is, and whether it can be restored; nobody else changes it now."""
    found = await connection.execute(
        "SELECT device AS name, kind, state, version, label, site, latitude, longitude, "
        "revoked IS NOT NULL AND revoked + %s::interval > now() AS restorable "
        "FROM control.device WHERE device = %s FOR UPDATE",
        (GRACE, device),
    )
    return await found.fetchone()


async def taken(connection: Connection, names: Sequence[str]) -> set[str]:
    """Return which of the names are those of devices already, of the past too."""
    found = await connection.execute(
        "SELECT device FROM control.device WHERE device = ANY(%s)", (list(names),)
    )
    return {row["device"] for row in await found.fetchall()}


async def register(connection: Connection, devices: Sequence[NewDevice]) -> None:
    """Add devices. The stream's table knows them too, so that they are shown before they send."""
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO control.device (device, kind, label, site, latitude, longitude) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [(one.name, one.kind, one.label, one.site, one.latitude, one.longitude)
             for one in devices],
        )  # fmt: skip
    await _show(connection, [one.name for one in devices])


async def describe(connection: Connection, device: str, described: Described) -> None:
    """Change what people say of a device."""
    await connection.execute(
        "UPDATE control.device SET label = %s, site = %s, latitude = %s, longitude = %s, "
        "version = version + 1 WHERE device = %s",
        (described.label, described.site, described.latitude, described.longitude, device),
    )


async def enrolled(connection: Connection, device: str) -> None:
    """A device has a credential."""
    await connection.execute(
        "UPDATE control.device SET state = 'enrolled', enrolled = now(), revoked = NULL, "
        "reason = '', version = version + 1 WHERE device = %s",
        (device,),
    )


async def revoke(connection: Connection, device: str, reason: str) -> None:
    """A device may not log in; its credentials are kept."""
    await connection.execute(
        "UPDATE control.device SET state = 'revoked', revoked = now(), reason = %s, "
        "version = version + 1 WHERE device = %s",
        (reason, device),
    )
    await forget_tokens(connection, device)


async def restore(connection: Connection, device: str, state: str) -> None:
    """A revoked device is again what it was."""
    await connection.execute(
        "UPDATE control.device SET state = %s, revoked = NULL, reason = '', "
        "version = version + 1 WHERE device = %s",
        (state, device),
    )


async def end(connection: Connection, device: str) -> None:
    """A device is gone for good; its history stays."""
    await withdraw(connection, device)
    await forget_tokens(connection, device)
    await connection.execute(
        "UPDATE control.device SET state = 'gone', version = version + 1 WHERE device = %s",
        (device,),
    )


async def delete(connection: Connection, device: str) -> None:
    """Delete a device that never had a credential."""
    await connection.execute("DELETE FROM control.device WHERE device = %s", (device,))


async def past_grace(connection: Connection) -> list[str]:
    """Name the revoked devices whose time is over."""
    found = await connection.execute(
        "SELECT device FROM control.device "
        "WHERE state = 'revoked' AND revoked + %s::interval <= now() FOR UPDATE SKIP LOCKED",
        (GRACE,),
    )
    return [row["device"] for row in await found.fetchall()]


async def credentials(connection: Connection, device: str) -> list[Row]:
    """Return a device's credentials without secrets, the newest first."""
    found = await connection.execute(
        "SELECT username, "
        "CASE WHEN password IS NULL THEN 'certificate' ELSE 'password' END AS kind, "
        "created, withdrawn FROM control.credential WHERE device = %s ORDER BY id DESC",
        (device,),
    )
    return await found.fetchall()


async def add_certificate(  # noqa: PLR0917 -- in the order of the columns
    connection: Connection,
    device: str,
    username: str,
    certificate: str,
    public_key: bytes,
    edition: str,
) -> int:
    """Add a credential; returns its number."""
    found = await connection.execute(
        "INSERT INTO control.credential (device, username, certificate, public_key, authority) "
        "VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (device, username, certificate, public_key, edition),
    )
    row = await found.fetchone()
    assert row is not None
    return int(row["id"])


async def add_password(connection: Connection, account: Account) -> None:
    """Add a password credential."""
    await connection.execute(
        "INSERT INTO control.credential (device, username, salt, password, iterations) "
        "VALUES (%s, %s, %s, %s, %s)",
        (account.role, account.username, account.salt, account.password, account.iterations),
    )


async def withdraw(connection: Connection, device: str, keep: int | None = None) -> list[str]:
    """Withdraw a device's credentials but one; returns their user names."""
    found = await connection.execute(
        "UPDATE control.credential SET withdrawn = now() "
        "WHERE device = %s AND withdrawn IS NULL AND id IS DISTINCT FROM %s RETURNING username",
        (device, keep),
    )
    return [row["username"] for row in await found.fetchall()]


async def add_tokens(
    connection: Connection, tokens: Iterable[tuple[bytes, str]], person: str
) -> None:
    """Keep one-time tokens (hash, device); earlier ones of the device are void."""
    listed = list(tokens)
    await connection.execute(
        "DELETE FROM control.enrolment "
        "WHERE (device = ANY(%s) AND used IS NULL) OR expires < now() - interval '1 day'",
        ([device for _, device in listed],),
    )
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO control.enrolment (hash, device, person, expires) "
            "VALUES (%s, %s, %s, now() + %s)",
            [(hashed, device, person, TOKEN_LIFE) for hashed, device in listed],
        )


async def forget_tokens(connection: Connection, device: str) -> None:
    """Make a device's unused tokens void."""
    await connection.execute(
        "DELETE FROM control.enrolment WHERE device = %s AND used IS NULL", (device,)
    )


async def invited(connection: Connection, hashed: bytes) -> str | None:
    """Return whose token this is, used or not; None if there is none that lasts."""
    found = await connection.execute(
        "SELECT device FROM control.enrolment WHERE hash = %s AND expires > now()", (hashed,)
    )
    row = await found.fetchone()
    return None if row is None else str(row["device"])


async def use_token(connection: Connection, hashed: bytes) -> bool:
    """Use a token, if it is good and was not used. One of many succeeds.

    PostgreSQL lets one writer of the row go on; the others wait, and then see that it was used.
    """
    found = await connection.execute(
        "UPDATE control.enrolment SET used = now() "
        "WHERE hash = %s AND used IS NULL AND expires > now()",
        (hashed,),
    )
    return found.rowcount == 1


async def used_for(connection: Connection, hashed: bytes, credential: int) -> None:
    """Note what a token has become."""
    await connection.execute(
        "UPDATE control.enrolment SET credential = %s WHERE hash = %s", (credential, hashed)
    )


async def repeated(connection: Connection, hashed: bytes, public_key: bytes) -> Row | None:
    """Return what a used token has given, if the same key asks again while the token lasts."""
    found = await connection.execute(
        "SELECT c.device, c.username, c.certificate FROM control.enrolment AS e "
        "JOIN control.credential AS c ON c.id = e.credential "
        "JOIN control.device AS d ON d.device = c.device "
        "WHERE e.hash = %s AND e.expires > now() AND c.public_key = %s AND c.withdrawn IS NULL "
        "AND d.state = 'enrolled'",
        (hashed, public_key),
    )
    return await found.fetchone()


_ACCOUNTS = """
SELECT c.device, d.kind, d.state, c.username, c.salt, c.password, c.iterations,
       c.withdrawn IS NOT NULL AS withdrawn
FROM control.credential AS c JOIN control.device AS d USING (device)
"""


async def accounts_of(connection: Connection, device: str) -> list[Row]:
    """Return all credentials of a device, the withdrawn too."""
    found = await connection.execute(f"{_ACCOUNTS} WHERE device = %s ORDER BY c.id", (device,))
    return await found.fetchall()


async def accounts(connection: Connection) -> list[Row]:
    """Return every credential that is not withdrawn."""
    found = await connection.execute(f"{_ACCOUNTS} WHERE c.withdrawn IS NULL")
    return await found.fetchall()


async def usernames(connection: Connection, among: Sequence[str]) -> set[str]:
    """Return which user names are or were some device's credential."""
    found = await connection.execute(
        "SELECT DISTINCT username FROM control.credential WHERE username = ANY(%s)", (list(among),)
    )
    return {row["username"] for row in await found.fetchall()}


async def adopt(connection: Connection, account: Account) -> bool:
    """Take an account that was made without the registry into it, unless its device was revoked."""
    kind = "foreign" if account.kind == "foreign" else "agent"
    await connection.execute(
        "INSERT INTO control.device (device, kind, state, enrolled) "
        "VALUES (%s, %s, 'enrolled', now()) ON CONFLICT DO NOTHING",
        (account.role, kind),
    )
    added = await connection.execute(
        "INSERT INTO control.credential "
        "(device, username, certificate, salt, password, iterations) "
        "SELECT device, %(username)s, %(certificate)s, %(salt)s, %(password)s, %(iterations)s "
        "FROM control.device WHERE device = %(device)s AND state IN ('registered', 'enrolled') "
        "ON CONFLICT DO NOTHING",
        {
            "device": account.role,
            "username": account.username,
            # The broker believes the certificate, whether we have a copy or not.
            "certificate": None if account.password else "",
            "salt": account.salt or None,
            "password": account.password or None,
            "iterations": account.iterations if account.password else None,
        },
    )
    if not added.rowcount:
        return False
    await connection.execute(
        "UPDATE control.device SET state = 'enrolled', enrolled = coalesce(enrolled, now()) "
        "WHERE device = %s",
        (account.role,),
    )
    await _show(connection, [account.role])
    return True


async def _show(connection: Connection, devices: Sequence[str]) -> None:
    await connection.execute(
        "INSERT INTO storage.device (device) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
        (list(devices),),
    )
