"""Rules, alerts and what people say about them in PostgreSQL: SQL, nothing else."""

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

Connection = AsyncConnection[DictRow]
Row = dict[str, Any]

RULE = (
    "name", "kind", "device", "channel", "site", "direction", "threshold", "clear_at", "for_s",
    "window_s", "severity", "enabled",
)  # fmt: skip
"""Columns of a rule that people say."""

_RULE = f"SELECT id, version, created, changed, {', '.join(RULE)} FROM control.alert_rule"


async def rules(connection: Connection, after: int, limit: int) -> list[Row]:
    """Return the rules after a number."""
    return await (
        await connection.execute(f"{_RULE} WHERE id > %s ORDER BY id LIMIT %s", [after, limit])
    ).fetchall()


async def rule(connection: Connection, number: int, *, lock: bool = False) -> Row | None:
    """Return a rule; with `lock` nobody else changes it meanwhile."""
    end = " FOR UPDATE" if lock else ""
    return await (await connection.execute(f"{_RULE} WHERE id = %s{end}", [number])).fetchone()


async def add_rule(connection: Connection, said: Row) -> int | None:
    """Make a rule; return its number, None if the name is taken."""
    made = await connection.execute(
        f"INSERT INTO control.alert_rule ({', '.join(RULE)}) "
        f"VALUES ({', '.join(f'%({column})s' for column in RULE)}) "
        "ON CONFLICT (name) DO NOTHING RETURNING id",
        said,
    )
    row = await made.fetchone()
    return None if row is None else int(row["id"])


async def name_taken(connection: Connection, name: str, but: int) -> bool:
    """Say whether another rule has a name."""
    found = await connection.execute(
        "SELECT FROM control.alert_rule WHERE name = %s AND id <> %s", [name, but]
    )
    return await found.fetchone() is not None


async def change_rule(connection: Connection, number: int, said: Row) -> None:
    """Say a rule anew; readings count from now on."""
    await connection.execute(
        f"UPDATE control.alert_rule SET ({', '.join(RULE)}) = "
        f"({', '.join(f'%({column})s' for column in RULE)}), "
        "version = version + 1, changed = now() WHERE id = %(number)s",
        {**said, "number": number},
    )


async def delete_rule(connection: Connection, number: int) -> None:
    """Take a rule away; its history stays."""
    await connection.execute("DELETE FROM control.alert_rule WHERE id = %s", [number])


_ALERTS = """
SELECT r.name AS rule, r.severity, d.device, s.channel, a.state, a.since, a.value,
       e.id AS episode, k.by AS acknowledged_by, k.note, a.rule AS rule_number, a.series
FROM storage.alert AS a
JOIN control.alert_rule AS r ON r.id = a.rule
JOIN storage.series AS s ON s.id = a.series
JOIN storage.device AS d ON d.id = s.device
LEFT JOIN storage.alert_episode AS e
    ON e.rule = a.rule AND e.series = a.series AND e.ended IS NULL
LEFT JOIN control.alert_acknowledgement AS k ON k.episode = e.id
WHERE a.state = ANY(%(states)s)
  AND (%(device)s::text IS NULL OR d.device = %(device)s)
  AND (%(rule)s::text IS NULL OR r.name = %(rule)s)
  AND (%(severity)s::text IS NULL OR r.severity = %(severity)s)
  AND (%(acknowledged)s::boolean IS NULL OR (k.by IS NOT NULL) = %(acknowledged)s)
  AND (a.rule, a.series) > (%(after_rule)s, %(after_series)s)
ORDER BY a.rule, a.series LIMIT %(limit)s
"""


async def alerts(connection: Connection, asked: Row) -> list[Row]:
    """Return how rules stand."""
    return await (await connection.execute(_ALERTS, asked)).fetchall()


