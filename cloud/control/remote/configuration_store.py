"""Desired configurations and groups in PostgreSQL: SQL, nothing else."""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

Connection = AsyncConnection[DictRow]
Row = dict[str, Any]

_LAYERS = """
SELECT d.device, d.state AS registration, coalesce(c.sources, '{}') AS own,
       coalesce(c.version, 0) AS version, coalesce(c.desired, '{}') AS desired,
       coalesce(c.number, 0) AS number, c.reported, c.heard, coalesce(c.state, 'in step') AS state,
       coalesce(c.reason, '') AS reason, c.since, t.status, t.since AS status_since,
       ARRAY(SELECT g.name
             FROM control.group_member AS m JOIN control.device_group AS g USING (name)
             WHERE m.device = d.device ORDER BY g.priority, g.name) AS groups
FROM control.device AS d LEFT JOIN control.device_configuration AS c USING (device)
LEFT JOIN control.device_status AS t USING (device)
"""
_KEEP = """
INSERT INTO control.device_configuration AS c
    (device, desired, number, decided, reported, heard, state, reason)
SELECT device, desired, number, now(), reported, now(), state, reason
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[])
    AS n (device, desired, number, reported, state, reason)
ON CONFLICT (device) DO UPDATE SET
    desired = excluded.desired, number = excluded.number,
    decided = CASE WHEN c.number = excluded.number THEN c.decided ELSE excluded.decided END,
    reported = excluded.reported,
    heard = CASE WHEN c.reported IS NOT DISTINCT FROM excluded.reported THEN c.heard
                 ELSE excluded.heard END,
    state = excluded.state, reason = excluded.reason,
    since = CASE WHEN c.state = excluded.state THEN c.since ELSE excluded.since END
"""
_GROUP = """
SELECT g.name, g.label, g.priority, g.created, g.version, g.sources,
       (SELECT count(*) FROM control.group_member AS m WHERE m.name = g.name) AS members
FROM control.device_group AS g
"""


async def lock(connection: Connection) -> None:
    """Let nobody else change configurations or groups until this transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('control configuration'))")


async def layers(connection: Connection, devices: Sequence[str]) -> list[Row]:
    """Return what is said and known of devices; `groups` names theirs, the last one wins."""
    found = await connection.execute(f"{_LAYERS} WHERE d.device = ANY(%s)", (list(devices),))
    return await found.fetchall()


async def documents(connection: Connection, groups: Sequence[str]) -> dict[str, Row]:
    """Return groups by name."""
    found = await connection.execute(
        "SELECT name, priority, sources FROM control.device_group WHERE name = ANY(%s)",
        (list(groups),),
    )
    return {row["name"]: row for row in await found.fetchall()}


async def say(connection: Connection, device: str, sources: str) -> None:
    """Keep what is said of a device itself."""
    await connection.execute(
        "INSERT INTO control.device_configuration AS c (device, sources, version) "
        "VALUES (%s, %s, 1) ON CONFLICT (device) DO UPDATE "
        "SET sources = excluded.sources, version = c.version + 1",
        (device, sources),
    )


async def keep(
    connection: Connection, rows: Sequence[tuple[str, str, int, str | None, str, str]]
) -> None:
    """Keep (device, desired, number, reported, state, reason)."""
    if rows:
        await connection.execute(_KEEP, [list(column) for column in zip(*rows, strict=True)])


async def told(connection: Connection, devices: Sequence[str] | None) -> list[Row]:
    """Return what devices, or all, are told; nothing of those that are gone."""
    found = await connection.execute(
        "SELECT c.device, c.number, c.desired FROM control.device_configuration AS c "
        "JOIN control.device AS d USING (device) WHERE d.state <> 'gone' AND c.number > 0 "
        "AND (%(devices)s::text[] IS NULL OR c.device = ANY(%(devices)s))",
        {"devices": None if devices is None else list(devices)},
    )
    return await found.fetchall()


async def groups(connection: Connection, after: str | None, limit: int) -> list[Row]:
    """Return the groups after a name, by name."""
    found = await connection.execute(
        f"{_GROUP} WHERE (%s::text IS NULL OR g.name > %s) ORDER BY g.name LIMIT %s",
        (after, after, limit),
    )
    return await found.fetchall()


async def group(connection: Connection, name: str) -> Row | None:
    """Return a group."""
    return await (await connection.execute(f"{_GROUP} WHERE g.name = %s", (name,))).fetchone()


async def add_group(connection: Connection, name: str, label: str, priority: int) -> bool:
    """Make a group; False if there is one of the name."""
    done = await connection.execute(
        "INSERT INTO control.device_group (name, label, priority) VALUES (%s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        (name, label, priority),
    )
    return done.rowcount == 1


async def change_group(
    connection: Connection, name: str, label: str, priority: int, sources: str
) -> None:
    """Change all of a group but its members."""
    await connection.execute(
        "UPDATE control.device_group "
        "SET label = %s, priority = %s, sources = %s, version = version + 1 WHERE name = %s",
        (label, priority, sources, name),
    )


async def delete_group(connection: Connection, name: str) -> None:
    """Delete a group."""
    await connection.execute("DELETE FROM control.device_group WHERE name = %s", (name,))


async def members(
    connection: Connection, name: str, after: str | None = None, limit: int | None = None
) -> list[str]:
    """Return a group's devices, by name."""
    found = await connection.execute(
        "SELECT device FROM control.group_member "
        "WHERE name = %s AND (%s::text IS NULL OR device > %s) ORDER BY device LIMIT %s",
        (name, after, after, limit),
    )
    return [row["device"] for row in await found.fetchall()]


async def states(connection: Connection, name: str) -> dict[str, int]:
    """Count a group's devices by how they stand."""
    found = await connection.execute(
        "SELECT coalesce(c.state, 'in step') AS state, count(*) AS n "
        "FROM control.group_member AS m LEFT JOIN control.device_configuration AS c USING (device) "
        "WHERE m.name = %s GROUP BY 1 ORDER BY 1",
        (name,),
    )
    return {row["state"]: row["n"] for row in await found.fetchall()}


async def unfit(connection: Connection, devices: Sequence[str]) -> list[str]:
    """Return which of the names are of no device that runs the agent."""
    found = await connection.execute(
        "SELECT n FROM unnest(%s::text[]) AS n WHERE NOT EXISTS "
        "(SELECT FROM control.device AS d "
        "WHERE d.device = n AND d.kind = 'agent' AND d.state <> 'gone') ORDER BY n",
        (list(devices),),
    )
    return [row["n"] for row in await found.fetchall()]


async def add_members(connection: Connection, name: str, devices: Sequence[str]) -> int:
    """Put devices into a group; returns how many were not in it."""
    done = await connection.execute(
        "INSERT INTO control.group_member (name, device) SELECT %s, unnest(%s::text[]) "
        "ON CONFLICT DO NOTHING",
        (name, list(devices)),
    )
    return done.rowcount


async def remove_members(connection: Connection, name: str, devices: Sequence[str]) -> int:
    """Take devices out of a group; returns how many were in it."""
    done = await connection.execute(
        "DELETE FROM control.group_member WHERE name = %s AND device = ANY(%s)",
        (name, list(devices)),
    )
    return done.rowcount
