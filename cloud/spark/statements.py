"""The SQL of the stream's transaction."""

from cloud.spark.aggregate import DAY, HOUR, MINUTE

COPY = "COPY storage.{table} (time, received, value, series, kind, text) FROM STDIN (FORMAT binary)"

ROLLUPS = {"rollup_1m": MINUTE, "rollup_1h": HOUR, "rollup_1d": DAY}
"""The tables and the widths of their buckets, each a multiple of the one before."""

PARTIAL_KINDS = {
    "time": "timestamptz",
    "series": "int4",
    "n": "int8",
    "mean": "float8",
    "m2": "float8",
    "minimum": "float8",
    "maximum": "float8",
    "first": "float8",
    "first_time": "timestamptz",
    "last": "float8",
    "last_time": "timestamptz",
}

_ARRAYS = ", ".join(f"%s::{kind}[]" for kind in PARTIAL_KINDS.values())
_FIELDS = ", ".join(PARTIAL_KINDS)

ROLLUP = f"""
INSERT INTO storage.{{table}} AS r ({_FIELDS}) SELECT * FROM unnest({_ARRAYS})
ON CONFLICT (series, time) DO UPDATE SET
    n = r.n + excluded.n,
    mean = storage.merged_mean(r.n, r.mean, excluded.n, excluded.mean),
    m2 = storage.merged_m2(r.n, r.mean, r.m2, excluded.n, excluded.mean, excluded.m2),
    minimum = least(r.minimum, excluded.minimum),
    maximum = greatest(r.maximum, excluded.maximum),
    first = CASE WHEN (excluded.first_time, excluded.first) < (r.first_time, r.first)
                 THEN excluded.first ELSE r.first END,
    first_time = least(r.first_time, excluded.first_time),
    last = CASE WHEN (excluded.last_time, excluded.last) > (r.last_time, r.last)
                THEN excluded.last ELSE r.last END,
    last_time = greatest(r.last_time, excluded.last_time)
"""  # noqa: S608 -- made of the constants above

OVERLAP = """
SELECT d.device, b.epoch, l.stored * b.numbers
FROM unnest(%s::text[], %s::text[], %s::int8multirange[]) AS b (device, epoch, numbers)
JOIN storage.device AS d ON d.device = b.device
JOIN storage.ledger AS l ON l.device = d.id AND l.epoch = b.epoch
WHERE l.stored && b.numbers
"""

LEDGER = """
INSERT INTO storage.ledger AS l (device, epoch, stored, packs, readings)
SELECT * FROM unnest(%s::int[], %s::text[], %s::int8multirange[], %s::bigint[], %s::bigint[])
ON CONFLICT (device, epoch) DO UPDATE SET
    stored = l.stored + excluded.stored,
    packs = l.packs + excluded.packs,
    readings = l.readings + excluded.readings,
    updated = now()
"""

LEDGER_DAY = """
INSERT INTO storage.ledger_day AS l (device, epoch, day, first, packs)
SELECT * FROM unnest(%s::int[], %s::text[], %s::date[], %s::bigint[], %s::bigint[])
ON CONFLICT (device, epoch, day) DO UPDATE SET
    first = least(l.first, excluded.first), packs = l.packs + excluded.packs
"""

STORED = """
SELECT d.device, l.epoch, l.stored
FROM unnest(%s::text[], %s::text[]) AS b (device, epoch)
JOIN storage.device AS d ON d.device = b.device
JOIN storage.ledger AS l ON l.device = d.id AND l.epoch = b.epoch
ORDER BY l.updated
"""

ALL_STORED = """
SELECT d.device, l.epoch, l.stored
FROM storage.ledger AS l JOIN storage.device AS d ON d.id = l.device ORDER BY l.updated
"""

KNOWN_FOREIGN = """
SELECT b.place, f.value, f.text
FROM unnest(%s::int4[], %s::timestamptz[], %s::int4[])
    WITH ORDINALITY AS b (series, time, kind, place)
JOIN storage.foreign_reading AS f
    ON f.series = b.series AND f.time = b.time AND f.kind = b.kind
"""

SEEN = """
UPDATE storage.device AS d SET last_seen = greatest(d.last_seen, w.seen)
FROM unnest(%s::int4[], %s::timestamptz[]) AS w (id, seen) WHERE d.id = w.id
"""

REJECTED = """
INSERT INTO storage.rejected
    (time, origin, device, reason, payload, log, partition, "offset", number)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""

STATUS = """
UPDATE storage.device SET
    status = %(state)s, reason = %(reason)s,
    status_since = CASE WHEN %(since)s::timestamptz IS NOT NULL THEN %(since)s
                        WHEN status IS DISTINCT FROM %(state)s THEN %(received)s
                        ELSE status_since END,
    status_received = %(received)s,
    agent_version = coalesce(nullif(%(agent)s, ''), agent_version),
    last_seen = CASE WHEN %(state)s = 'online' THEN greatest(last_seen, %(received)s)
                     ELSE last_seen END
WHERE id = %(device)s AND (status_received IS NULL OR status_received <= %(received)s)
"""

BUFFER = """
INSERT INTO storage.ledger AS l (device, epoch, next, held, lost)
SELECT %(device)s, %(epoch)s, %(next)s, %(held)s::int8multirange, %(lost)s::int8multirange
WHERE EXISTS (SELECT FROM storage.device WHERE id = %(device)s AND status_received = %(received)s)
ON CONFLICT (device, epoch) DO UPDATE SET
    next = greatest(l.next, excluded.next), held = excluded.held, lost = l.lost + excluded.lost
"""

LOSS = """
INSERT INTO storage.loss AS l (device, epoch, reason, numbers)
SELECT %(device)s, %(epoch)s, w.*
FROM unnest(%(reasons)s::text[], %(numbers)s::int8multirange[]) AS w
ON CONFLICT (device, epoch, reason) DO UPDATE SET numbers = l.numbers + excluded.numbers
    WHERE NOT l.numbers @> excluded.numbers
"""

META = """
UPDATE storage.device SET
    meta_received = %(received)s, agent_version = coalesce(nullif(%(agent)s, ''), agent_version)
WHERE id = %(device)s AND (meta_received IS NULL OR meta_received <= %(received)s) RETURNING id
"""

CHANNELS = """
INSERT INTO storage.series AS s (device, channel, label, unit, minimum, maximum)
SELECT DISTINCT ON (c.channel) %(device)s, c.* FROM unnest(
    %(channels)s::text[], %(labels)s::text[], %(units)s::text[],
    %(minima)s::float8[], %(maxima)s::float8[]
) AS c (channel, label, unit, minimum, maximum)
ON CONFLICT (device, channel) DO UPDATE SET
    label = excluded.label, unit = coalesce(nullif(excluded.unit, ''), s.unit),
    minimum = excluded.minimum, maximum = excluded.maximum
"""
