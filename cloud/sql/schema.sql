CREATE SCHEMA fieldline;

ALTER SCHEMA fieldline OWNER TO fieldline_owner;

CREATE SCHEMA storage;

ALTER SCHEMA storage OWNER TO fieldline_owner;

CREATE FUNCTION storage.count(numbers int8multirange) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT coalesce(sum(upper(range) - lower(range)), 0)::bigint FROM unnest(numbers) AS range
$$;

ALTER FUNCTION storage.count(numbers int8multirange) OWNER TO fieldline_owner;

CREATE FUNCTION storage.ensure_month(month date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
    first_of_month timestamptz := date_trunc('month', month::timestamptz);
    first_of_year timestamptz := date_trunc('year', month::timestamptz);
BEGIN
    IF month IS NULL OR month < '2000-01-01' OR month > now() + interval '2 days' THEN
        RAISE EXCEPTION 'no partition is made for %: a reading''s time is between 2000 and now', month;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('fieldline.partitions'));
    PERFORM storage.make_partition('reading', 'reading_' || to_char(first_of_month, 'YYYY_MM'),
                                   first_of_month, first_of_month + interval '1 month', '');
    PERFORM storage.make_partition('foreign_reading', 'foreign_reading_' || to_char(first_of_month, 'YYYY_MM'),
                                   first_of_month, first_of_month + interval '1 month', '');
    PERFORM storage.make_partition('rollup_1m', 'rollup_1m_' || to_char(first_of_month, 'YYYY_MM'),
                                   first_of_month, first_of_month + interval '1 month', 'WITH (fillfactor = 50)');
    PERFORM storage.make_partition('rollup_1h', 'rollup_1h_' || to_char(first_of_year, 'YYYY'),
                                   first_of_year, first_of_year + interval '1 year', 'WITH (fillfactor = 50)');
END
$$;

ALTER FUNCTION storage.ensure_month(month date) OWNER TO fieldline_owner;

CREATE FUNCTION storage.make_partition(parent text, child text, lower timestamp with time zone, upper timestamp with time zone, options text) RETURNS void
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    AS $$
BEGIN
    IF to_regclass('storage.' || quote_ident(child)) IS NULL THEN
        -- Attached afterwards, because CREATE TABLE … PARTITION OF would shut out every reader.
        EXECUTE format('CREATE TABLE storage.%I (LIKE storage.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) %s',
                       child, parent, options);
        EXECUTE format('ALTER TABLE storage.%I ATTACH PARTITION storage.%I FOR VALUES FROM (%L) TO (%L)',
                       parent, child, lower, upper);
    END IF;
END
$$;

ALTER FUNCTION storage.make_partition(parent text, child text, lower timestamp with time zone, upper timestamp with time zone, options text) OWNER TO fieldline_owner;

