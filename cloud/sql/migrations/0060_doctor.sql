-- `fieldline doctor` sends readings as a device of its own, which is none of the user's devices.
CREATE OR REPLACE VIEW fieldline.device AS
SELECT s.device, coalesce(nullif(c.label, ''), s.name, s.device) AS name,
       coalesce(nullif(c.site, ''), s.site) AS site,
       coalesce(c.latitude, s.latitude) AS latitude, coalesce(c.longitude, s.longitude) AS longitude,
       coalesce(t.status, s.status, 'unknown') AS status, s.last_seen, s.agent_version
FROM storage.device AS s
LEFT JOIN control.device AS c USING (device)
LEFT JOIN control.device_status AS t USING (device)
WHERE s.device <> 'fieldline-doctor';

CREATE OR REPLACE VIEW fieldline.channel AS
SELECT d.device, s.channel, s.label, s.unit, s.minimum, s.maximum
FROM storage.series AS s JOIN storage.device AS d ON d.id = s.device
WHERE d.device <> 'fieldline-doctor';

CREATE OR REPLACE VIEW fieldline.newest AS
SELECT d.device, s.channel, s.label, s.unit, r.last_time AS time, r.last AS value
FROM storage.series AS s
JOIN storage.device AS d ON d.id = s.device
CROSS JOIN LATERAL (
    SELECT last, last_time FROM storage.rollup_1d
    WHERE series = s.id ORDER BY time DESC LIMIT 1
) AS r
WHERE d.device <> 'fieldline-doctor';
