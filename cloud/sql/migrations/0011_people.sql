-- How people come in: a code that is used once, to set a password or to log in a panel.
CREATE TABLE control.code (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    person bigint NOT NULL REFERENCES control.person ON DELETE CASCADE,
    purpose text NOT NULL CHECK (purpose IN ('invitation', 'pairing')),
    expires timestamptz NOT NULL
);
CREATE INDEX ON control.code (person);
GRANT SELECT, INSERT, DELETE ON control.code TO fieldline_control;