CREATE FUNCTION storage.merged_m2(n1 bigint, mean1 double precision, m2_1 double precision, n2 bigint, mean2 double precision, m2_2 double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN abs(mean2 - mean1) < 1e-140 THEN
            CASE WHEN m2_1 / 4 + m2_2 / 4 > 4.4e307 THEN 'Infinity' ELSE m2_1 + m2_2 END
        WHEN m2_1 / 4 + m2_2 / 4
             + (mean2 - mean1) / 2 * ((mean2 - mean1) / 2) * (n1::double precision * n2 / (n1 + n2)) > 4.4e307 THEN
            'Infinity'
        ELSE m2_1 + m2_2 + (mean2 - mean1) * (mean2 - mean1) * (n1::double precision * n2 / (n1 + n2))
    END
$$;

ALTER FUNCTION storage.merged_m2(n1 bigint, mean1 double precision, m2_1 double precision, n2 bigint, mean2 double precision, m2_2 double precision) OWNER TO fieldline_owner;

CREATE FUNCTION storage.merged_mean(n1 bigint, mean1 double precision, n2 bigint, mean2 double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN abs(mean2 - mean1) < 1e-140 THEN mean1
                ELSE mean1 + (mean2 - mean1) * (n2::double precision / (n1 + n2)) END
$$;

ALTER FUNCTION storage.merged_mean(n1 bigint, mean1 double precision, n2 bigint, mean2 double precision) OWNER TO fieldline_owner;

CREATE TABLE storage.alert (
    rule text NOT NULL,
    series integer NOT NULL,
    state text NOT NULL,
    since timestamp with time zone NOT NULL,
    value double precision,
    acknowledged_by text
);

ALTER TABLE storage.alert OWNER TO fieldline_owner;

CREATE TABLE storage.device (
    id integer NOT NULL,
    device text NOT NULL,
    name text,
    site text,
    latitude double precision,
    longitude double precision,
    status text,
    reason text,
    status_since timestamp with time zone,
    status_received timestamp with time zone,
    meta_received timestamp with time zone,
    last_seen timestamp with time zone,
    agent_version text
);

ALTER TABLE storage.device OWNER TO fieldline_owner;

CREATE TABLE storage.series (
    id integer NOT NULL,
    device integer NOT NULL,
    channel text NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    unit text DEFAULT ''::text NOT NULL,
    minimum double precision,
    maximum double precision
);

ALTER TABLE storage.series OWNER TO fieldline_owner;

CREATE VIEW fieldline.alert AS
 SELECT a.rule,
    d.device,
    s.channel,
    a.state,
    a.since,
    a.value,
    a.acknowledged_by
   FROM ((storage.alert a
     JOIN storage.series s ON ((s.id = a.series)))
     JOIN storage.device d ON ((d.id = s.device)));

ALTER TABLE fieldline.alert OWNER TO fieldline_owner;

CREATE TABLE storage.ledger (
    device integer NOT NULL,
    epoch text NOT NULL,
    stored int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    packs bigint DEFAULT 0 NOT NULL,
    readings bigint DEFAULT 0 NOT NULL,
    next bigint DEFAULT 0 NOT NULL,
    held int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    lost int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE storage.ledger OWNER TO fieldline_owner;

CREATE TABLE storage.reading (
    "time" timestamp with time zone NOT NULL,
    received timestamp with time zone NOT NULL,
    value double precision,
    series integer NOT NULL,
    kind integer NOT NULL,
    text text
)
PARTITION BY RANGE ("time");

ALTER TABLE storage.reading OWNER TO fieldline_owner;

CREATE VIEW fieldline.audit AS
 SELECT d.device,
    l.packs,
    l.stored,
    l.readings AS readings_booked,
    COALESCE(r.n, (0)::bigint) AS readings_found
   FROM ((( SELECT ledger.device,
            (sum(ledger.packs))::bigint AS packs,
            (sum(storage.count(ledger.stored)))::bigint AS stored,
            (sum(ledger.readings))::bigint AS readings
           FROM storage.ledger
          GROUP BY ledger.device) l
     JOIN storage.device d ON ((d.id = l.device)))
     LEFT JOIN ( SELECT s.device,
            (sum(c.n))::bigint AS n
           FROM (( SELECT reading.series,
                    count(*) AS n
                   FROM storage.reading
                  GROUP BY reading.series) c
             JOIN storage.series s ON ((s.id = c.series)))
          GROUP BY s.device) r ON ((r.device = l.device)));

ALTER TABLE fieldline.audit OWNER TO fieldline_owner;

CREATE VIEW fieldline.channel AS
 SELECT d.device,
    s.channel,
    s.label,
    s.unit,
    s.minimum,
    s.maximum
   FROM (storage.series s
     JOIN storage.device d ON ((d.id = s.device)));

ALTER TABLE fieldline.channel OWNER TO fieldline_owner;

CREATE VIEW fieldline.completeness AS
 SELECT d.device,
    l.epoch,
    (0)::bigint AS first_seq,
    e.last_seq,
    c.stored,
    ((((e.last_seq + 1) - c.stored) - c.on_device) - c.lost) AS missing,
    c.on_device,
    c.lost
   FROM (((storage.ledger l
     JOIN storage.device d ON ((d.id = l.device)))
     CROSS JOIN LATERAL ( SELECT (GREATEST(l.next, upper(l.stored), upper(l.held), upper(l.lost)) - 1) AS last_seq) e)
     CROSS JOIN LATERAL ( SELECT storage.count(l.stored) AS stored,
            storage.count((l.held - l.stored)) AS on_device,
            storage.count(((l.lost - l.held) - l.stored)) AS lost) c);

ALTER TABLE fieldline.completeness OWNER TO fieldline_owner;

CREATE TABLE storage.correlation (
    "time" timestamp with time zone NOT NULL,
    width interval NOT NULL,
    series_x integer NOT NULL,
    series_y integer NOT NULL,
    n bigint NOT NULL,
    mean_x double precision NOT NULL,
    mean_y double precision NOT NULL,
    m2_x double precision NOT NULL,
    m2_y double precision NOT NULL,
    c_xy double precision NOT NULL
);

ALTER TABLE storage.correlation OWNER TO fieldline_owner;

CREATE VIEW fieldline.correlation AS
 SELECT c."time",
    c.width,
    dx.device AS device_x,
    x.channel AS channel_x,
    dy.device AS device_y,
    y.channel AS channel_y,
    c.n,
    (c.c_xy / NULLIF((sqrt(c.m2_x) * sqrt(c.m2_y)), (0)::double precision)) AS r,
    (c.c_xy / NULLIF(c.m2_x, (0)::double precision)) AS slope,
    (c.mean_y - ((c.c_xy / NULLIF(c.m2_x, (0)::double precision)) * c.mean_x)) AS intercept
   FROM ((((storage.correlation c
     JOIN storage.series x ON ((x.id = c.series_x)))
     JOIN storage.device dx ON ((dx.id = x.device)))
     JOIN storage.series y ON ((y.id = c.series_y)))
     JOIN storage.device dy ON ((dy.id = y.device)));

ALTER TABLE fieldline.correlation OWNER TO fieldline_owner;

CREATE VIEW fieldline.device AS
 SELECT device.device,
    COALESCE(device.name, device.device) AS name,
    device.site,
    device.latitude,
    device.longitude,
    COALESCE(device.status, 'unknown'::text) AS status,
    device.last_seen,
    device.agent_version
   FROM storage.device;

ALTER TABLE fieldline.device OWNER TO fieldline_owner;

CREATE VIEW fieldline.device_status AS
 SELECT device.device,
    COALESCE(device.status, 'unknown'::text) AS status,
    COALESCE(device.reason, ''::text) AS reason,
    device.status_since AS since,
    device.status_received AS received,
    device.last_seen
   FROM storage.device;

ALTER TABLE fieldline.device_status OWNER TO fieldline_owner;

CREATE TABLE storage.rollup_1d (
    "time" timestamp with time zone NOT NULL,
    series integer NOT NULL,
    n bigint NOT NULL,
    mean double precision NOT NULL,
    m2 double precision NOT NULL,
    minimum double precision NOT NULL,
    maximum double precision NOT NULL,
    first double precision NOT NULL,
    first_time timestamp with time zone NOT NULL,
    last double precision NOT NULL,
    last_time timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE storage.rollup_1d OWNER TO fieldline_owner;

CREATE VIEW fieldline.newest AS
 SELECT d.device,
    s.channel,
    s.label,
    s.unit,
    r.last_time AS "time",
    r.last AS value
   FROM ((storage.series s
     JOIN storage.device d ON ((d.id = s.device)))
     CROSS JOIN LATERAL ( SELECT rollup_1d.last,
            rollup_1d.last_time
           FROM storage.rollup_1d
          WHERE (rollup_1d.series = s.id)
          ORDER BY rollup_1d."time" DESC
         LIMIT 1) r);

ALTER TABLE fieldline.newest OWNER TO fieldline_owner;

CREATE TABLE storage.foreign_reading (
    "time" timestamp with time zone NOT NULL,
    received timestamp with time zone NOT NULL,
    value double precision,
    series integer NOT NULL,
    kind integer NOT NULL,
    text text
)
PARTITION BY RANGE ("time");

ALTER TABLE storage.foreign_reading OWNER TO fieldline_owner;

CREATE TABLE storage.kind (
    id integer NOT NULL,
    unit text NOT NULL,
    quality text NOT NULL,
    CONSTRAINT kind_quality_check CHECK ((quality = ANY (ARRAY['synced'::text, 'corrected'::text, 'estimated'::text])))
);

ALTER TABLE storage.kind OWNER TO fieldline_owner;

CREATE VIEW fieldline.reading AS
 SELECT r."time",
    d.device,
    s.channel,
    r.value,
    r.text,
    k.unit,
    k.quality,
    r.received
   FROM (((( SELECT reading."time",
            reading.received,
            reading.value,
            reading.series,
            reading.kind,
            reading.text
           FROM storage.reading
        UNION ALL
         SELECT foreign_reading."time",
            foreign_reading.received,
            foreign_reading.value,
            foreign_reading.series,
            foreign_reading.kind,
            foreign_reading.text
           FROM storage.foreign_reading) r
     JOIN storage.series s ON ((s.id = r.series)))
     JOIN storage.device d ON ((d.id = s.device)))
     JOIN storage.kind k ON ((k.id = r.kind)));

ALTER TABLE fieldline.reading OWNER TO fieldline_owner;

CREATE TABLE storage.rejected (
    "time" timestamp with time zone NOT NULL,
    origin text NOT NULL,
    device text NOT NULL,
    reason text NOT NULL,
    payload bytea NOT NULL,
    log text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    number integer NOT NULL
);

ALTER TABLE storage.rejected OWNER TO fieldline_owner;

CREATE VIEW fieldline.rejected AS
 SELECT rejected."time",
    rejected.origin,
    rejected.device,
    rejected.reason,
    rejected.payload
   FROM storage.rejected;

ALTER TABLE fieldline.rejected OWNER TO fieldline_owner;

CREATE VIEW fieldline.rollup_1d AS
 SELECT r."time",
    d.device,
    s.channel,
    r.n,
    r.mean,
        CASE
            WHEN (r.n > 1) THEN sqrt((r.m2 / ((r.n - 1))::double precision))
            ELSE NULL::double precision
        END AS stddev,
    r.minimum,
    r.maximum,
    r.first,
    r.last
   FROM ((storage.rollup_1d r
     JOIN storage.series s ON ((s.id = r.series)))
     JOIN storage.device d ON ((d.id = s.device)));

ALTER TABLE fieldline.rollup_1d OWNER TO fieldline_owner;

CREATE TABLE storage.rollup_1h (
    "time" timestamp with time zone NOT NULL,
    series integer NOT NULL,
    n bigint NOT NULL,
    mean double precision NOT NULL,
    m2 double precision NOT NULL,
    minimum double precision NOT NULL,
    maximum double precision NOT NULL,
    first double precision NOT NULL,
    first_time timestamp with time zone NOT NULL,
    last double precision NOT NULL,
    last_time timestamp with time zone NOT NULL
)
PARTITION BY RANGE ("time");

ALTER TABLE storage.rollup_1h OWNER TO fieldline_owner;

CREATE VIEW fieldline.rollup_1h AS
 SELECT r."time",
    d.device,
    s.channel,
    r.n,
    r.mean,
        CASE
            WHEN (r.n > 1) THEN sqrt((r.m2 / ((r.n - 1))::double precision))
            ELSE NULL::double precision
        END AS stddev,
    r.minimum,
    r.maximum,
    r.first,
    r.last
   FROM ((storage.rollup_1h r
     JOIN storage.series s ON ((s.id = r.series)))
     JOIN storage.device d ON ((d.id = s.device)));

ALTER TABLE fieldline.rollup_1h OWNER TO fieldline_owner;

CREATE TABLE storage.rollup_1m (
    "time" timestamp with time zone NOT NULL,
    series integer NOT NULL,
    n bigint NOT NULL,
    mean double precision NOT NULL,
    m2 double precision NOT NULL,
    minimum double precision NOT NULL,
    maximum double precision NOT NULL,
    first double precision NOT NULL,
    first_time timestamp with time zone NOT NULL,
    last double precision NOT NULL,
    last_time timestamp with time zone NOT NULL
)
PARTITION BY RANGE ("time");

ALTER TABLE storage.rollup_1m OWNER TO fieldline_owner;

CREATE VIEW fieldline.rollup_1m AS
 SELECT r."time",
    d.device,
    s.channel,
    r.n,
    r.mean,
        CASE
            WHEN (r.n > 1) THEN sqrt((r.m2 / ((r.n - 1))::double precision))
            ELSE NULL::double precision
        END AS stddev,
    r.minimum,
    r.maximum,
    r.first,
    r.last
   FROM ((storage.rollup_1m r
     JOIN storage.series s ON ((s.id = r.series)))
     JOIN storage.device d ON ((d.id = s.device)));

ALTER TABLE fieldline.rollup_1m OWNER TO fieldline_owner;

ALTER TABLE storage.device ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME storage.device_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE storage.kind ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME storage.kind_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE storage.migration (
    name text NOT NULL,
    checksum text NOT NULL,
    applied timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE storage.migration OWNER TO fieldline_owner;

ALTER TABLE storage.series ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME storage.series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY storage.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (rule, series);

ALTER TABLE ONLY storage.correlation
    ADD CONSTRAINT correlation_pkey PRIMARY KEY (series_x, series_y, width, "time");

ALTER TABLE ONLY storage.device
    ADD CONSTRAINT device_device_key UNIQUE (device);

ALTER TABLE ONLY storage.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (id);

ALTER TABLE ONLY storage.foreign_reading
    ADD CONSTRAINT foreign_reading_pkey PRIMARY KEY (series, "time");

ALTER TABLE ONLY storage.kind
    ADD CONSTRAINT kind_pkey PRIMARY KEY (id);

ALTER TABLE ONLY storage.kind
    ADD CONSTRAINT kind_unit_quality_key UNIQUE (unit, quality);

ALTER TABLE ONLY storage.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (device, epoch);

ALTER TABLE ONLY storage.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY storage.rejected
    ADD CONSTRAINT rejected_pkey PRIMARY KEY (log, partition, "offset", number, "time");

ALTER TABLE ONLY storage.rollup_1d
    ADD CONSTRAINT rollup_1d_pkey PRIMARY KEY (series, "time");

ALTER TABLE ONLY storage.rollup_1h
    ADD CONSTRAINT rollup_1h_pkey PRIMARY KEY (series, "time");

ALTER TABLE ONLY storage.rollup_1m
    ADD CONSTRAINT rollup_1m_pkey PRIMARY KEY (series, "time");

ALTER TABLE ONLY storage.series
    ADD CONSTRAINT series_device_channel_key UNIQUE (device, channel);

ALTER TABLE ONLY storage.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (id);

CREATE INDEX reading_time_series ON ONLY storage.reading USING brin ("time", series) WITH (pages_per_range='16', autosummarize='on');

CREATE INDEX rejected_time ON storage.rejected USING btree ("time");

ALTER TABLE ONLY storage.alert
    ADD CONSTRAINT alert_series_fkey FOREIGN KEY (series) REFERENCES storage.series(id);

ALTER TABLE ONLY storage.correlation
    ADD CONSTRAINT correlation_series_x_fkey FOREIGN KEY (series_x) REFERENCES storage.series(id);

ALTER TABLE ONLY storage.correlation
    ADD CONSTRAINT correlation_series_y_fkey FOREIGN KEY (series_y) REFERENCES storage.series(id);

ALTER TABLE ONLY storage.ledger
    ADD CONSTRAINT ledger_device_fkey FOREIGN KEY (device) REFERENCES storage.device(id);

ALTER TABLE ONLY storage.series
    ADD CONSTRAINT series_device_fkey FOREIGN KEY (device) REFERENCES storage.device(id);

GRANT USAGE ON SCHEMA fieldline TO fieldline_stream;
GRANT USAGE ON SCHEMA fieldline TO fieldline_control;
GRANT USAGE ON SCHEMA fieldline TO fieldline_reader;

GRANT USAGE ON SCHEMA storage TO fieldline_stream;
GRANT USAGE ON SCHEMA storage TO fieldline_control;

REVOKE ALL ON FUNCTION storage.ensure_month(month date) FROM PUBLIC;
GRANT ALL ON FUNCTION storage.ensure_month(month date) TO fieldline_stream;

REVOKE ALL ON FUNCTION storage.make_partition(parent text, child text, lower timestamp with time zone, upper timestamp with time zone, options text) FROM PUBLIC;

GRANT SELECT,INSERT,UPDATE ON TABLE storage.alert TO fieldline_stream;
GRANT SELECT ON TABLE storage.alert TO fieldline_control;

GRANT UPDATE(acknowledged_by) ON TABLE storage.alert TO fieldline_control;

GRANT SELECT ON TABLE storage.device TO fieldline_stream;
GRANT SELECT ON TABLE storage.device TO fieldline_control;

GRANT INSERT(device) ON TABLE storage.device TO fieldline_stream;
GRANT INSERT(device) ON TABLE storage.device TO fieldline_control;

GRANT INSERT(name),UPDATE(name) ON TABLE storage.device TO fieldline_control;

GRANT INSERT(site),UPDATE(site) ON TABLE storage.device TO fieldline_control;

GRANT INSERT(latitude),UPDATE(latitude) ON TABLE storage.device TO fieldline_control;

GRANT INSERT(longitude),UPDATE(longitude) ON TABLE storage.device TO fieldline_control;

GRANT INSERT(status),UPDATE(status) ON TABLE storage.device TO fieldline_stream;

GRANT INSERT(reason),UPDATE(reason) ON TABLE storage.device TO fieldline_stream;

GRANT INSERT(status_since),UPDATE(status_since) ON TABLE storage.device TO fieldline_stream;

GRANT INSERT(status_received),UPDATE(status_received) ON TABLE storage.device TO fieldline_stream;

GRANT INSERT(meta_received),UPDATE(meta_received) ON TABLE storage.device TO fieldline_stream;

GRANT INSERT(last_seen),UPDATE(last_seen) ON TABLE storage.device TO fieldline_stream;

GRANT INSERT(agent_version),UPDATE(agent_version) ON TABLE storage.device TO fieldline_stream;

GRANT SELECT ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(device) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(channel) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(label),UPDATE(label) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(unit),UPDATE(unit) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(minimum),UPDATE(minimum) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(maximum),UPDATE(maximum) ON TABLE storage.series TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.alert TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.alert TO fieldline_control;
GRANT SELECT ON TABLE fieldline.alert TO fieldline_stream;

GRANT SELECT,INSERT,UPDATE ON TABLE storage.ledger TO fieldline_stream;

GRANT SELECT,INSERT ON TABLE storage.reading TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.audit TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.audit TO fieldline_control;
GRANT SELECT ON TABLE fieldline.audit TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.channel TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.channel TO fieldline_control;
GRANT SELECT ON TABLE fieldline.channel TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.completeness TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.completeness TO fieldline_control;
GRANT SELECT ON TABLE fieldline.completeness TO fieldline_stream;

GRANT SELECT,INSERT,UPDATE ON TABLE storage.correlation TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.correlation TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.correlation TO fieldline_control;
GRANT SELECT ON TABLE fieldline.correlation TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.device TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.device TO fieldline_control;
GRANT SELECT ON TABLE fieldline.device TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.device_status TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.device_status TO fieldline_control;
GRANT SELECT ON TABLE fieldline.device_status TO fieldline_stream;

GRANT SELECT,INSERT,UPDATE ON TABLE storage.rollup_1d TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.newest TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.newest TO fieldline_control;
GRANT SELECT ON TABLE fieldline.newest TO fieldline_stream;

GRANT SELECT,INSERT ON TABLE storage.foreign_reading TO fieldline_stream;

GRANT SELECT,INSERT ON TABLE storage.kind TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.reading TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.reading TO fieldline_control;
GRANT SELECT ON TABLE fieldline.reading TO fieldline_stream;

GRANT SELECT,INSERT ON TABLE storage.rejected TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.rejected TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.rejected TO fieldline_control;
GRANT SELECT ON TABLE fieldline.rejected TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.rollup_1d TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.rollup_1d TO fieldline_control;
GRANT SELECT ON TABLE fieldline.rollup_1d TO fieldline_stream;

GRANT SELECT,INSERT,UPDATE ON TABLE storage.rollup_1h TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.rollup_1h TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.rollup_1h TO fieldline_control;
GRANT SELECT ON TABLE fieldline.rollup_1h TO fieldline_stream;

GRANT SELECT,INSERT,UPDATE ON TABLE storage.rollup_1m TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.rollup_1m TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.rollup_1m TO fieldline_control;
GRANT SELECT ON TABLE fieldline.rollup_1m TO fieldline_stream;

GRANT SELECT ON TABLE storage.migration TO fieldline_stream;
