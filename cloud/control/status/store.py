"""Devices' states in PostgreSQL: SQL, nothing else."""

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import DictRow, tuple_row

from cloud.control.events import CHANNEL, Event

Connection = AsyncConnection[DictRow]

_MOST_EVENTS = 200

_ALL = """
SELECT s.device, c.state, extract(epoch FROM c.revoked)::float8, c.reason,
       extract(epoch FROM a.time)::float8, t.status, t.reason, t.usual::float8
FROM storage.device AS s
LEFT JOIN control.device AS c USING (device)
LEFT JOIN control.arrival AS a USING (device)
LEFT JOIN control.device_status AS t USING (device)
WHERE s.device <> 'fieldline-doctor'
"""
_KEEP = """
WITH new AS (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::float8[], %s::real[])
        AS n (device, status, reason, since, usual)
), before AS (
    SELECT n.device, t.status FROM new AS n LEFT JOIN control.device_status AS t USING (device)
), kept AS (
    INSERT INTO control.device_status AS t (device, status, reason, since, usual)
    SELECT device, status, reason, coalesce(to_timestamp(since), now()), usual FROM new
    ON CONFLICT (device) DO UPDATE SET
        status = excluded.status, reason = excluded.reason, usual = excluded.usual,
        since = CASE WHEN t.status = excluded.status THEN t.since ELSE excluded.since END
)
INSERT INTO control.status_history (device, status, reason, since)
SELECT n.device, n.status, n.reason, coalesce(to_timestamp(n.since), now())
FROM new AS n JOIN before AS b USING (device)
WHERE b.status IS DISTINCT FROM n.status
RETURNING device, status, reason
"""
_HISTORY = """
SELECT id, status, reason, since FROM control.status_history
WHERE device = %s AND (%s::bigint IS NULL OR id < %s) ORDER BY id DESC LIMIT %s
"""


async def devices(connection: Connection) -> list[tuple[Any, ...]]:
    """Return all devices: name, registration, revoked, why, arrival, status, reason, usual."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_ALL)
        return await cursor.fetchall()


async def keep(
    connection: Connection, changes: Sequence[tuple[str, str, str, float | None, float]]
) -> None:
    """Keep (device, status, reason, since, usual); what is another status is history, and told."""
    columns = [list(column) for column in zip(*changes, strict=True)]
    found = await connection.execute(_KEEP, columns)
    rows = await found.fetchall()
    events = [
        Event(
            "device", row["device"], "status",
            {"status": row["status"], "reason": row["reason"][:1000]},
        )
        for row in rows
    ]  # fmt: skip
    if len(events) > _MOST_EVENTS:  # more than anybody follows: they look anew
        events = [Event("device", "", "status of many", {"count": len(events)})]
    await connection.execute(
        "SELECT pg_notify(%s, said) FROM unnest(%s::text[]) AS said",
        (CHANNEL, [msgspec.json.encode(event).decode() for event in events]),
    )


async def known(connection: Connection, device: str) -> bool:
    """Say whether there is, or was, such a device."""
    found = await connection.execute(
        "SELECT 1 FROM storage.device WHERE device = %s "
        "UNION ALL SELECT 1 FROM control.device WHERE device = %s",
        (device, device),
    )
    return await found.fetchone() is not None


async def history(
    connection: Connection, device: str, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return a device's changes, the newest first."""
    found = await connection.execute(_HISTORY, (device, before, before, limit))
    return await found.fetchall()
