-- What devices are told. JSON that a device or a person wrote is kept as text: jsonb takes no NUL.
CREATE TABLE control.command (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device text NOT NULL REFERENCES control.device ON DELETE CASCADE,
    id text NOT NULL CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    command text NOT NULL,
    arguments text NOT NULL,
    person text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    expires timestamptz, -- null: never
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'done', 'refused',
                                                          'expired', 'no answer', 'withdrawn')),
    since timestamptz NOT NULL DEFAULT now(),
    result text,
    error text NOT NULL DEFAULT '',
    UNIQUE (device, id)
) WITH (fillfactor = 80);
CREATE INDEX ON control.command (device, number);
CREATE INDEX command_open ON control.command (number) WHERE state IN ('queued', 'sent', 'no answer');
GRANT SELECT, INSERT, UPDATE ON control.command TO fieldline_control;

-- What devices should do: of a group, of a device, and both merged, which is what is published.
CREATE TABLE control.device_group (
    name text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    label text NOT NULL DEFAULT '',
    priority int NOT NULL DEFAULT 0,
    sources text NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 1,
    created timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.device_group TO fieldline_control;

CREATE TABLE control.group_member (
    name text NOT NULL REFERENCES control.device_group ON DELETE CASCADE,
    device text NOT NULL REFERENCES control.device ON DELETE CASCADE,
    PRIMARY KEY (name, device)
);
CREATE INDEX ON control.group_member (device);
GRANT SELECT, INSERT, DELETE ON control.group_member TO fieldline_control;

CREATE TABLE control.device_configuration (
    device text PRIMARY KEY REFERENCES control.device ON DELETE CASCADE,
    sources text NOT NULL DEFAULT '{}', -- what is said of this device itself
    version bigint NOT NULL DEFAULT 0, -- of `sources`: its ETag
    desired text NOT NULL DEFAULT '{}', -- its groups' documents and `sources`, merged
    number bigint NOT NULL DEFAULT 0, -- of `desired`: the version that the device is told
    decided timestamptz,
    reported text,
    heard timestamptz,
    state text NOT NULL DEFAULT 'in step' CHECK (state IN ('in step', 'waiting for the device',
                                                           'refused', 'differs')),
    reason text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
GRANT SELECT, INSERT, UPDATE ON control.device_configuration TO fieldline_control;
