"""SQL of retention and disk use."""

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

_TIERS = """
SELECT r.tier AS name, coalesce(sum(p.bytes), 0)::bigint AS bytes, r.days AS kept_days,
       max(e.until) AS expired_until
FROM storage.retention AS r
LEFT JOIN storage.part AS p ON p.tier = r.tier
LEFT JOIN (
    SELECT tier, max(until) AS until FROM storage.expired GROUP BY tier
) AS e ON e.tier = r.tier
GROUP BY r.tier, r.days
UNION ALL SELECT '1d', pg_total_relation_size('storage.rollup_1d'), NULL, NULL
"""
_DATABASE = "SELECT pg_database_size(current_database()) AS bytes"
_BACKUPS = "SELECT taken, file, bytes, encrypted FROM control.backup ORDER BY taken DESC LIMIT 1000"
_KEEP = """
INSERT INTO control.disk_sample (part, at, bytes)
SELECT part, now(), bytes FROM unnest(%s::text[], %s::bigint[]) AS s (part, bytes)
"""
_FORGET = "DELETE FROM control.disk_sample WHERE at < now() - interval '60 days'"
_NEWEST = "SELECT extract(epoch FROM now() - max(at))::float8 AS age FROM control.disk_sample"
_SAMPLES = """
SELECT part, extract(epoch FROM at)::float8 AS at, bytes FROM control.disk_sample
WHERE at > now() - interval '30 days' ORDER BY part, at
"""
_EXPIRE = "SELECT partition, rows, bytes FROM storage.expire(%s, %s)"


async def tiers(connection: AsyncConnection[DictRow]) -> list[DictRow]:
    """Return name, bytes, kept_days and expired_until of each tier of the database."""
    return await (await connection.execute(_TIERS)).fetchall()


async def database_bytes(connection: AsyncConnection[DictRow]) -> int:
    """Return the size of the whole database."""
    row = await (await connection.execute(_DATABASE)).fetchone()
    assert row is not None
    return int(row["bytes"])


async def backups(connection: AsyncConnection[DictRow]) -> list[DictRow]:
    """Return the backups that were made, the newest first."""
    return await (await connection.execute(_BACKUPS)).fetchall()


async def age_of_samples(connection: AsyncConnection[DictRow]) -> float | None:
    """Return how many seconds ago disk use was kept last."""
    row = await (await connection.execute(_NEWEST)).fetchone()
    return None if row is None else row["age"]


async def keep(connection: AsyncConnection[DictRow], sizes: dict[str, int]) -> None:
    """Keep the sizes of now, and forget what is of no more use."""
    await connection.execute(_KEEP, (list(sizes), list(sizes.values())))
    await connection.execute(_FORGET)


async def samples(connection: AsyncConnection[DictRow]) -> dict[str, list[tuple[float, int]]]:
    """Return what was kept of each part in the last thirty days, the oldest first."""
    found: dict[str, list[tuple[float, int]]] = {}
    for row in await (await connection.execute(_SAMPLES)).fetchall():
        found.setdefault(row["part"], []).append((row["at"], row["bytes"]))
    return found


async def ensure_records(connection: AsyncConnection[DictRow]) -> None:
    """Make the months of what only grows."""
    await connection.execute("SELECT storage.ensure_records()")


async def expirable(connection: AsyncConnection[DictRow]) -> list[DictRow]:
    """Return tier, since, until of what has outlived its time."""
    return await (await connection.execute("SELECT * FROM storage.expirable()")).fetchall()


async def expire(connection: AsyncConnection[DictRow], tier: str, since: Any) -> list[DictRow]:
    """Empty what begins then; it takes as long as it takes to count what is in it."""
    await connection.execute("SET LOCAL statement_timeout = 0")
    return await (await connection.execute(_EXPIRE, (tier, since))).fetchall()


async def write_off(connection: AsyncConnection[DictRow]) -> list[DictRow]:
    """Count as lost what a restore has lost; return device, epoch, packs, taken."""
    return await (await connection.execute("SELECT * FROM storage.write_off()")).fetchall()