_HISTORY = """
SELECT e.id AS episode, e.name AS rule, e.severity, d.device, s.channel, e.began, e.ended, e.value,
       e.worst, e.late, k.by AS acknowledged_by
FROM storage.alert_episode AS e
JOIN storage.series AS s ON s.id = e.series
JOIN storage.device AS d ON d.id = s.device
LEFT JOIN control.alert_acknowledgement AS k ON k.episode = e.id
WHERE e.id < %(before)s
  AND (%(device)s::text IS NULL OR d.device = %(device)s)
  AND (%(rule)s::text IS NULL OR e.name = %(rule)s)
  AND (%(since)s::timestamptz IS NULL OR coalesce(e.ended, 'infinity') >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR e.began < %(until)s)
ORDER BY e.id DESC LIMIT %(limit)s
"""


async def history(connection: Connection, asked: Row) -> list[Row]:
    """Return episodes, the newest number first."""
    return await (await connection.execute(_HISTORY, asked)).fetchall()


async def episode(connection: Connection, number: int) -> Row | None:
    """Return what there is of an episode."""
    found = await connection.execute(
        "SELECT id, name, ended FROM storage.alert_episode WHERE id = %s", [number]
    )
    return await found.fetchone()


async def acknowledge(connection: Connection, number: int, by: str, note: str) -> Row:
    """Keep who has seen an episode: the last one who says so."""
    kept = await connection.execute(
        "INSERT INTO control.alert_acknowledgement AS k (episode, by, note) VALUES (%s, %s, %s) "
        "ON CONFLICT (episode) DO UPDATE SET by = excluded.by, note = excluded.note, at = now() "
        "RETURNING episode, by, at, note",
        [number, by, note],
    )
    row = await kept.fetchone()
    assert row is not None
    return row


async def unacknowledge(connection: Connection, number: int) -> Row | None:
    """Forget who has seen an episode."""
    gone = await connection.execute(
        "DELETE FROM control.alert_acknowledgement WHERE episode = %s RETURNING by, note", [number]
    )
    return await gone.fetchone()


async def snoozes(connection: Connection, after: int, limit: int) -> list[Row]:
    """Return the snoozes that last."""
    found = await connection.execute(
        "SELECT id, rule, device, channel, until, by, reason, created FROM control.alert_snooze "
        "WHERE until > now() AND id > %s ORDER BY id LIMIT %s",
        [after, limit],
    )
    return await found.fetchall()


async def add_snooze(connection: Connection, said: Row) -> Row:
    """Keep a snooze."""
    made = await connection.execute(
        "INSERT INTO control.alert_snooze (rule, device, channel, until, by, reason) VALUES "
        "(%(rule)s, %(device)s, %(channel)s, %(until)s, %(by)s, %(reason)s) "
        "RETURNING id, rule, device, channel, until, by, reason, created",
        said,
    )
    row = await made.fetchone()
    assert row is not None
    return row


async def delete_snooze(connection: Connection, number: int) -> Row | None:
    """End a snooze."""
    gone = await connection.execute(
        "DELETE FROM control.alert_snooze WHERE id = %s RETURNING rule, device, channel, reason",
        [number],
    )
    return await gone.fetchone()


async def windows(connection: Connection, after: int, limit: int) -> list[Row]:
    """Return the maintenance windows that are not over."""
    found = await connection.execute(
        "SELECT id, device, site, begins, ends, by, reason, created "
        "FROM control.maintenance_window WHERE ends > now() AND id > %s ORDER BY id LIMIT %s",
        [after, limit],
    )
    return await found.fetchall()


async def add_window(connection: Connection, said: Row) -> Row:
    """Keep a maintenance window."""
    made = await connection.execute(
        "INSERT INTO control.maintenance_window (device, site, begins, ends, by, reason) VALUES "
        "(%(device)s, %(site)s, %(begins)s, %(ends)s, %(by)s, %(reason)s) "
        "RETURNING id, device, site, begins, ends, by, reason, created",
        said,
    )
    row = await made.fetchone()
    assert row is not None
    return row


async def delete_window(connection: Connection, number: int) -> Row | None:
    """End a maintenance window."""
    gone = await connection.execute(
        "DELETE FROM control.maintenance_window WHERE id = %s RETURNING device, site, reason",
        [number],
    )
    return await gone.fetchone()
