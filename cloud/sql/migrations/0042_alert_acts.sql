-- What people say about alerts, and whom alerts are told to.
CREATE TABLE control.alert_snooze (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule bigint REFERENCES control.alert_rule ON DELETE CASCADE, -- null: every rule
    device text,                                                 -- null: every device
    channel text,                                                -- null: every channel
    until timestamptz NOT NULL,
    by text NOT NULL,
    reason text NOT NULL DEFAULT '',
    created timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, DELETE ON control.alert_snooze TO fieldline_control;

CREATE TABLE control.maintenance_window (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device text, -- null: every device
    site text,   -- null: every site
    begins timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    by text NOT NULL,
    reason text NOT NULL DEFAULT '',
    created timestamptz NOT NULL DEFAULT now(),
    CHECK (begins < ends)
);
GRANT SELECT, INSERT, DELETE ON control.maintenance_window TO fieldline_control;

-- Secrets (a password, a signing key) are files, never here.
CREATE TABLE control.notification_target (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
    kind text NOT NULL CHECK (kind IN ('email', 'webhook', 'desktop')),
    settings jsonb NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')), -- the least
    most_an_hour int NOT NULL CHECK (most_an_hour > 0),
    enabled boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    created timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.notification_target TO fieldline_control;

-- One message to one target about one turn of one episode, exactly once. What it says is kept
-- here, because the stream may take an episode back.
CREATE TABLE control.notification (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target bigint NOT NULL REFERENCES control.notification_target ON DELETE CASCADE,
    episode bigint NOT NULL,
    what text NOT NULL CHECK (what IN ('firing', 'resolved')),
    said jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed', 'suppressed')),
    reason text NOT NULL DEFAULT '',
    attempts int NOT NULL DEFAULT 0,
    due timestamptz NOT NULL DEFAULT now(),
    created timestamptz NOT NULL DEFAULT now(),
    ended timestamptz,
    UNIQUE (target, episode, what)
);
CREATE INDEX ON control.notification (due) WHERE state = 'queued';
CREATE INDEX ON control.notification (target, ended);
GRANT SELECT, INSERT, UPDATE ON control.notification TO fieldline_control;
CREATE INDEX alert_episode_told ON storage.alert_episode (told);

-- Whether a pattern with `*` and `?` means a name; null means every one.
CREATE FUNCTION control.fits(name text, pattern text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT pattern IS NULL OR coalesce(name, '') LIKE replace(replace(
        regexp_replace(pattern, '([\\%_])', '\\\1', 'g'), '*', '%'), '?', '_')
$$;
GRANT SELECT ON storage.series TO fieldline_control;
