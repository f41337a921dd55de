"""Targets and messages in PostgreSQL: SQL, nothing else."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

Connection = AsyncConnection[DictRow]
Row = dict[str, Any]

_TARGET = """
SELECT id, version, created, name, kind, settings, severity, most_an_hour, wait_s, interval_s,
       enabled
FROM control.notification_target
"""


async def targets(connection: Connection, after: int, limit: int) -> list[Row]:
    """Return the targets after a number."""
    return await (
        await connection.execute(f"{_TARGET} WHERE id > %s ORDER BY id LIMIT %s", [after, limit])
    ).fetchall()


async def target(connection: Connection, number: int, *, lock: bool = False) -> Row | None:
    """Return a target; with `lock` nobody else changes it meanwhile."""
    end = " FOR UPDATE" if lock else ""
    return await (await connection.execute(f"{_TARGET} WHERE id = %s{end}", [number])).fetchone()


async def name_taken(connection: Connection, name: str, but: int = 0) -> bool:
    """Say whether another target has a name."""
    found = await connection.execute(
        "SELECT FROM control.notification_target WHERE name = %s AND id <> %s", [name, but]
    )
    return await found.fetchone() is not None


async def add_target(connection: Connection, said: Row) -> int | None:
    """Make a target; return its number, None if the name is taken."""
    made = await connection.execute(
        "INSERT INTO control.notification_target "
        "(name, kind, settings, severity, most_an_hour, wait_s, interval_s, enabled) VALUES "
        "(%(name)s, %(kind)s, %(settings)s, %(severity)s, %(most_an_hour)s, %(wait_s)s, "
        "%(interval_s)s, %(enabled)s) "
        "ON CONFLICT (name) DO NOTHING RETURNING id",
        {**said, "settings": Jsonb(said["settings"])},
    )
    row = await made.fetchone()
    return None if row is None else int(row["id"])


async def change_target(connection: Connection, number: int, said: Row) -> None:
    """Say a target anew."""
    await connection.execute(
        "UPDATE control.notification_target SET (name, kind, settings, severity, most_an_hour, "
        "wait_s, interval_s, enabled) = (%(name)s, %(kind)s, %(settings)s, %(severity)s, "
        "%(most_an_hour)s, %(wait_s)s, %(interval_s)s, %(enabled)s), version = version + 1 "
        "WHERE id = %(number)s",
        {**said, "settings": Jsonb(said["settings"]), "number": number},
    )


async def delete_target(connection: Connection, number: int) -> None:
    """Take a target away, with its messages."""
    await connection.execute("DELETE FROM control.notification_target WHERE id = %s", [number])


# When the last message of a rule went to a target, or is on its way.
_LAST = """
WITH last AS (
    SELECT n.target, n.what, n.said->>'rule' AS rule, max(coalesce(n.ended, now())) AS at
    FROM control.notification_target AS g
    JOIN control.notification AS n ON n.target = g.id AND n.message = n.id
        AND (n.ended > now() - interval '1 hour' OR n.ended IS NULL)
    WHERE n.state IN ('queued', 'sent') GROUP BY 1, 2, 3
)
"""
_DUE_AT = """
greatest(now() + make_interval(secs => t.wait_s), l.at + make_interval(secs => t.interval_s))
"""
_NEWS = f"""
{_LAST}
INSERT INTO control.notification (target, episode, what, said, due)
SELECT t.id, e.id, 'firing',
       jsonb_build_object('rule', e.name, 'severity', e.severity, 'device', d.device,
                          'channel', s.channel, 'site', d.site, 'value', e.value, 'began', e.began),
       {_DUE_AT}
FROM storage.alert_episode AS e
JOIN storage.series AS s ON s.id = e.series
JOIN (
    SELECT o.id, o.device, f.site FROM storage.device AS o JOIN fieldline.device AS f USING (device)
) AS d ON d.id = s.device
JOIN control.notification_target AS t ON t.enabled AND e.told >= t.created
    AND array_position(ARRAY['info', 'warning', 'critical'], e.severity)
        >= array_position(ARRAY['info', 'warning', 'critical'], t.severity)
LEFT JOIN last AS l ON l.target = t.id AND l.what = 'firing' AND l.rule = e.name
WHERE NOT e.late AND e.told > now() - interval '1 day'
  AND NOT EXISTS (SELECT FROM control.notification AS n WHERE n.target = t.id
                  AND n.episode = e.id AND n.what = 'firing')
ON CONFLICT DO NOTHING
"""
_OVER = f"""
{_LAST}
INSERT INTO control.notification (target, episode, what, said, due)
SELECT n.target, n.episode, 'resolved',
       n.said || jsonb_build_object('ended', coalesce(e.ended, now()), 'worst', e.worst),
       {_DUE_AT}
FROM control.notification AS n
JOIN control.notification_target AS t ON t.id = n.target
LEFT JOIN last AS l ON l.target = t.id AND l.what = 'resolved' AND l.rule = n.said->>'rule'
LEFT JOIN storage.alert_episode AS e ON e.id = n.episode
WHERE n.what = 'firing' AND n.state = 'sent' AND (e.id IS NULL OR e.ended IS NOT NULL)
  AND NOT EXISTS (SELECT FROM control.notification AS r WHERE r.target = n.target
                  AND r.episode = n.episode AND r.what = 'resolved')
