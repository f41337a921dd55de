"""What was measured, through the views of schema `fieldline`: SQL, nothing else."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from cloud.control.history.ranges import WIDTHS, Resolution

Connection = AsyncConnection[DictRow]
Row = dict[str, Any]

_FIRST_WINDOW = timedelta(minutes=10)
_WIDER = 4

_TIME = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
_RANGE = """
device = %(device)s AND channel = ANY(%(channels)s) AND time >= %(begin)s AND time < %(end)s
"""
# Bits of the order by which readings of the same instant and channel stay apart over pages.
_READINGS = f"""
SELECT time, channel, value, text, unit, quality, received FROM fieldline.reading
WHERE {_RANGE} AND (time > %(begin)s OR channel >= %(first)s)
ORDER BY time, channel, received, value, text OFFSET %(skip)s LIMIT %(limit)s
"""
_POINTS = """
SELECT time, n, mean, stddev, minimum, maximum, first, last FROM fieldline.rollup_{}
WHERE device = %(device)s AND channel = ANY(%(channels)s)
  AND time > %(begin)s - %(width)s::interval AND time < %(end)s
ORDER BY time
"""
_RAW_POINTS = f"""
SELECT time, 1 AS n, value AS mean, NULL::float8 AS stddev, value AS minimum, value AS maximum,
       value AS first, value AS last
FROM fieldline.reading WHERE {_RANGE} AND value IS NOT NULL ORDER BY time, received
"""
_MOST_IN_A_CHANNEL = f"""
SELECT coalesce(max(n), 0)::bigint AS n FROM (
    SELECT sum(n) AS n FROM fieldline.rollup_1m WHERE {_RANGE} GROUP BY channel
) AS counted
"""
_EXPORT_READINGS = f"""
SELECT to_char(time, '{_TIME}') AS time, channel, value, {{}} AS text, unit, quality,
       to_char(received, '{_TIME}') AS received
FROM fieldline.reading WHERE {_RANGE} ORDER BY fieldline.reading.time, channel
"""
# What a device says is shown by a spreadsheet, and not taken for a formula.
_NO_FORMULA = r"CASE WHEN text ~ '^[-=+@\t\r]' THEN '''' || text ELSE text END"
EXPORT_READINGS = _EXPORT_READINGS.format("text")
EXPORT_READINGS_CSV = _EXPORT_READINGS.format(_NO_FORMULA)
_EXPORT_POINTS = f"""
SELECT to_char(time, '{_TIME}') AS time, channel, n, mean, stddev, minimum, maximum, first, last
FROM ({{}}) AS points ORDER BY points.time, channel
"""
_COMPLETENESS = """
SELECT device, epoch, first_seq, last_seq, stored, missing, on_device, lost
FROM fieldline.completeness
WHERE (%(device)s::text IS NULL OR device = %(device)s)
  AND (%(after)s::text[] IS NULL OR ARRAY[device, epoch] > %(after)s)
ORDER BY device, epoch LIMIT %(limit)s
"""
_DAYS = """
SELECT device, day::text, sum(stored)::bigint AS stored, sum(on_device)::bigint AS on_device,
       sum(lost)::bigint AS lost, sum(missing)::bigint AS missing
FROM fieldline.completeness_day
WHERE (%(device)s::text IS NULL OR device = %(device)s)
  AND (%(since)s::date IS NULL OR day >= %(since)s)
  AND (%(after)s::text[] IS NULL OR ARRAY[device, day::text] > %(after)s)
GROUP BY device, day ORDER BY device, day LIMIT %(limit)s
"""
_LOSSES = """
SELECT device, epoch, reason, packs FROM fieldline.loss
WHERE (%(device)s::text IS NULL OR device = %(device)s)
  AND (%(after)s::text[] IS NULL OR ARRAY[device, epoch, reason] > %(after)s)
ORDER BY device, epoch, reason LIMIT %(limit)s
"""
_REJECTED = """
SELECT time, origin, device, reason, payload, redriven FROM fieldline.rejected
WHERE (%(device)s::text IS NULL OR device = %(device)s)
  AND (%(reason)s::text IS NULL OR starts_with(reason, %(reason)s))
  AND (%(until)s::timestamptz IS NULL OR time <= %(until)s)
ORDER BY time DESC, device, origin, reason, payload OFFSET %(skip)s
"""
_CHANNELS = """
SELECT c.device, c.channel, c.label, c.unit, c.minimum, c.maximum, n.time, n.value
FROM (
    SELECT * FROM fieldline.channel
    WHERE (%(device)s::text IS NULL OR device = %(device)s)
      AND (%(after)s::text[] IS NULL OR ARRAY[device, channel] > %(after)s)
    ORDER BY device, channel LIMIT %(limit)s
) AS c
LEFT JOIN LATERAL (
    SELECT time, value FROM fieldline.newest AS n
    WHERE n.device = c.device AND n.channel = c.channel
) AS n ON true
ORDER BY c.device, c.channel
"""


async def channels(connection: Connection, device: str) -> list[Row] | None:
    """Return a device's channels (channel, label, unit); None if there is no such device."""
    found = await connection.execute("SELECT 1 FROM fieldline.device WHERE device = %s", (device,))
    if await found.fetchone() is None:
        return None
    found = await connection.execute(
        "SELECT channel, label, unit FROM fieldline.channel WHERE device = %s ORDER BY channel",
        (device,),
    )
    return await found.fetchall()


