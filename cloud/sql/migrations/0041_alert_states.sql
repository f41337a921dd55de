-- How each rule stands for each series, and when it fired: written by the stream, in the transaction
-- that stores the readings. Nothing here refers to control, so that a rule can always be deleted.
DROP VIEW fieldline.alert;
DROP TABLE storage.alert;

-- A row from the first time on that a rule was not `ok`; `version` is that of the rule.
CREATE TABLE storage.alert (
    rule bigint NOT NULL,
    series int NOT NULL,
    version bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('ok', 'pending', 'firing')),
    since timestamptz NOT NULL,
    value double precision,
    PRIMARY KEY (rule, series)
) WITH (fillfactor = 70);

-- Name and severity are what the rule said then: the history outlives it.
CREATE TABLE storage.alert_episode (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule bigint NOT NULL,
    series int NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    began timestamptz NOT NULL,
    ended timestamptz,
    value double precision, -- when it began
    worst double precision,
    late boolean NOT NULL,  -- came with a backlog: history, not news
    told timestamptz NOT NULL DEFAULT now(),
    CHECK (ended >= began)
) WITH (fillfactor = 70);
CREATE INDEX alert_episode_series ON storage.alert_episode
    (series, rule, coalesce(ended, 'infinity'::timestamptz));
CREATE INDEX alert_episode_began ON storage.alert_episode (began);
CREATE UNIQUE INDEX alert_episode_open ON storage.alert_episode (rule, series) WHERE ended IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON storage.alert, storage.alert_episode TO fieldline_stream;
GRANT SELECT ON storage.alert, storage.alert_episode TO fieldline_control;

CREATE VIEW fieldline.alert AS
SELECT r.name AS rule, d.device, s.channel, a.state, a.since, a.value, k.by AS acknowledged_by
FROM storage.alert AS a
JOIN control.alert_rule AS r ON r.id = a.rule
JOIN storage.series AS s ON s.id = a.series
JOIN storage.device AS d ON d.id = s.device
LEFT JOIN storage.alert_episode AS e
    ON e.rule = a.rule AND e.series = a.series AND e.ended IS NULL
LEFT JOIN control.alert_acknowledgement AS k ON k.episode = e.id;

CREATE VIEW fieldline.alert_history AS
SELECT e.id AS episode, e.name AS rule, e.severity, d.device, s.channel, e.began, e.ended, e.value,
       e.worst, e.late
FROM storage.alert_episode AS e
JOIN storage.series AS s ON s.id = e.series
JOIN storage.device AS d ON d.id = s.device;

GRANT SELECT ON fieldline.alert, fieldline.alert_history
    TO fieldline_reader, fieldline_control, fieldline_stream;

-- From when on all raw readings are still there: only of that time history can be told anew. Retention
-- comes with a later migration; null if nothing has expired.
CREATE FUNCTION storage.raw_kept_from() RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT max(until) FROM storage.expired WHERE tier = 'raw');
END
$$;
REVOKE ALL ON FUNCTION storage.raw_kept_from FROM PUBLIC;
GRANT EXECUTE ON FUNCTION storage.raw_kept_from TO fieldline_stream;
