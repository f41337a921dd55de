CREATE TABLE storage.device (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device text NOT NULL UNIQUE,
    name text,
    site text,
    latitude double precision,
    longitude double precision,
    status text, -- as the device or its will says: online or offline
    reason text,
    status_since timestamptz,
    status_received timestamptz, -- an older status must not overwrite a newer one
    meta_received timestamptz,
    last_seen timestamptz,
    agent_version text
);

CREATE TABLE storage.series (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device int NOT NULL REFERENCES storage.device,
    channel text NOT NULL,
    label text NOT NULL DEFAULT '',
    unit text NOT NULL DEFAULT '',
    minimum double precision,
    maximum double precision,
    UNIQUE (device, channel)
);

-- What is the same for very many readings, so that a raw row carries four bytes of it.
CREATE TABLE storage.kind (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit text NOT NULL,
    quality text NOT NULL CHECK (quality IN ('synced', 'corrected', 'estimated')),
    UNIQUE (unit, quality)
);

-- Columns in this order fill their alignment: 60 bytes a row with header and item pointer.
CREATE TABLE storage.reading (
    time timestamptz NOT NULL,
    received timestamptz NOT NULL,
    value double precision,
    series int NOT NULL,
    kind int NOT NULL,
    text text
) PARTITION BY RANGE (time);
CREATE INDEX reading_time_series ON storage.reading USING brin (time, series)
    WITH (pages_per_range = 16, autosummarize = on);

-- Readings of producers that number nothing: only their time tells a new one from one sent again.
CREATE TABLE storage.foreign_reading (
    time timestamptz NOT NULL,
    received timestamptz NOT NULL,
    value double precision,
    series int NOT NULL,
    kind int NOT NULL,
    text text,
    PRIMARY KEY (series, time)
) PARTITION BY RANGE (time);

-- m2 is the sum of squared deviations from the mean. Ties in time: first is the smallest value of
-- the earliest time, last the greatest of the latest, so that no order of arrival shows.
CREATE TABLE storage.rollup_1m (
    time timestamptz NOT NULL,
    series int NOT NULL,
    n bigint NOT NULL,
    mean double precision NOT NULL,
    m2 double precision NOT NULL,
    minimum double precision NOT NULL,
    maximum double precision NOT NULL,
    first double precision NOT NULL,
    first_time timestamptz NOT NULL,
    last double precision NOT NULL,
    last_time timestamptz NOT NULL,
    PRIMARY KEY (series, time)
) PARTITION BY RANGE (time);

CREATE TABLE storage.rollup_1h (
    LIKE storage.rollup_1m, PRIMARY KEY (series, time)
) PARTITION BY RANGE (time);

CREATE TABLE storage.rollup_1d (
    LIKE storage.rollup_1m, PRIMARY KEY (series, time)
) WITH (fillfactor = 50); -- room for updates on the page (HOT)

-- One row per (device, epoch), whatever was sent. `packs` and `readings` are counted apart from
-- `stored`, so that `verify` can tell a pack that was stored twice.
CREATE TABLE storage.ledger (
    device int NOT NULL REFERENCES storage.device,
    epoch text NOT NULL,
    stored int8multirange NOT NULL DEFAULT '{}',
    packs bigint NOT NULL DEFAULT 0,
    readings bigint NOT NULL DEFAULT 0,
    next bigint NOT NULL DEFAULT 0,                -- from here on as the device says in its status
    held int8multirange NOT NULL DEFAULT '{}',
    lost int8multirange NOT NULL DEFAULT '{}',
    updated timestamptz NOT NULL DEFAULT now(),    -- the epoch touched last is the device's current one
    PRIMARY KEY (device, epoch)
) WITH (fillfactor = 50);

-- The record's place in Kafka makes a replay of the log harmless.
CREATE TABLE storage.rejected (
    time timestamptz NOT NULL,
    origin text NOT NULL,
    device text NOT NULL,
    reason text NOT NULL,
    payload bytea NOT NULL,
    log text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    number int NOT NULL, -- of the reason among those of this record
    PRIMARY KEY (log, partition, "offset", number, time)
);
CREATE INDEX rejected_time ON storage.rejected (time);

-- Co-moments of two series over windows of one width.
CREATE TABLE storage.correlation (
    time timestamptz NOT NULL,
    width interval NOT NULL,
    series_x int NOT NULL REFERENCES storage.series,
    series_y int NOT NULL REFERENCES storage.series,
    n bigint NOT NULL,
    mean_x double precision NOT NULL,
    mean_y double precision NOT NULL,
    m2_x double precision NOT NULL,
    m2_y double precision NOT NULL,
    c_xy double precision NOT NULL,
    PRIMARY KEY (series_x, series_y, width, time)
);

CREATE TABLE storage.alert (
    rule text NOT NULL,
    series int NOT NULL REFERENCES storage.series,
    state text NOT NULL,
    since timestamptz NOT NULL,
    value double precision,
    acknowledged_by text,
    PRIMARY KEY (rule, series)
);

GRANT SELECT ON ALL TABLES IN SCHEMA storage TO fieldline_stream;
GRANT INSERT ON storage.reading, storage.foreign_reading, storage.kind, storage.rejected
    TO fieldline_stream;
GRANT INSERT, UPDATE ON storage.rollup_1m, storage.rollup_1h, storage.rollup_1d, storage.ledger,
    storage.correlation, storage.alert TO fieldline_stream;
GRANT INSERT (device, status, reason, status_since, status_received, meta_received, last_seen, agent_version),
    UPDATE (status, reason, status_since, status_received, meta_received, last_seen, agent_version)
    ON storage.device TO fieldline_stream;
GRANT INSERT (device, channel, label, unit, minimum, maximum),
    UPDATE (label, unit, minimum, maximum) ON storage.series TO fieldline_stream;

GRANT SELECT, INSERT (device, name, site, latitude, longitude),
    UPDATE (name, site, latitude, longitude) ON storage.device TO fieldline_control;
GRANT SELECT, UPDATE (acknowledged_by) ON storage.alert TO fieldline_control;
