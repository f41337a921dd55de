"""People, tokens and codes in PostgreSQL: SQL, nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from cloud.stack.accounts import Account, Kind

Connection = AsyncConnection[DictRow]
Row = dict[str, Any]

_LASTS = """
EXISTS (
    SELECT FROM control.token AS t JOIN control.person AS p ON p.id = t.person
    WHERE t.id = l.token AND NOT p.disabled
      AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > now())
)
"""

TOKEN_LIFE = timedelta(days=365)
LIVES = {"invitation": timedelta(days=3), "pairing": timedelta(minutes=5)}

_USER = """
SELECT id, username, role, disabled, password IS NOT NULL AS has_password, created, version
FROM control.person
"""


async def users(connection: Connection) -> list[Row]:
    """Return everybody, by name."""
    return await (await connection.execute(f"{_USER} ORDER BY username")).fetchall()


async def user(connection: Connection, username: str, *, lock: bool = False) -> Row | None:
    """Return one; with `lock` nobody else changes them meanwhile."""
    end = " FOR UPDATE" if lock else ""
    found = await connection.execute(f"{_USER} WHERE username = %s{end}", [username])
    return await found.fetchone()


async def password(connection: Connection, username: str, address: str) -> Row | None:
    """Return id, role and the kept password of somebody who may log in.

    `known`: they were logged in from this address before.
    """
    found = await connection.execute(
        "SELECT id, role, password, EXISTS (SELECT FROM control.token AS t "
        "WHERE t.person = p.id AND t.last_address = %s) AS known "
        "FROM control.person AS p WHERE username = %s AND NOT disabled",
        [address, username],
    )
    return await found.fetchone()


async def add_user(connection: Connection, username: str, role: str) -> bool:
    """Make somebody; false if the name is taken."""
    made = await connection.execute(
        "INSERT INTO control.person (username, role) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [username, role],
    )
    return made.rowcount == 1


async def change_user(connection: Connection, person: int, role: str, *, disabled: bool) -> None:
    """Set role and whether they may log in."""
    await connection.execute(
        "UPDATE control.person SET role = %s, disabled = %s, version = version + 1 WHERE id = %s",
        [role, disabled, person],
    )


async def remove_user(connection: Connection, person: int) -> None:
    """Take somebody away, with tokens and codes."""
    await connection.execute("DELETE FROM control.person WHERE id = %s", [person])


async def set_password(connection: Connection, person: int, kept: str) -> None:
    """Keep a password's hash."""
    await connection.execute(
        "UPDATE control.person SET password = %s, version = version + 1 WHERE id = %s",
        [kept, person],
    )


async def other_admins(connection: Connection, person: int) -> int:
    """Count the administrators who can log in, but for one; nobody becomes or ends one now."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('fieldline.admins'))")
    found = await connection.execute(
        "SELECT count(*) AS n FROM control.person "
        "WHERE role = 'admin' AND NOT disabled AND password IS NOT NULL AND id <> %s",
        [person],
    )
    row = await found.fetchone()
    return int(row["n"]) if row else 0


async def add_code(connection: Connection, person: int, purpose: str, hashed: bytes) -> datetime:
    """Keep a code's hash in place of those before it for the same; return when it ends."""
    expires = datetime.now(UTC) + LIVES[purpose]
    await connection.execute(
        "DELETE FROM control.code WHERE expires < now() OR person = %s AND purpose = %s",
        [person, purpose],
    )
    await connection.execute(
        "INSERT INTO control.code (hash, person, purpose, expires) VALUES (%s, %s, %s, %s)",
        [hashed, person, purpose, expires],
    )
    return expires


async def owner_of(connection: Connection, purpose: str, hashed: bytes) -> Row | None:
    """Return whose code it is, if it can still be used."""
    found = await connection.execute(
        "SELECT p.id, p.username, p.role FROM control.code AS c "
        "JOIN control.person AS p ON p.id = c.person "
        "WHERE c.hash = %s AND c.purpose = %s AND c.expires > now() AND NOT p.disabled",
        [hashed, purpose],
    )
    return await found.fetchone()


async def use_code(connection: Connection, hashed: bytes) -> bool:
    """Use a code up; false if somebody else did meanwhile."""
    used = await connection.execute("DELETE FROM control.code WHERE hash = %s", [hashed])
    return used.rowcount == 1


async def add_token(connection: Connection, person: int, client: str, hashed: bytes) -> datetime:
    """Keep a token's hash; return when it ends."""
    expires = datetime.now(UTC) + TOKEN_LIFE
    await connection.execute(
        "INSERT INTO control.token (person, hash, client, expires) VALUES (%s, %s, %s, %s)",
        [person, hashed, client, expires],
    )
    return expires


async def tokens(connection: Connection, username: str | None) -> list[Row]:
    """Return the tokens that work: of one, or of all."""
    found = await connection.execute(
        "SELECT t.id, p.username, t.client, t.created, t.expires, t.last_used, t.last_address "
        "FROM control.token AS t JOIN control.person AS p ON p.id = t.person "
        "WHERE t.revoked IS NULL AND (t.expires IS NULL OR t.expires > now()) "
        "AND (%(username)s::text IS NULL OR p.username = %(username)s) ORDER BY t.id DESC",
        {"username": username},
    )
    return await found.fetchall()


async def revoke_token(connection: Connection, number: int, username: str | None) -> Row | None:
    """End a token: of one person, or anybody's; return whose it was."""
    found = await connection.execute(
        "UPDATE control.token AS t SET revoked = now() FROM control.person AS p "
        "WHERE t.id = %(id)s AND p.id = t.person AND t.revoked IS NULL "
        "AND (%(username)s::text IS NULL OR p.username = %(username)s) "
        "RETURNING p.username, t.client",
        {"id": number, "username": username},
    )
    return await found.fetchone()


async def revoke_all(connection: Connection, person: int) -> None:
    """End all of somebody's tokens."""
    await connection.execute(
        "UPDATE control.token SET revoked = now() WHERE person = %s AND revoked IS NULL", [person]
    )


async def keep_live_login(connection: Connection, token: int, account: Account) -> str:
    """Keep a token's login at the broker; one that it has gets the password. Return its name."""
    kept = await connection.execute(
        "INSERT INTO control.live_login (token, username, salt, password, iterations) "
        "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (token) DO UPDATE SET "
        "(salt, password, iterations) = (EXCLUDED.salt, EXCLUDED.password, EXCLUDED.iterations) "
        "RETURNING username",
        [token, account.username, account.salt, account.password, account.iterations],
    )
    row = await kept.fetchone()
    assert row is not None
    return str(row["username"])


async def live_accounts(connection: Connection) -> list[Account]:
    """Return the accounts at the broker of panels whose token works."""
    found = await connection.execute(
        f"SELECT username, salt, password, iterations FROM control.live_login AS l WHERE {_LASTS}"
    )
    return [Account(kind=Kind.PANEL, **row) for row in await found.fetchall()]


async def ended_live_logins(connection: Connection) -> list[str]:
    """Return the names of those whose token has ended."""
    found = await connection.execute(
        f"SELECT username FROM control.live_login AS l WHERE NOT {_LASTS}"
    )
    return [str(row["username"]) for row in await found.fetchall()]


async def forget_live_logins(connection: Connection, usernames: list[str]) -> None:
    """Take logins away."""
    await connection.execute("DELETE FROM control.live_login WHERE username = ANY(%s)", [usernames])
