"""The SQL of every panel, in Grafana's dialect of macros and variables.

All of it reads the views of schema `fieldline` and nothing else. A time series has the columns
`time`, `metric` and one number; its rows ascend in time.
"""

from __future__ import annotations

# Which table answers a range: raw readings up to an hour, minutes up to two days, hours up to half
# a year, days beyond, so that the rows read stay in the thousands for every channel. Both sides of
# each comparison are numbers when the query arrives, so PostgreSQL never opens the other tables.
RANGE_MS = "(${__to}::bigint - ${__from}::bigint)"
HOUR_MS = 3_600_000
RAW_UP_TO = HOUR_MS
MINUTES_UP_TO = 48 * HOUR_MS
HOURS_UP_TO = 180 * 24 * HOUR_MS


def _from_rollup(table: str, seconds: int, more_than: int, up_to: int | None) -> str:
    upper = "" if up_to is None else f" AND {RANGE_MS} <= {up_to}"
    return f"""
    SELECT time, channel, n, mean, minimum, maximum
    FROM fieldline.{table}
    WHERE {RANGE_MS} > {more_than}{upper}
      AND device = ${{device:sqlstring}} AND channel IN (${{channel:sqlstring}})
      AND time BETWEEN $__timeFrom()::timestamptz - interval '{seconds} s' AND $__timeTo()"""


CHANNELS_OVER_TIME = f"""
SELECT $__timeGroupAlias(r.time, $__interval), r.channel AS metric,
       sum(r.n * r.mean) / sum(r.n) AS value
FROM (
    SELECT time, channel, 1::bigint AS n, value AS mean, value AS minimum, value AS maximum
    FROM fieldline.reading
    WHERE {RANGE_MS} <= {RAW_UP_TO}
      AND device = ${{device:sqlstring}} AND channel IN (${{channel:sqlstring}})
      AND $__timeFilter(time) AND value IS NOT NULL
    UNION ALL{_from_rollup("rollup_1m", 60, RAW_UP_TO, MINUTES_UP_TO)}
    UNION ALL{_from_rollup("rollup_1h", 3600, MINUTES_UP_TO, HOURS_UP_TO)}
    UNION ALL{_from_rollup("rollup_1d", 86400, HOURS_UP_TO, None)}
) AS r
JOIN fieldline.channel AS c ON c.device = ${{device:sqlstring}} AND c.channel = r.channel
WHERE coalesce(nullif(c.unit, ''), 'no unit') = ${{unit:sqlstring}}
GROUP BY 1, 2
ORDER BY 1, 2
"""

NEWEST_OF_DEVICE = """
SELECT channel AS "Channel", label AS "What", value AS "Value", unit AS "Unit", time AS "Time",
       extract(epoch FROM now() - time) AS "Age"
FROM fieldline.newest
WHERE device = ${device:sqlstring}
ORDER BY channel
"""

STATUS_OF_DEVICE = """
SELECT d.status AS "Status", s.reason AS "Reason", s.since AS "Since", d.last_seen AS "Last seen",
       d.agent_version AS "Agent"
FROM fieldline.device AS d JOIN fieldline.device_status AS s USING (device)
WHERE d.device = ${device:sqlstring}
"""

COMPLETENESS_OF_DEVICE = """
SELECT epoch AS "Epoch", first_seq AS "From", last_seq AS "To", stored AS "Stored",
       missing AS "Missing", on_device AS "On the device", lost AS "Lost"
FROM fieldline.completeness
WHERE device = ${device:sqlstring}
ORDER BY epoch
"""

DEVICES = """
SELECT d.device AS "Device", d.name AS "Name", d.site AS "Site", d.status AS "Status",
       s.reason AS "Reason", d.last_seen AS "Last seen",
       c.stored AS "Packs stored", c.missing AS "Missing", c.on_device AS "On the device",
       c.lost AS "Lost", d.agent_version AS "Agent"
FROM fieldline.device AS d
JOIN fieldline.device_status AS s USING (device)
LEFT JOIN (
    SELECT device, sum(stored) AS stored, sum(missing) AS missing, sum(on_device) AS on_device,
           sum(lost) AS lost
    FROM fieldline.completeness GROUP BY device
) AS c USING (device)
WHERE d.device IN (${device:sqlstring})
ORDER BY d.device
"""

DEVICES_BY_STATUS = """
SELECT count(*) FILTER (WHERE status = 'online') AS "Online",
       count(*) FILTER (WHERE status <> 'online') AS "Not online",
       count(*) AS "Devices"
FROM fieldline.device
"""

COMPLETENESS = """
SELECT coalesce(sum(stored) / nullif(sum(stored + missing + lost), 0), 1) AS "Arrived",
       coalesce(sum(missing), 0) AS "Missing", coalesce(sum(on_device), 0) AS "Still on devices",
       coalesce(sum(lost), 0) AS "Lost"
FROM fieldline.completeness
"""


def _rows_from(table: str, minutes: int, more_than: int, up_to: int | None) -> str:
    upper = "" if up_to is None else f" AND {RANGE_MS} <= {up_to}"
    return f"""
    SELECT time, device, n, {minutes} AS minutes
    FROM fieldline.{table}
    WHERE {RANGE_MS} > {more_than}{upper}
      AND device IN (${{device:sqlstring}}) AND $__timeFilter(time)"""


# A bucket is at least as wide as the rollup's, so its rate is its rows by its own minutes.
ROWS_A_MINUTE = f"""
SELECT $__timeGroupAlias(time, $__interval), device AS metric,
       sum(n) / greatest(max(minutes), $__interval_ms / 60000.0) AS value
FROM ({_rows_from("rollup_1m", 1, -1, MINUTES_UP_TO)}
    UNION ALL{_rows_from("rollup_1h", 60, MINUTES_UP_TO, HOURS_UP_TO)}
    UNION ALL{_rows_from("rollup_1d", 1440, HOURS_UP_TO, None)}
) AS r
GROUP BY 1, 2
ORDER BY 1, 2
"""

NEWEST = """
SELECT device AS "Device", channel AS "Channel", label AS "What", value AS "Value", unit AS "Unit",
       time AS "Time", extract(epoch FROM now() - time) AS "Age"
FROM fieldline.newest
WHERE device IN (${device:sqlstring})
ORDER BY device, channel
"""

REJECTED = """
SELECT time AS "Time", device AS "Device", reason AS "Reason", origin AS "Origin",
       length(payload) AS "Bytes"
FROM fieldline.rejected
WHERE $__timeFilter(time)
ORDER BY time DESC
LIMIT 100
"""

# What a variable offers.
ALL_DEVICES = "SELECT device FROM fieldline.device ORDER BY device"
CHANNELS_OF_DEVICE = """
SELECT channel FROM fieldline.channel WHERE device = ${device:sqlstring} ORDER BY channel
""".strip()
UNITS_OF_DEVICE = """
SELECT DISTINCT coalesce(nullif(unit, ''), 'no unit') FROM fieldline.channel
WHERE device = ${device:sqlstring} AND channel IN (${channel:sqlstring}) ORDER BY 1
""".strip()
