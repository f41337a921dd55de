-- What is watched for. A null device, channel or site means every one; names may hold `*`.
CREATE TABLE control.alert_rule (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
    kind text NOT NULL CHECK (kind IN ('threshold', 'rate', 'no data')),
    device text,
    channel text,
    site text,
    direction text CHECK (direction IN ('above', 'below')),
    threshold double precision,
    clear_at double precision, -- hysteresis: ends only when back here; null is the threshold
    for_s double precision NOT NULL DEFAULT 0 CHECK (for_s >= 0), -- the condition must hold so long
    window_s double precision CHECK (window_s > 0), -- rate: change a second over it; no data: silence
    severity text NOT NULL DEFAULT 'warning' CHECK (severity IN ('info', 'warning', 'critical')),
    enabled boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    created timestamptz NOT NULL DEFAULT now(),
    changed timestamptz NOT NULL DEFAULT now(), -- readings count from this event time on
    CHECK (kind = 'no data' OR (direction IS NOT NULL AND threshold IS NOT NULL)),
    CHECK (kind = 'threshold' OR window_s IS NOT NULL)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.alert_rule TO fieldline_control;
GRANT USAGE ON SCHEMA control TO fieldline_stream;
GRANT SELECT ON control.alert_rule, control.device TO fieldline_stream;

-- Who has seen an episode (storage.alert_episode; not referenced: the stream may take it back).
CREATE TABLE control.alert_acknowledgement (
    episode bigint PRIMARY KEY,
    by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    note text NOT NULL DEFAULT ''
);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.alert_acknowledgement TO fieldline_control;