async def readings(
    connection: Connection,
    device: str,
    among: Sequence[str],
    begin: datetime,
    end: datetime,
    *,
    first: str,
    skip: int,
    limit: int,
) -> list[Row]:
    """Return readings in order; at `begin` only channels from `first`, less the first `skip`."""
    found: list[Row] = []
    width = _FIRST_WINDOW
    # The whole range would be read and sorted for each page: it has no index by series and time.
    while begin < end and len(found) < limit:
        until = min(end, begin + width)
        rows = await connection.execute(
            _READINGS,
            {
                "device": device, "channels": list(among), "begin": begin, "end": until,
                "first": first, "skip": skip, "limit": limit - len(found),
            },
        )  # fmt: skip
        found += await rows.fetchall()
        begin, first, skip, width = until, "", 0, width * _WIDER
    return found


async def most_readings(
    connection: Connection, device: str, among: Sequence[str], begin: datetime, end: datetime
) -> int:
    """Return about how many numbers the busiest of the channels has in a stretch of time."""
    found = await connection.execute(
        _MOST_IN_A_CHANNEL, parameters(device, among, begin, end, Resolution.MINUTE)
    )
    row = await found.fetchone()
    assert row is not None
    return int(row["n"])


async def expired(connection: Connection) -> dict[Resolution, datetime]:
    """Return until when resolutions have expired, as [retention] says."""
    found = await connection.execute(
        "SELECT tier, max(until) AS until FROM fieldline.expired "
        "WHERE tier = ANY(%s) GROUP BY tier",
        (list(Resolution),),
    )
    return {Resolution(row["tier"]): row["until"] for row in await found.fetchall()}


async def points(  # noqa: PLR0917 -- what names a stretch of a channel
    connection: Connection,
    device: str,
    channel: str,
    begin: datetime,
    end: datetime,
    resolution: Resolution,
) -> list[Row]:
    """Return a channel's points; a bucket that the beginning lies in is among them."""
    query = _RAW_POINTS if resolution is Resolution.RAW else _POINTS.format(resolution)
    found = await connection.execute(
        query.encode(), parameters(device, [channel], begin, end, resolution)
    )
    return await found.fetchall()


def export_points(resolution: Resolution) -> str:
    """Return the query of an export of points, for `parameters`."""
    query = _RAW_POINTS if resolution is Resolution.RAW else _POINTS.format(resolution)
    return _EXPORT_POINTS.format(query.replace("SELECT time,", "SELECT time, channel,"))


def parameters(
    device: str, among: Sequence[str], begin: datetime, end: datetime, resolution: Resolution
) -> dict[str, Any]:
    """Return what the queries of a stretch of time take."""
    return {
        "device": device,
        "channels": list(among),
        "begin": begin,
        "end": end,
        "width": WIDTHS.get(resolution, timedelta(0)),
    }


async def completeness(
    connection: Connection, device: str | None, after: list[str] | None, limit: int
) -> list[Row]:
    """Return epochs in the order of device and epoch."""
    found = await connection.execute(
        _COMPLETENESS, {"device": device, "after": after, "limit": limit}
    )
    return await found.fetchall()


async def completeness_days(
    connection: Connection,
    device: str | None,
    since: date | None,
    after: list[str] | None,
    limit: int,
) -> list[Row]:
    """Return devices' days in the order of device and day."""
    found = await connection.execute(
        _DAYS, {"device": device, "since": since, "after": after, "limit": limit}
    )
    return await found.fetchall()


async def losses(
    connection: Connection, device: str | None, after: list[str] | None, limit: int
) -> list[Row]:
    """Return what is lost in the order of device, epoch and reason."""
    found = await connection.execute(_LOSSES, {"device": device, "after": after, "limit": limit})
    return await found.fetchall()


async def channel_page(
    connection: Connection, device: str | None, after: list[str] | None, limit: int
) -> list[Row]:
    """Return channels with their newest numbers."""
    found = await connection.execute(_CHANNELS, {"device": device, "after": after, "limit": limit})
    return await found.fetchall()


async def rejected(
    connection: Connection,
    *,
    device: str | None,
    reason: str | None,
    until: datetime | None,
    skip: int,
    limit: int,
    most_bytes: int,
) -> tuple[list[Row], bool]:
    """Return the newest up to a time, less the first `skip`, and whether there are more."""
    rows: list[Row] = []
    size = 0
    # One after the other: payloads are up to 256 KiB, and a page of them is too much at once.
    async with connection.cursor(name="rejected") as cursor:
        cursor.itersize = 8
        await cursor.execute(
            _REJECTED, {"device": device, "reason": reason, "until": until, "skip": skip}
        )
        async for row in cursor:
            if len(rows) == limit or size > most_bytes:
                return rows, True
            rows.append(row)
            size += len(row["payload"])
    return rows, False
