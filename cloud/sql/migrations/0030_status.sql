-- How each device does, as the API judges it; one row a device, and one a change.
CREATE TABLE control.device_status (
    device text PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('online', 'late', 'offline', 'never seen', 'revoked',
                                           'clock unknown', 'buffer filling', 'source failing')),
    reason text NOT NULL,
    since timestamptz NOT NULL,
    -- seconds that usually lie between two arrivals of readings
    usual real NOT NULL
) WITH (fillfactor = 70);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.device_status TO fieldline_control;

CREATE TABLE control.status_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device text NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL
);
CREATE INDEX ON control.status_history (device, id);
GRANT SELECT, INSERT ON control.status_history TO fieldline_control;

-- When readings of a device were stored last. A device that says a status is seen by that too; one
-- of another make only by its readings.
CREATE VIEW control.arrival AS
SELECT d.device, CASE WHEN d.status IS NULL THEN d.last_seen ELSE l.updated END AS time
FROM storage.device AS d
LEFT JOIN (
    SELECT device, max(updated) AS updated FROM storage.ledger WHERE packs > 0 GROUP BY device
) AS l ON l.device = d.id;
GRANT SELECT ON control.arrival TO fieldline_control;

CREATE OR REPLACE VIEW fieldline.device AS
SELECT s.device, coalesce(nullif(c.label, ''), s.name, s.device) AS name,
       coalesce(nullif(c.site, ''), s.site) AS site,
       coalesce(c.latitude, s.latitude) AS latitude, coalesce(c.longitude, s.longitude) AS longitude,
       coalesce(t.status, s.status, 'unknown') AS status, s.last_seen, s.agent_version
FROM storage.device AS s
LEFT JOIN control.device AS c USING (device)
LEFT JOIN control.device_status AS t USING (device);

CREATE OR REPLACE VIEW fieldline.device_status AS
SELECT s.device, coalesce(t.status, s.status, 'unknown') AS status,
       coalesce(t.reason, s.reason, '') AS reason, coalesce(t.since, s.status_since) AS since,
       s.status_received AS received, s.last_seen
FROM storage.device AS s LEFT JOIN control.device_status AS t USING (device);
