-- Answers to requests that bore an Idempotency-Key, so that one sent again is answered again.
-- `name`, `request` and the key of `answer` are all derived from the header, which is not kept:
-- who reads this table learns nothing of what was answered.
CREATE TABLE control.idempotency (
    name bytea PRIMARY KEY CHECK (length(name) = 32),
    request bytea NOT NULL CHECK (length(request) = 32),
    answer bytea NOT NULL,
    kept timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON control.idempotency (kept);
GRANT SELECT, INSERT, DELETE ON control.idempotency TO fieldline_control;
