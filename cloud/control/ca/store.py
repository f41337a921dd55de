"""Which devices have what the CA stands for now, in PostgreSQL."""

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

Connection = AsyncConnection[DictRow]

_LEFT = """
SELECT DISTINCT d.device, coalesce(t.status, 'unknown') AS status,
       coalesce(t.reason, '') AS reason
FROM control.credential AS c JOIN control.device AS d USING (device)
LEFT JOIN control.device_status AS t USING (device)
WHERE c.withdrawn IS NULL AND c.certificate IS NOT NULL
  AND c.authority IS DISTINCT FROM %s AND d.state = 'enrolled'
ORDER BY d.device
"""


async def write_down(connection: Connection, edition: str) -> None:
    """Say that certificates from before it was written down came with an edition."""
    await connection.execute(
        "UPDATE control.credential SET authority = %s "
        "WHERE authority IS NULL AND certificate IS NOT NULL",
        (edition,),
    )


async def left(connection: Connection, edition: str) -> list[dict[str, Any]]:
    """Return the devices whose certificates came with another edition."""
    return await (await connection.execute(_LEFT, (edition,))).fetchall()


async def counts(connection: Connection) -> dict[str, int]:
    """Count the devices that log in by a certificate, and those that do by a password."""
    found = await connection.execute(
        "SELECT count(DISTINCT c.device) FILTER (WHERE c.certificate IS NOT NULL) AS devices, "
        "count(DISTINCT c.device) FILTER (WHERE c.password IS NOT NULL) AS by_password "
        "FROM control.credential AS c JOIN control.device AS d USING (device) "
        "WHERE c.withdrawn IS NULL AND d.state = 'enrolled'"
    )
    row = await found.fetchone()
    assert row is not None
    return row


async def lock(connection: Connection) -> None:
    """Let nobody else change credentials until this transaction ends."""
    await connection.execute("LOCK TABLE control.credential IN SHARE ROW EXCLUSIVE MODE")


async def withdraw_others(connection: Connection, edition: str) -> int:
    """Withdraw the certificates of every other edition; returns how many."""
    done = await connection.execute(
        "UPDATE control.credential SET withdrawn = now() WHERE withdrawn IS NULL "
        "AND certificate IS NOT NULL AND authority IS DISTINCT FROM %s",
        (edition,),
    )
    return done.rowcount
