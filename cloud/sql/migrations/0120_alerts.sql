-- From when to when the API has seen readings get from the broker into the tables, without a break:
-- only then can a device be silent. One row; none where no API has looked yet.
CREATE TABLE control.carrying (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    began timestamptz NOT NULL,
    ended timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON control.carrying TO fieldline_control;
GRANT SELECT ON control.carrying TO fieldline_stream;

-- What is told together: `wait_s` gathers before a first message, `interval_s` before the next of
-- the same rule.
ALTER TABLE control.notification_target
    ADD COLUMN wait_s double precision NOT NULL DEFAULT 10 CHECK (wait_s >= 0),
    ADD COLUMN interval_s double precision NOT NULL DEFAULT 60 CHECK (interval_s >= 0);

-- The notification whose message tells of this one too, maybe its own; null: not yet decided.
ALTER TABLE control.notification ADD COLUMN message bigint;
UPDATE control.notification SET message = id WHERE state <> 'queued';
