"""Commands in PostgreSQL: SQL, nothing else."""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import DictRow

Connection = AsyncConnection[DictRow]
Row = dict[str, Any]

_ONE = """
SELECT c.number, c.device, c.id, c.command, c.arguments, c.person, c.created, c.expires, c.state,
       c.since, c.result, c.error, t.status, t.reason, t.since AS status_since
FROM control.command AS c LEFT JOIN control.device_status AS t USING (device)
"""
_LAPSE = """
UPDATE control.command AS c SET since = now(),
    state = CASE WHEN state = 'queued' THEN 'expired' ELSE 'no answer' END
WHERE (state = 'queued' AND expires <= now())
   OR (state = 'queued'
       AND EXISTS (SELECT FROM control.device AS d WHERE d.device = c.device AND d.state = 'gone'))
   OR (state = 'sent' AND expires <= now() AND since <= now() - %s * interval '1 second')
RETURNING device, id, command, state
"""
# So long a device that comes back is asked what has become of what it did not answer.
_OPEN = """
SELECT number, device, id, command, arguments, expires, state FROM control.command
WHERE state IN ('queued', 'sent')
   OR (state = 'no answer' AND since > now() - interval '7 days')
ORDER BY number
"""
_ANSWER = """
UPDATE control.command SET state = %s, since = now(), result = %s, error = %s
WHERE device = %s AND id = %s AND state IN ('queued', 'sent', 'no answer')
RETURNING command
"""


async def device(connection: Connection, name: str) -> Row | None:
    """Return what matters of a device; nobody else gives it a command now."""
    found = await connection.execute(
        "SELECT d.kind, d.state, t.status, t.reason, t.since AS status_since "
        "FROM control.device AS d LEFT JOIN control.device_status AS t USING (device) "
        "WHERE d.device = %s FOR UPDATE OF d",
        (name,),
    )
    return await found.fetchone()


async def waiting(connection: Connection, device: str) -> int:
    """Count what a device has not answered."""
    found = await connection.execute(
        "SELECT count(*) AS n FROM control.command "
        "WHERE device = %s AND state IN ('queued', 'sent')",
        (device,),
    )
    row = await found.fetchone()
    assert row is not None
    return int(row["n"])


class New(NamedTuple):
    """A command that is given; `arguments` is JSON."""

    device: str
    identity: str
    command: str
    arguments: str
    person: str
    expires: datetime | None


async def add(connection: Connection, new: New) -> None:
    """Add a command that waits to be sent."""
    await connection.execute(
        "INSERT INTO control.command (device, id, command, arguments, person, expires) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        new,
    )


async def get(connection: Connection, device: str, identity: str) -> Row | None:
    """Return a command, and how its device does."""
    found = await connection.execute(
        f"{_ONE} WHERE c.device = %s AND c.id = %s", (device, identity)
    )
    return await found.fetchone()


async def page(connection: Connection, device: str, before: int | None, limit: int) -> list[Row]:
    """Return a device's commands, the newest first."""
    found = await connection.execute(
        f"{_ONE} WHERE c.device = %s AND (%s::bigint IS NULL OR c.number < %s) "
        "ORDER BY c.number DESC LIMIT %s",
        (device, before, before, limit),
    )
    return await found.fetchall()


async def withdraw(connection: Connection, device: str, identity: str) -> bool:
    """Take a command back, if it was not sent."""
    done = await connection.execute(
        "UPDATE control.command SET state = 'withdrawn', since = now() "
        "WHERE device = %s AND id = %s AND state = 'queued'",
        (device, identity),
    )
    return done.rowcount == 1


async def lapse(connection: Connection, patience_s: float) -> list[Row]:
    """End what has waited long enough; what was sent, `patience_s` after that at the earliest."""
    found = await connection.execute(_LAPSE, (patience_s,))
    return await found.fetchall()


async def open_ones(connection: Connection) -> list[Row]:
    """Return all that a device may still answer, in the order in which it was given."""
    return await (await connection.execute(_OPEN)).fetchall()


async def sending(connection: Connection, number: int) -> bool:
    """Note that a command is sent now; False if it was withdrawn or has expired meanwhile."""
    done = await connection.execute(
        "UPDATE control.command SET state = 'sent', since = now() "
        "WHERE number = %s AND state = 'queued'",
        (number,),
    )
    return done.rowcount == 1


async def unsent(connection: Connection, number: int) -> None:
    """Note that nobody heard it."""
    await connection.execute(
        "UPDATE control.command SET state = 'queued', since = now() "
        "WHERE number = %s AND state = 'sent'",
        (number,),
    )


async def answer(
    connection: Connection, device: str, identity: str, *, result: str | None, error: str, ok: bool
) -> str | None:
    """Keep a device's answer; returns which command it was, None if it was answered before."""
    state = "done" if ok else "refused"
    found = await connection.execute(_ANSWER, (state, result, error, device, identity))
    row = await found.fetchone()
    return None if row is None else str(row["command"])