ON CONFLICT DO NOTHING
"""


async def enqueue(connection: Connection) -> None:
    """Keep every turn of an episode that is news for whom it is to be told to, none twice."""
    await connection.execute(_NEWS)
    await connection.execute(_OVER)


# Who writes several rows of a target takes the target first, as who deletes it does: or two could
# wait for each other.
_TAKE = """
SELECT FROM control.notification_target AS t
WHERE EXISTS (SELECT FROM control.notification AS n WHERE n.target = t.id AND n.id = ANY(%s))
FOR NO KEY UPDATE OF t
"""
_TAKE_ALL = "SELECT FROM control.notification_target ORDER BY id FOR NO KEY UPDATE"

_DUE = """
SELECT id, target, what, message, said->>'rule' AS rule, said->>'severity' AS severity
FROM control.notification
WHERE state = 'queued' AND due <= now() AND (message IS NULL OR message = id) AND target <> ALL(%s)
ORDER BY due, id LIMIT 1
"""
_TOGETHER = """
WITH t AS MATERIALIZED (
    SELECT g.*,
           (SELECT count(*) FROM control.notification AS o WHERE o.target = g.id
            AND o.state = 'sent' AND o.message = o.id AND o.ended > now() - interval '1 hour'
           ) AS sent_last_hour,
           (SELECT count(*) FROM control.notification AS o WHERE o.target = g.id
            AND o.state = 'suppressed' AND o.reason LIKE 'more than %%'
            AND o.ended > coalesce((SELECT max(p.ended) FROM control.notification AS p
                                    WHERE p.target = g.id AND p.state = 'sent'), '-infinity')
           ) AS more
    FROM control.notification_target AS g WHERE g.id = %(target)s
    FOR NO KEY UPDATE
)
SELECT n.id, n.target, n.what, n.said, n.reason, n.attempts, n.message,
       t.kind, t.settings, t.enabled, t.most_an_hour, t.sent_last_hour, t.more,
       e.id IS NOT NULL AND e.ended IS NULL AS fires, k.by AS acknowledged_by,
       (SELECT max(z.until) FROM control.alert_snooze AS z
        WHERE z.until > now() AND (z.rule IS NULL OR z.rule = e.rule)
          AND control.fits(n.said->>'device', z.device)
          AND control.fits(n.said->>'channel', z.channel)) AS snoozed_until,
       (SELECT max(w.ends) FROM control.maintenance_window AS w
        WHERE w.begins <= now() AND w.ends > now()
          AND control.fits(n.said->>'device', w.device)
          AND control.fits(n.said->>'site', w.site)) AS maintenance_until
FROM control.notification AS n
JOIN t ON t.id = n.target
LEFT JOIN storage.alert_episode AS e ON e.id = n.episode
LEFT JOIN control.alert_acknowledgement AS k ON k.episode = n.episode
WHERE n.state = 'queued' AND CASE WHEN %(message)s::bigint IS NULL
    THEN n.message IS NULL AND n.what = %(what)s AND n.said->>'rule' = %(rule)s
         AND n.said->>'severity' = %(severity)s AND (n.due <= now() OR n.reason = '')
    ELSE n.message = %(message)s END
ORDER BY n.id
"""


async def due(connection: Connection, but: list[int]) -> list[Row]:
    """Return what is to be told together next, but for what goes to some targets.

    That is a message that was made before and waits, or else all of one rule that goes to a target
    and that nothing held back.
    """
    first = await (await connection.execute(_DUE, [but])).fetchone()
    if first is None:
        return []
    return await (await connection.execute(_TOGETHER, first)).fetchall()


async def together(connection: Connection, numbers: list[int]) -> None:
    """Make one message of some; it is that of the first of them from now on."""
    await connection.execute(
        "UPDATE control.notification SET message = %s WHERE id = ANY(%s)", [numbers[0], numbers]
    )


async def end(connection: Connection, numbers: list[int], state: str, reason: str) -> None:
    """Say what became of some."""
    await connection.execute(_TAKE, [numbers])
    await connection.execute(
        "UPDATE control.notification SET state = %s, reason = %s, ended = now(), "
        "attempts = attempts + (%s IN ('sent', 'failed'))::int WHERE id = ANY(%s)",
        [state, reason, state, numbers],
    )


async def hold(connection: Connection, numbers: list[int], until: datetime, why: str) -> None:
    """Look at some again at that time."""
    await connection.execute(
        "UPDATE control.notification SET due = %s, reason = %s WHERE id = ANY(%s)",
        [until, why, numbers],
    )


async def wake(connection: Connection) -> None:
    """Look anew at what is held back: who held it back has changed their mind."""
    await connection.execute(_TAKE_ALL)
    await connection.execute(
        "UPDATE control.notification SET due = now() "
        "WHERE state = 'queued' AND (reason LIKE 'snoozed%' OR reason LIKE 'maintenance%')"
    )


async def retry(connection: Connection, numbers: list[int], seconds: float, why: str) -> None:
    """Try a message again later."""
    await connection.execute(_TAKE, [numbers])
    await connection.execute(
        "UPDATE control.notification SET due = now() + make_interval(secs => %s), reason = %s, "
        "attempts = attempts + 1 WHERE id = ANY(%s)",
        [seconds, why, numbers],
    )


async def notices(connection: Connection, before: int, limit: int) -> list[Row]:
    """Return messages, the newest first."""
    found = await connection.execute(
        "SELECT n.id, t.name AS target, n.episode, n.what, n.said->>'rule' AS rule, "
        "n.said->>'device' AS device, n.said->>'channel' AS channel, n.state, n.reason, "
        "n.message, n.attempts, n.created, n.ended FROM control.notification AS n "
        "JOIN control.notification_target AS t ON t.id = n.target "
        "WHERE n.id < %s ORDER BY n.id DESC LIMIT %s",
        [before, limit],
    )
    return await found.fetchall()
