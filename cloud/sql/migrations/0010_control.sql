-- Who may do what. `fieldline_control` owns nothing: it may do what the API does, and no more.
CREATE SCHEMA control;
GRANT USAGE ON SCHEMA control TO fieldline_control;

CREATE TABLE control.person (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username text NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 63),
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    -- argon2id, as a PHC string; null until a first login sets it
    password text,
    disabled boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.person TO fieldline_control;

CREATE TABLE control.token (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person bigint NOT NULL REFERENCES control.person ON DELETE CASCADE,
    -- SHA-256 of the token, which is random
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    client text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    expires timestamptz,
    revoked timestamptz,
    last_used timestamptz,
    last_address text
);
CREATE INDEX ON control.token (person);
GRANT SELECT, INSERT, UPDATE ON control.token TO fieldline_control;

-- Append-only for the API's role: it may neither change nor delete.
CREATE TABLE control.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    person text NOT NULL,
    role text NOT NULL,
    address text NOT NULL,
    request text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before jsonb,
    after jsonb
);
CREATE INDEX ON control.audit (subject, id);
GRANT SELECT, INSERT ON control.audit TO fieldline_control;
