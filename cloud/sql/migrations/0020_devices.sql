-- Which devices there are, and by what each is known. A device that had a credential is never
-- deleted: its name stays as that of its history, and nobody can take it by accident.
CREATE TABLE control.device (
    device text PRIMARY KEY CHECK (device ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    kind text NOT NULL CHECK (kind IN ('agent', 'foreign')),
    label text NOT NULL DEFAULT '',
    site text NOT NULL DEFAULT '',
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    state text NOT NULL DEFAULT 'registered' CHECK (state IN ('registered', 'enrolled', 'revoked', 'gone')),
    reason text NOT NULL DEFAULT '',
    created timestamptz NOT NULL DEFAULT now(),
    enrolled timestamptz,
    revoked timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK ((latitude IS NULL) = (longitude IS NULL))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.device TO fieldline_control;

-- One login at the broker: a certificate (PEM; empty if only its name is known), or a password
-- (PBKDF2, salt and hash in base64, as the broker's plugin takes them).
CREATE TABLE control.credential (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device text NOT NULL REFERENCES control.device ON DELETE CASCADE,
    username text NOT NULL,
    certificate text,
    public_key bytea CHECK (length(public_key) = 32), -- SHA-256 of its SubjectPublicKeyInfo
    salt text,
    password text,
    iterations int,
    created timestamptz NOT NULL DEFAULT now(),
    withdrawn timestamptz,
    CHECK ((certificate IS NULL) <> (password IS NULL))
);
CREATE UNIQUE INDEX credential_in_use ON control.credential (username) WHERE withdrawn IS NULL;
CREATE INDEX ON control.credential (device);
GRANT SELECT, INSERT, UPDATE ON control.credential TO fieldline_control;

-- One-time tokens, as SHA-256.
CREATE TABLE control.enrolment (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    device text NOT NULL REFERENCES control.device ON DELETE CASCADE,
    person text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    expires timestamptz NOT NULL,
    used timestamptz,
    credential bigint REFERENCES control.credential
);
CREATE INDEX ON control.enrolment (device);
CREATE INDEX ON control.enrolment (expires);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.enrolment TO fieldline_control;

-- The registry says how a device is called and where it is.
CREATE OR REPLACE VIEW fieldline.device AS
SELECT s.device, coalesce(nullif(c.label, ''), s.name, s.device) AS name,
       coalesce(nullif(c.site, ''), s.site) AS site,
       coalesce(c.latitude, s.latitude) AS latitude, coalesce(c.longitude, s.longitude) AS longitude,
       coalesce(s.status, 'unknown') AS status, s.last_seen, s.agent_version
FROM storage.device AS s LEFT JOIN control.device AS c USING (device);
