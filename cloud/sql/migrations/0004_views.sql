CREATE FUNCTION storage.count(numbers int8multirange) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT coalesce(sum(upper(range) - lower(range)), 0)::bigint FROM unnest(numbers) AS range
$$;

CREATE VIEW fieldline.device AS
SELECT device, coalesce(name, device) AS name, site, latitude, longitude,
       coalesce(status, 'unknown') AS status, last_seen, agent_version
FROM storage.device;

-- Why a device has the status that it has.
CREATE VIEW fieldline.device_status AS
SELECT device, coalesce(status, 'unknown') AS status, coalesce(reason, '') AS reason,
       status_since AS since, status_received AS received, last_seen
FROM storage.device;

CREATE VIEW fieldline.channel AS
SELECT d.device, s.channel, s.label, s.unit, s.minimum, s.maximum
FROM storage.series AS s JOIN storage.device AS d ON d.id = s.device;

CREATE VIEW fieldline.reading AS
SELECT r.time, d.device, s.channel, r.value, r.text, k.unit, k.quality, r.received
FROM (
    SELECT time, received, value, series, kind, text FROM storage.reading
    UNION ALL
    SELECT time, received, value, series, kind, text FROM storage.foreign_reading
) AS r
JOIN storage.series AS s ON s.id = r.series
JOIN storage.device AS d ON d.id = s.device
JOIN storage.kind AS k ON k.id = r.kind;

CREATE VIEW fieldline.rollup_1m AS
SELECT r.time, d.device, s.channel, r.n, r.mean,
       CASE WHEN r.n > 1 THEN sqrt(r.m2 / (r.n - 1)) END AS stddev,
       r.minimum, r.maximum, r.first, r.last
FROM storage.rollup_1m AS r
JOIN storage.series AS s ON s.id = r.series
JOIN storage.device AS d ON d.id = s.device;

CREATE VIEW fieldline.rollup_1h AS
SELECT r.time, d.device, s.channel, r.n, r.mean,
       CASE WHEN r.n > 1 THEN sqrt(r.m2 / (r.n - 1)) END AS stddev,
       r.minimum, r.maximum, r.first, r.last
FROM storage.rollup_1h AS r
JOIN storage.series AS s ON s.id = r.series
JOIN storage.device AS d ON d.id = s.device;

CREATE VIEW fieldline.rollup_1d AS
SELECT r.time, d.device, s.channel, r.n, r.mean,
       CASE WHEN r.n > 1 THEN sqrt(r.m2 / (r.n - 1)) END AS stddev,
       r.minimum, r.maximum, r.first, r.last
FROM storage.rollup_1d AS r
JOIN storage.series AS s ON s.id = r.series
JOIN storage.device AS d ON d.id = s.device;

-- A number that is stored is stored, whatever an older status says of it.
CREATE VIEW fieldline.completeness AS
SELECT d.device, l.epoch, 0::bigint AS first_seq, e.last_seq, c.stored,
       e.last_seq + 1 - c.stored - c.on_device - c.lost AS missing, c.on_device, c.lost
FROM storage.ledger AS l
JOIN storage.device AS d ON d.id = l.device
CROSS JOIN LATERAL (
    SELECT greatest(l.next, upper(l.stored), upper(l.held), upper(l.lost)) - 1 AS last_seq
) AS e
CROSS JOIN LATERAL (
    SELECT storage.count(l.stored) AS stored,
           storage.count(l.held - l.stored) AS on_device,
           storage.count(l.lost - l.held - l.stored) AS lost
) AS c;

CREATE VIEW fieldline.correlation AS
SELECT c.time, c.width, dx.device AS device_x, x.channel AS channel_x, dy.device AS device_y, y.channel AS channel_y,
       c.n, c.c_xy / nullif(sqrt(c.m2_x) * sqrt(c.m2_y), 0) AS r, c.c_xy / nullif(c.m2_x, 0) AS slope,
       c.mean_y - c.c_xy / nullif(c.m2_x, 0) * c.mean_x AS intercept
FROM storage.correlation AS c
JOIN storage.series AS x ON x.id = c.series_x
JOIN storage.device AS dx ON dx.id = x.device
JOIN storage.series AS y ON y.id = c.series_y
JOIN storage.device AS dy ON dy.id = y.device;

CREATE VIEW fieldline.alert AS
SELECT a.rule, d.device, s.channel, a.state, a.since, a.value, a.acknowledged_by
FROM storage.alert AS a
JOIN storage.series AS s ON s.id = a.series
JOIN storage.device AS d ON d.id = s.device;

CREATE VIEW fieldline.rejected AS
SELECT time, origin, device, reason, payload FROM storage.rejected;

GRANT SELECT ON ALL TABLES IN SCHEMA fieldline TO fieldline_reader, fieldline_control, fieldline_stream;
