CREATE SCHEMA control;

ALTER SCHEMA control OWNER TO fieldline_owner;

CREATE SCHEMA fieldline;

ALTER SCHEMA fieldline OWNER TO fieldline_owner;

CREATE SCHEMA storage;

ALTER SCHEMA storage OWNER TO fieldline_owner;

CREATE FUNCTION control.fits(name text, pattern text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT pattern IS NULL OR coalesce(name, '') LIKE replace(replace(
        regexp_replace(pattern, '([\\%_])', '\\\1', 'g'), '*', '%'), '?', '_')
$$;

ALTER FUNCTION control.fits(name text, pattern text) OWNER TO fieldline_owner;

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

CREATE FUNCTION storage.ensure_records() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '800ms'
    AS $_$
DECLARE
    record record;
    month timestamptz;
    child text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('fieldline.partitions'));
    FOR record IN SELECT * FROM (VALUES ('storage', 'rejected', 'time'), ('control', 'status_history', 'since'),
                                        ('control', 'audit', 'time')) AS r (schema, name, key) LOOP
        FOR month IN EXECUTE format(
            'SELECT DISTINCT date_trunc(''month'', %1$I) FROM storage.%2$I WHERE %1$I BETWEEN ''2000-01-01'' AND now()
             UNION SELECT date_trunc(''month'', now()) UNION SELECT date_trunc(''month'', now()) + interval ''1 month''
             ORDER BY 1', record.key, record.name || '_rest')
        LOOP
            child := record.name || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass('storage.' || quote_ident(child)) IS NOT NULL;
            -- Who inserts must wait before it is decided which part a row belongs to.
            EXECUTE format('LOCK TABLE %I.%I IN SHARE ROW EXCLUSIVE MODE', record.schema, record.name);
            EXECUTE format('LOCK TABLE storage.%I IN ACCESS EXCLUSIVE MODE', record.name || '_rest');
            EXECUTE format('CREATE TABLE storage.%I (LIKE %I.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                           child, record.schema, record.name);
            EXECUTE format('WITH moved AS (DELETE FROM storage.%I WHERE %I >= %L AND %2$I < %4$L RETURNING *)
                            INSERT INTO storage.%5$I SELECT * FROM moved',
                           record.name || '_rest', record.key, month, month + interval '1 month', child);
            EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION storage.%I FOR VALUES FROM (%L) TO (%L)',
                           record.schema, record.name, child, month, month + interval '1 month');
        END LOOP;
    END LOOP;
END
$_$;

ALTER FUNCTION storage.ensure_records() OWNER TO fieldline_owner;

CREATE FUNCTION storage.expirable() RETURNS TABLE(tier text, since timestamp with time zone, until timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO'
    AS $$
DECLARE
    part record;
    filled boolean;
BEGIN
    FOR part IN
        SELECT p.* FROM storage.part AS p JOIN storage.retention AS r USING (tier)
        WHERE p.until <= now() - make_interval(days => r.days)
        ORDER BY array_position(ARRAY['raw', '1m', '1h'], p.tier) NULLS LAST, p.since, p.partition
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM storage.%I)', part.partition) INTO filled;
        IF filled AND (tier, since) IS DISTINCT FROM (part.tier, part.since) THEN
            tier := part.tier; since := part.since; until := part.until;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

ALTER FUNCTION storage.expirable() OWNER TO fieldline_owner;

CREATE FUNCTION storage.expire(of_tier text, from_time timestamp with time zone) RETURNS TABLE(partition text, rows bigint, bytes bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO'
    SET lock_timeout TO '800ms'
    AS $_$
DECLARE
    part record;
    rollup record;
    wrong bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM storage.expirable() AS e WHERE e.tier = of_tier AND e.since = from_time) THEN
        RAISE EXCEPTION 'nothing of tier % from % has outlived what [retention] says', of_tier, from_time;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('fieldline.retention')); -- `verify` holds it shared
    FOR part IN SELECT * FROM storage.part AS p WHERE p.tier = of_tier AND p.since = from_time ORDER BY p.partition LOOP
        partition := part.partition; bytes := part.bytes;
        EXECUTE format('LOCK TABLE storage.%I IN SHARE MODE', partition);
        IF of_tier = 'raw' THEN
            EXECUTE format(
                'WITH counted AS (
                     SELECT series, count(*) AS n, count(value) AS numbers FROM storage.%I GROUP BY series
                 ), kept AS (
                     INSERT INTO storage.expired_reading AS e (month, series, booked, numbers)
                     SELECT %L, series, CASE WHEN %L THEN n ELSE 0 END, numbers FROM counted
                     ON CONFLICT (month, series) DO UPDATE
                     SET booked = e.booked + excluded.booked, numbers = e.numbers + excluded.numbers
                 )
                 SELECT coalesce(sum(n), 0)::bigint FROM counted',
                partition, from_time, partition LIKE 'reading%') INTO rows;
        ELSE
            EXECUTE format('SELECT count(*) FROM storage.%I', partition) INTO rows;
        END IF;
        INSERT INTO storage.expired (tier, partition, since, until, rows, bytes)
        VALUES (of_tier, part.partition, part.since, part.until, expire.rows, part.bytes);
        RETURN NEXT;
    END LOOP;
    IF of_tier = 'raw' THEN
        FOR rollup IN SELECT * FROM (VALUES ('1m', 'rollup_1m'), ('1h', 'rollup_1h'), ('1d', 'rollup_1d')) AS r (tier, name)
            WHERE NOT EXISTS (SELECT FROM storage.expired AS e
                              WHERE e.tier = r.tier AND e.since <= from_time AND e.until > from_time)
        LOOP
            EXECUTE format(
                'SELECT count(*) FROM (
                     SELECT series, sum(n) AS n FROM storage.%I WHERE time >= %L AND time < %L GROUP BY series
                 ) AS r FULL JOIN (
                     SELECT series, numbers FROM storage.expired_reading WHERE month = %2$L AND numbers > 0
                 ) AS e USING (series) WHERE r.n IS DISTINCT FROM e.numbers',
                rollup.name, from_time, from_time + interval '1 month') INTO wrong;
            IF wrong > 0 THEN
                RAISE EXCEPTION 'raw readings of % are kept: % of % series disagree with %', to_char(from_time, 'YYYY-MM'),
                    wrong, (SELECT count(*) FROM storage.expired_reading WHERE month = from_time), rollup.name;
            END IF;
        END LOOP;
    END IF;
    FOR part IN SELECT * FROM storage.part AS p WHERE p.tier = of_tier AND p.since = from_time LOOP
        EXECUTE format('TRUNCATE storage.%I', part.partition);
        IF of_tier IN ('1m', '1h') AND NOT EXISTS (
            SELECT FROM pg_trigger WHERE tgrelid = to_regclass('storage.' || quote_ident(part.partition)) AND tgname = 'expired')
        THEN
            EXECUTE format('CREATE TRIGGER expired BEFORE INSERT ON storage.%I FOR EACH ROW EXECUTE FUNCTION storage.leave_out()',
                           part.partition);
        END IF;
    END LOOP;
END
$_$;

ALTER FUNCTION storage.expire(of_tier text, from_time timestamp with time zone) OWNER TO fieldline_owner;

CREATE FUNCTION storage.leave_out() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RETURN NULL; END $$;

ALTER FUNCTION storage.leave_out() OWNER TO fieldline_owner;

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

CREATE FUNCTION storage.note_restore(taken timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
    TRUNCATE storage.missing_before;
    INSERT INTO storage.missing_before
    SELECT l.device, l.epoch, storage.unaccounted(l) FROM storage.ledger AS l WHERE storage.unaccounted(l) <> '{}';
    INSERT INTO storage.restored (at, taken) VALUES (clock_timestamp(), note_restore.taken);
$$;

ALTER FUNCTION storage.note_restore(taken timestamp with time zone) OWNER TO fieldline_owner;

CREATE FUNCTION storage.raw_kept_from() RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RETURN (SELECT max(until) FROM storage.expired WHERE tier = 'raw');
END
$$;

ALTER FUNCTION storage.raw_kept_from() OWNER TO fieldline_owner;

CREATE TABLE storage.ledger (
    device integer NOT NULL,
    epoch text NOT NULL,
    stored int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    packs bigint DEFAULT 0 NOT NULL,
    readings bigint DEFAULT 0 NOT NULL,
    next bigint DEFAULT 0 NOT NULL,
    held int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    lost int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    gone int8multirange DEFAULT '{}'::int8multirange NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE storage.ledger OWNER TO fieldline_owner;

CREATE FUNCTION storage.unaccounted(l storage.ledger) RETURNS int8multirange
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT int8multirange(int8range(0, greatest(l.next, upper(l.stored), upper(l.held), upper(l.lost))))
           - l.stored - l.held - l.lost - l.gone
$$;

ALTER FUNCTION storage.unaccounted(l storage.ledger) OWNER TO fieldline_owner;

CREATE FUNCTION storage.write_off() RETURNS TABLE(device text, epoch text, packs bigint, taken timestamp with time zone)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH due AS (
        SELECT l.device, l.epoch, storage.unaccounted(l) - coalesce(m.numbers, '{}') AS numbers, r.taken
        FROM (SELECT * FROM storage.restored ORDER BY at DESC LIMIT 1) AS r
        JOIN storage.device AS d ON d.status_received > r.at
        JOIN storage.ledger AS l ON l.device = d.id
        LEFT JOIN storage.missing_before AS m ON (m.device, m.epoch) = (l.device, l.epoch)
    ), done AS (
        UPDATE storage.ledger AS l SET gone = l.gone + due.numbers FROM due
        WHERE (l.device, l.epoch) = (due.device, due.epoch) AND due.numbers <> '{}'
        RETURNING l.device, l.epoch, due.numbers, due.taken
    )
    SELECT d.device, done.epoch, storage.count(done.numbers), done.taken
    FROM done JOIN storage.device AS d ON d.id = done.device
$$;

ALTER FUNCTION storage.write_off() OWNER TO fieldline_owner;

CREATE TABLE control.alert_acknowledgement (
    episode bigint NOT NULL,
    by text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    note text DEFAULT ''::text NOT NULL
);

ALTER TABLE control.alert_acknowledgement OWNER TO fieldline_owner;

CREATE TABLE control.alert_rule (
    id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    device text,
    channel text,
    site text,
    direction text,
    threshold double precision,
    clear_at double precision,
    for_s double precision DEFAULT 0 NOT NULL,
    window_s double precision,
    severity text DEFAULT 'warning'::text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    changed timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT alert_rule_check CHECK (((kind = 'no data'::text) OR ((direction IS NOT NULL) AND (threshold IS NOT NULL)))),
    CONSTRAINT alert_rule_check1 CHECK (((kind = 'threshold'::text) OR (window_s IS NOT NULL))),
    CONSTRAINT alert_rule_direction_check CHECK ((direction = ANY (ARRAY['above'::text, 'below'::text]))),
    CONSTRAINT alert_rule_for_s_check CHECK ((for_s >= (0)::double precision)),
    CONSTRAINT alert_rule_kind_check CHECK ((kind = ANY (ARRAY['threshold'::text, 'rate'::text, 'no data'::text]))),
    CONSTRAINT alert_rule_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT alert_rule_severity_check CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CONSTRAINT alert_rule_window_s_check CHECK ((window_s > (0)::double precision))
);

ALTER TABLE control.alert_rule OWNER TO fieldline_owner;

ALTER TABLE control.alert_rule ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.alert_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE control.alert_snooze (
    id bigint NOT NULL,
    rule bigint,
    device text,
    channel text,
    until timestamp with time zone NOT NULL,
    by text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE control.alert_snooze OWNER TO fieldline_owner;

ALTER TABLE control.alert_snooze ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.alert_snooze_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

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

CREATE VIEW control.arrival AS
 SELECT d.device,
        CASE
            WHEN (d.status IS NULL) THEN d.last_seen
            ELSE l.updated
        END AS "time"
   FROM (storage.device d
     LEFT JOIN ( SELECT ledger.device,
            max(ledger.updated) AS updated
           FROM storage.ledger
          WHERE (ledger.packs > 0)
          GROUP BY ledger.device) l ON ((l.device = d.id)));

ALTER TABLE control.arrival OWNER TO fieldline_owner;

CREATE TABLE control.audit (
    id bigint NOT NULL,
    "time" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    address text NOT NULL,
    request text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before jsonb,
    after jsonb
)
PARTITION BY RANGE ("time");

ALTER TABLE control.audit OWNER TO fieldline_owner;

ALTER TABLE control.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE control.backup (
    taken timestamp with time zone NOT NULL,
    file text NOT NULL,
    bytes bigint NOT NULL,
    encrypted boolean NOT NULL
);

ALTER TABLE control.backup OWNER TO fieldline_owner;

CREATE TABLE control.carrying (
    one boolean DEFAULT true NOT NULL,
    began timestamp with time zone NOT NULL,
    ended timestamp with time zone NOT NULL,
    CONSTRAINT carrying_one_check CHECK (one)
);

ALTER TABLE control.carrying OWNER TO fieldline_owner;

CREATE TABLE control.code (
    hash bytea NOT NULL,
    person bigint NOT NULL,
    purpose text NOT NULL,
    expires timestamp with time zone NOT NULL,
    CONSTRAINT code_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT code_purpose_check CHECK ((purpose = ANY (ARRAY['invitation'::text, 'pairing'::text])))
);

ALTER TABLE control.code OWNER TO fieldline_owner;

CREATE TABLE control.command (
    number bigint NOT NULL,
    device text NOT NULL,
    id text NOT NULL,
    command text NOT NULL,
    arguments text NOT NULL,
    person text NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    expires timestamp with time zone,
    state text DEFAULT 'queued'::text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    result text,
    error text DEFAULT ''::text NOT NULL,
    CONSTRAINT command_id_check CHECK ((id ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT command_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sent'::text, 'done'::text, 'refused'::text, 'expired'::text, 'no answer'::text, 'withdrawn'::text])))
)
WITH (fillfactor='80');

ALTER TABLE control.command OWNER TO fieldline_owner;

ALTER TABLE control.command ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.command_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE control.credential (
    id bigint NOT NULL,
    device text NOT NULL,
    username text NOT NULL,
    certificate text,
    public_key bytea,
    salt text,
    password text,
    iterations integer,
    created timestamp with time zone DEFAULT now() NOT NULL,
    withdrawn timestamp with time zone,
    authority text,
    CONSTRAINT credential_check CHECK (((certificate IS NULL) <> (password IS NULL))),
    CONSTRAINT credential_public_key_check CHECK ((length(public_key) = 32))
);

ALTER TABLE control.credential OWNER TO fieldline_owner;

ALTER TABLE control.credential ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.credential_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE control.device (
    device text NOT NULL,
    kind text NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    site text DEFAULT ''::text NOT NULL,
    latitude double precision,
    longitude double precision,
    state text DEFAULT 'registered'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    enrolled timestamp with time zone,
    revoked timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT device_check CHECK (((latitude IS NULL) = (longitude IS NULL))),
    CONSTRAINT device_device_check CHECK ((device ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'::text)),
    CONSTRAINT device_kind_check CHECK ((kind = ANY (ARRAY['agent'::text, 'foreign'::text]))),
    CONSTRAINT device_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CONSTRAINT device_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
    CONSTRAINT device_state_check CHECK ((state = ANY (ARRAY['registered'::text, 'enrolled'::text, 'revoked'::text, 'gone'::text])))
);

ALTER TABLE control.device OWNER TO fieldline_owner;

CREATE TABLE control.device_configuration (
    device text NOT NULL,
    sources text DEFAULT '{}'::text NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    desired text DEFAULT '{}'::text NOT NULL,
    number bigint DEFAULT 0 NOT NULL,
    decided timestamp with time zone,
    reported text,
    heard timestamp with time zone,
    state text DEFAULT 'in step'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT device_configuration_state_check CHECK ((state = ANY (ARRAY['in step'::text, 'waiting for the device'::text, 'refused'::text, 'differs'::text])))
)
WITH (fillfactor='70');

ALTER TABLE control.device_configuration OWNER TO fieldline_owner;

CREATE TABLE control.device_group (
    name text NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    sources text DEFAULT '{}'::text NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT device_group_name_check CHECK ((name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'::text))
);

ALTER TABLE control.device_group OWNER TO fieldline_owner;

CREATE TABLE control.device_status (
    device text NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    since timestamp with time zone NOT NULL,
    usual real NOT NULL,
    CONSTRAINT device_status_status_check CHECK ((status = ANY (ARRAY['online'::text, 'late'::text, 'offline'::text, 'never seen'::text, 'revoked'::text, 'clock unknown'::text, 'buffer filling'::text, 'source failing'::text])))
)
WITH (fillfactor='70');

ALTER TABLE control.device_status OWNER TO fieldline_owner;

CREATE TABLE control.disk_sample (
    part text NOT NULL,
    at timestamp with time zone NOT NULL,
    bytes bigint NOT NULL
);

ALTER TABLE control.disk_sample OWNER TO fieldline_owner;

CREATE TABLE control.enrolment (
    hash bytea NOT NULL,
    device text NOT NULL,
    person text NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    expires timestamp with time zone NOT NULL,
    used timestamp with time zone,
    credential bigint,
    CONSTRAINT enrolment_hash_check CHECK ((length(hash) = 32))
);

ALTER TABLE control.enrolment OWNER TO fieldline_owner;

CREATE TABLE control.group_member (
    name text NOT NULL,
    device text NOT NULL
);

ALTER TABLE control.group_member OWNER TO fieldline_owner;

CREATE TABLE control.idempotency (
    name bytea NOT NULL,
    request bytea NOT NULL,
    answer bytea NOT NULL,
    kept timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_name_check CHECK ((length(name) = 32)),
    CONSTRAINT idempotency_request_check CHECK ((length(request) = 32))
);

ALTER TABLE control.idempotency OWNER TO fieldline_owner;

CREATE TABLE control.live_login (
    token bigint NOT NULL,
    username text NOT NULL,
    salt text NOT NULL,
    password text NOT NULL,
    iterations integer NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE control.live_login OWNER TO fieldline_owner;

CREATE TABLE control.maintenance_window (
    id bigint NOT NULL,
    device text,
    site text,
    begins timestamp with time zone NOT NULL,
    ends timestamp with time zone NOT NULL,
    by text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT maintenance_window_check CHECK ((begins < ends))
);

ALTER TABLE control.maintenance_window OWNER TO fieldline_owner;

ALTER TABLE control.maintenance_window ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.maintenance_window_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE control.notification (
    id bigint NOT NULL,
    target bigint NOT NULL,
    episode bigint NOT NULL,
    what text NOT NULL,
    said jsonb NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due timestamp with time zone DEFAULT now() NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    ended timestamp with time zone,
    message bigint,
    CONSTRAINT notification_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sent'::text, 'failed'::text, 'suppressed'::text]))),
    CONSTRAINT notification_what_check CHECK ((what = ANY (ARRAY['firing'::text, 'resolved'::text])))
);

ALTER TABLE control.notification OWNER TO fieldline_owner;

ALTER TABLE control.notification ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE control.notification_target (
    id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    settings jsonb NOT NULL,
    severity text NOT NULL,
    most_an_hour integer NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    wait_s double precision DEFAULT 10 NOT NULL,
    interval_s double precision DEFAULT 60 NOT NULL,
    CONSTRAINT notification_target_interval_s_check CHECK ((interval_s >= (0)::double precision)),
    CONSTRAINT notification_target_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'webhook'::text, 'desktop'::text]))),
    CONSTRAINT notification_target_most_an_hour_check CHECK ((most_an_hour > 0)),
    CONSTRAINT notification_target_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT notification_target_severity_check CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CONSTRAINT notification_target_wait_s_check CHECK ((wait_s >= (0)::double precision))
);

ALTER TABLE control.notification_target OWNER TO fieldline_owner;

ALTER TABLE control.notification_target ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.notification_target_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE control.person (
    id bigint NOT NULL,
    username text NOT NULL,
    role text NOT NULL,
    password text,
    disabled boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT person_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'admin'::text]))),
    CONSTRAINT person_username_check CHECK (((length(username) >= 1) AND (length(username) <= 63)))
);

ALTER TABLE control.person OWNER TO fieldline_owner;

ALTER TABLE control.person ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.person_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE control.status_history (
    id bigint NOT NULL,
    device text NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    since timestamp with time zone NOT NULL
)
PARTITION BY RANGE (since);

ALTER TABLE control.status_history OWNER TO fieldline_owner;

ALTER TABLE control.status_history ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.status_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE control.token (
    id bigint NOT NULL,
    person bigint NOT NULL,
    hash bytea NOT NULL,
    client text NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    expires timestamp with time zone,
    revoked timestamp with time zone,
    last_used timestamp with time zone,
    last_address text,
    CONSTRAINT token_hash_check CHECK ((length(hash) = 32))
);

ALTER TABLE control.token OWNER TO fieldline_owner;

ALTER TABLE control.token ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE storage.alert (
    rule bigint NOT NULL,
    series integer NOT NULL,
    version bigint NOT NULL,
    state text NOT NULL,
    since timestamp with time zone NOT NULL,
    value double precision,
    CONSTRAINT alert_state_check CHECK ((state = ANY (ARRAY['ok'::text, 'pending'::text, 'firing'::text])))
)
WITH (fillfactor='70');

ALTER TABLE storage.alert OWNER TO fieldline_owner;

CREATE TABLE storage.alert_episode (
    id bigint NOT NULL,
    rule bigint NOT NULL,
    series integer NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    began timestamp with time zone NOT NULL,
    ended timestamp with time zone,
    value double precision,
    worst double precision,
    late boolean NOT NULL,
    told timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT alert_episode_check CHECK ((ended >= began))
)
WITH (fillfactor='70');

ALTER TABLE storage.alert_episode OWNER TO fieldline_owner;

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
 SELECT r.name AS rule,
    d.device,
    s.channel,
    a.state,
    a.since,
    a.value,
    k.by AS acknowledged_by
   FROM (((((storage.alert a
     JOIN control.alert_rule r ON ((r.id = a.rule)))
     JOIN storage.series s ON ((s.id = a.series)))
     JOIN storage.device d ON ((d.id = s.device)))
     LEFT JOIN storage.alert_episode e ON (((e.rule = a.rule) AND (e.series = a.series) AND (e.ended IS NULL))))
     LEFT JOIN control.alert_acknowledgement k ON ((k.episode = e.id)));

ALTER TABLE fieldline.alert OWNER TO fieldline_owner;

CREATE VIEW fieldline.alert_history AS
 SELECT e.id AS episode,
    e.name AS rule,
    e.severity,
    d.device,
    s.channel,
    e.began,
    e.ended,
    e.value,
    e.worst,
    e.late
   FROM ((storage.alert_episode e
     JOIN storage.series s ON ((s.id = e.series)))
     JOIN storage.device d ON ((d.id = s.device)));

ALTER TABLE fieldline.alert_history OWNER TO fieldline_owner;

CREATE TABLE storage.expired_reading (
    month timestamp with time zone NOT NULL,
    series integer NOT NULL,
    booked bigint NOT NULL,
    numbers bigint NOT NULL
);

ALTER TABLE storage.expired_reading OWNER TO fieldline_owner;

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
    COALESCE(r.n, (0)::bigint) AS readings_found,
    COALESCE(x.n, (0)::bigint) AS readings_expired
   FROM (((( SELECT ledger.device,
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
          GROUP BY s.device) r ON ((r.device = l.device)))
     LEFT JOIN ( SELECT s.device,
            (sum(e.booked))::bigint AS n
           FROM (storage.expired_reading e
             JOIN storage.series s ON ((s.id = e.series)))
          GROUP BY s.device) x ON ((x.device = l.device)));

ALTER TABLE fieldline.audit OWNER TO fieldline_owner;

CREATE VIEW fieldline.channel AS
 SELECT d.device,
    s.channel,
    s.label,
    s.unit,
    s.minimum,
    s.maximum
   FROM (storage.series s
     JOIN storage.device d ON ((d.id = s.device)))
  WHERE (d.device <> 'fieldline-doctor'::text);

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
            storage.count((((l.lost + l.gone) - l.held) - l.stored)) AS lost) c);

ALTER TABLE fieldline.completeness OWNER TO fieldline_owner;

CREATE TABLE storage.ledger_day (
    device integer NOT NULL,
    epoch text NOT NULL,
    day date NOT NULL,
    first bigint NOT NULL,
    packs bigint NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE storage.ledger_day OWNER TO fieldline_owner;

CREATE VIEW fieldline.completeness_day AS
 SELECT d.device,
    n.epoch,
    n.day,
    n.packs AS stored,
    storage.count((n.span * (n.held - n.stored))) AS on_device,
    storage.count((n.span * ((n.lost - n.held) - n.stored))) AS lost,
    storage.count((((n.span - n.stored) - n.held) - n.lost)) AS missing
   FROM (storage.device d
     CROSS JOIN LATERAL ( SELECT y.epoch,
            y.day,
            y.packs,
            l.stored,
            l.held,
            (l.lost + l.gone) AS lost,
            int8multirange(int8range(
                CASE
                    WHEN (row_number() OVER by_number = 1) THEN (0)::bigint
                    ELSE y.first
                END, COALESCE(lead(y.first) OVER by_number, GREATEST(l.next, upper(l.stored), upper(l.held), upper(l.lost))))) AS span
           FROM (storage.ledger_day y
             JOIN storage.ledger l ON (((l.device = y.device) AND (l.epoch = y.epoch))))
          WHERE (y.device = d.id)
          WINDOW by_number AS (PARTITION BY y.epoch ORDER BY y.first)) n);

ALTER TABLE fieldline.completeness_day OWNER TO fieldline_owner;

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
 SELECT s.device,
    COALESCE(NULLIF(c.label, ''::text), s.name, s.device) AS name,
    COALESCE(NULLIF(c.site, ''::text), s.site) AS site,
    COALESCE(c.latitude, s.latitude) AS latitude,
    COALESCE(c.longitude, s.longitude) AS longitude,
    COALESCE(t.status, s.status, 'unknown'::text) AS status,
    s.last_seen,
    s.agent_version
   FROM ((storage.device s
     LEFT JOIN control.device c USING (device))
     LEFT JOIN control.device_status t USING (device))
  WHERE (s.device <> 'fieldline-doctor'::text);

ALTER TABLE fieldline.device OWNER TO fieldline_owner;

CREATE VIEW fieldline.device_status AS
 SELECT s.device,
    COALESCE(t.status, s.status, 'unknown'::text) AS status,
    COALESCE(t.reason, s.reason, ''::text) AS reason,
    COALESCE(t.since, s.status_since) AS since,
    s.status_received AS received,
    s.last_seen
   FROM (storage.device s
     LEFT JOIN control.device_status t USING (device));

ALTER TABLE fieldline.device_status OWNER TO fieldline_owner;

CREATE TABLE storage.expired (
    tier text NOT NULL,
    partition text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL
);

ALTER TABLE storage.expired OWNER TO fieldline_owner;

CREATE VIEW fieldline.expired AS
 SELECT expired.tier,
    expired.partition,
    expired.since,
    expired.until,
    expired.at,
    expired.rows,
    expired.bytes
   FROM storage.expired;

ALTER TABLE fieldline.expired OWNER TO fieldline_owner;

CREATE TABLE storage.loss (
    device integer NOT NULL,
    epoch text NOT NULL,
    reason text NOT NULL,
    numbers int8multirange NOT NULL
);

ALTER TABLE storage.loss OWNER TO fieldline_owner;

CREATE VIEW fieldline.loss AS
 SELECT d.device,
    r.epoch,
    r.reason,
    storage.count(r.numbers) AS packs
   FROM (( SELECT l.device,
            l.epoch,
            s.reason,
            ((s.numbers - l.held) - l.stored) AS numbers
           FROM (storage.ledger l
             JOIN storage.loss s ON (((s.device = l.device) AND (s.epoch = l.epoch))))
        UNION ALL
         SELECT l.device,
            l.epoch,
            'restore'::text,
            (((l.gone - l.held) - l.stored) - l.lost)
           FROM storage.ledger l
        UNION ALL
         SELECT l.device,
            l.epoch,
            ''::text,
            (((l.lost - l.held) - l.stored) - COALESCE(s.numbers, '{}'::int8multirange))
           FROM (storage.ledger l
             LEFT JOIN ( SELECT loss.device,
                    loss.epoch,
                    range_agg(loss.numbers) AS numbers
                   FROM storage.loss
                  GROUP BY loss.device, loss.epoch) s ON (((s.device = l.device) AND (s.epoch = l.epoch))))) r
     JOIN storage.device d ON ((d.id = r.device)))
  WHERE (r.numbers <> '{}'::int8multirange);

ALTER TABLE fieldline.loss OWNER TO fieldline_owner;

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
         LIMIT 1) r)
  WHERE (d.device <> 'fieldline-doctor'::text);

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

CREATE TABLE storage.redriven (
    log text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    "time" timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE storage.redriven OWNER TO fieldline_owner;

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
)
PARTITION BY RANGE ("time");

ALTER TABLE storage.rejected OWNER TO fieldline_owner;

CREATE VIEW fieldline.rejected AS
 SELECT r."time",
    r.origin,
    r.device,
    r.reason,
    r.payload,
    d."time" AS redriven
   FROM (storage.rejected r
     LEFT JOIN storage.redriven d USING (log, partition, "offset"));

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

ALTER TABLE storage.alert_episode ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME storage.alert_episode_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE storage.audit_rest (
    id bigint NOT NULL,
    "time" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    address text NOT NULL,
    request text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before jsonb,
    after jsonb
);

ALTER TABLE storage.audit_rest OWNER TO fieldline_owner;

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

CREATE TABLE storage.missing_before (
    device integer NOT NULL,
    epoch text NOT NULL,
    numbers int8multirange NOT NULL
);

ALTER TABLE storage.missing_before OWNER TO fieldline_owner;

CREATE VIEW storage.part AS
 SELECT t.tier,
    (c.relname)::text AS partition,
    ("substring"(b.bound, 'FROM \(''([^'']+)''\)'::text))::timestamp with time zone AS since,
    ("substring"(b.bound, 'TO \(''([^'']+)''\)'::text))::timestamp with time zone AS until,
    pg_total_relation_size((c.oid)::regclass) AS bytes
   FROM (((( VALUES ('raw'::text,'storage.reading'::text), ('raw'::text,'storage.foreign_reading'::text), ('1m'::text,'storage.rollup_1m'::text), ('1h'::text,'storage.rollup_1h'::text), ('rejected'::text,'storage.rejected'::text), ('history'::text,'control.status_history'::text), ('audit'::text,'control.audit'::text)) t(tier, parent)
     JOIN pg_inherits i ON ((i.inhparent = ((t.parent)::regclass)::oid)))
     JOIN pg_class c ON ((c.oid = i.inhrelid)))
     CROSS JOIN LATERAL ( SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b);

ALTER TABLE storage.part OWNER TO fieldline_owner;

CREATE TABLE storage.rejected_rest (
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

ALTER TABLE storage.rejected_rest OWNER TO fieldline_owner;

CREATE TABLE storage.restored (
    at timestamp with time zone DEFAULT now() NOT NULL,
    taken timestamp with time zone NOT NULL
);

ALTER TABLE storage.restored OWNER TO fieldline_owner;

CREATE TABLE storage.retention (
    tier text NOT NULL,
    days integer,
    CONSTRAINT retention_days_check CHECK ((days > 0)),
    CONSTRAINT retention_tier_check CHECK ((tier = ANY (ARRAY['raw'::text, '1m'::text, '1h'::text, 'rejected'::text, 'history'::text, 'audit'::text])))
);

ALTER TABLE storage.retention OWNER TO fieldline_owner;

ALTER TABLE storage.series ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME storage.series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE storage.status_history_rest (
    id bigint NOT NULL,
    device text NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    since timestamp with time zone NOT NULL
);

ALTER TABLE storage.status_history_rest OWNER TO fieldline_owner;

ALTER TABLE ONLY control.audit ATTACH PARTITION storage.audit_rest DEFAULT;

ALTER TABLE ONLY storage.rejected ATTACH PARTITION storage.rejected_rest DEFAULT;

ALTER TABLE ONLY control.status_history ATTACH PARTITION storage.status_history_rest DEFAULT;

ALTER TABLE ONLY control.alert_acknowledgement
    ADD CONSTRAINT alert_acknowledgement_pkey PRIMARY KEY (episode);

ALTER TABLE ONLY control.alert_rule
    ADD CONSTRAINT alert_rule_name_key UNIQUE (name);

ALTER TABLE ONLY control.alert_rule
    ADD CONSTRAINT alert_rule_pkey PRIMARY KEY (id);

ALTER TABLE ONLY control.alert_snooze
    ADD CONSTRAINT alert_snooze_pkey PRIMARY KEY (id);

ALTER TABLE ONLY control.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id, "time");

ALTER TABLE ONLY control.backup
    ADD CONSTRAINT backup_pkey PRIMARY KEY (taken);

ALTER TABLE ONLY control.carrying
    ADD CONSTRAINT carrying_pkey PRIMARY KEY (one);

ALTER TABLE ONLY control.code
    ADD CONSTRAINT code_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY control.command
    ADD CONSTRAINT command_device_id_key UNIQUE (device, id);

ALTER TABLE ONLY control.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (number);

ALTER TABLE ONLY control.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (id);

ALTER TABLE ONLY control.device_configuration
    ADD CONSTRAINT device_configuration_pkey PRIMARY KEY (device);

ALTER TABLE ONLY control.device_group
    ADD CONSTRAINT device_group_pkey PRIMARY KEY (name);

ALTER TABLE ONLY control.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (device);

ALTER TABLE ONLY control.device_status
    ADD CONSTRAINT device_status_pkey PRIMARY KEY (device);

ALTER TABLE ONLY control.disk_sample
    ADD CONSTRAINT disk_sample_pkey PRIMARY KEY (part, at);

ALTER TABLE ONLY control.enrolment
    ADD CONSTRAINT enrolment_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY control.group_member
    ADD CONSTRAINT group_member_pkey PRIMARY KEY (name, device);

ALTER TABLE ONLY control.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (name);

ALTER TABLE ONLY control.live_login
    ADD CONSTRAINT live_login_pkey PRIMARY KEY (token);

ALTER TABLE ONLY control.live_login
    ADD CONSTRAINT live_login_username_key UNIQUE (username);

ALTER TABLE ONLY control.maintenance_window
    ADD CONSTRAINT maintenance_window_pkey PRIMARY KEY (id);

ALTER TABLE ONLY control.notification
    ADD CONSTRAINT notification_pkey PRIMARY KEY (id);

ALTER TABLE ONLY control.notification
    ADD CONSTRAINT notification_target_episode_what_key UNIQUE (target, episode, what);

ALTER TABLE ONLY control.notification_target
    ADD CONSTRAINT notification_target_name_key UNIQUE (name);

ALTER TABLE ONLY control.notification_target
    ADD CONSTRAINT notification_target_pkey PRIMARY KEY (id);

ALTER TABLE ONLY control.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);

ALTER TABLE ONLY control.person
    ADD CONSTRAINT person_username_key UNIQUE (username);

ALTER TABLE ONLY control.status_history
    ADD CONSTRAINT status_history_pkey PRIMARY KEY (id, since);

ALTER TABLE ONLY control.token
    ADD CONSTRAINT token_hash_key UNIQUE (hash);

ALTER TABLE ONLY control.token
    ADD CONSTRAINT token_pkey PRIMARY KEY (id);

ALTER TABLE ONLY storage.alert_episode
    ADD CONSTRAINT alert_episode_pkey PRIMARY KEY (id);

ALTER TABLE ONLY storage.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (rule, series);

ALTER TABLE ONLY storage.audit_rest
    ADD CONSTRAINT audit_rest_pkey PRIMARY KEY (id, "time");

ALTER TABLE ONLY storage.correlation
    ADD CONSTRAINT correlation_pkey PRIMARY KEY (series_x, series_y, width, "time");

ALTER TABLE ONLY storage.device
    ADD CONSTRAINT device_device_key UNIQUE (device);

ALTER TABLE ONLY storage.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (id);

ALTER TABLE ONLY storage.expired
    ADD CONSTRAINT expired_pkey PRIMARY KEY (partition, at);

ALTER TABLE ONLY storage.expired_reading
    ADD CONSTRAINT expired_reading_pkey PRIMARY KEY (month, series);

ALTER TABLE ONLY storage.foreign_reading
    ADD CONSTRAINT foreign_reading_pkey PRIMARY KEY (series, "time", kind);

ALTER TABLE ONLY storage.kind
    ADD CONSTRAINT kind_pkey PRIMARY KEY (id);

ALTER TABLE ONLY storage.kind
    ADD CONSTRAINT kind_unit_quality_key UNIQUE (unit, quality);

ALTER TABLE ONLY storage.ledger_day
    ADD CONSTRAINT ledger_day_pkey PRIMARY KEY (device, epoch, day);

ALTER TABLE ONLY storage.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (device, epoch);

ALTER TABLE ONLY storage.loss
    ADD CONSTRAINT loss_pkey PRIMARY KEY (device, epoch, reason);

ALTER TABLE ONLY storage.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY storage.missing_before
    ADD CONSTRAINT missing_before_pkey PRIMARY KEY (device, epoch);

ALTER TABLE ONLY storage.redriven
    ADD CONSTRAINT redriven_pkey PRIMARY KEY (log, partition, "offset");

ALTER TABLE ONLY storage.rejected
    ADD CONSTRAINT rejected_pkey PRIMARY KEY (log, partition, "offset", number, "time");

ALTER TABLE ONLY storage.rejected_rest
    ADD CONSTRAINT rejected_rest_pkey PRIMARY KEY (log, partition, "offset", number, "time");

ALTER TABLE ONLY storage.restored
    ADD CONSTRAINT restored_pkey PRIMARY KEY (at);

ALTER TABLE ONLY storage.retention
    ADD CONSTRAINT retention_pkey PRIMARY KEY (tier);

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

ALTER TABLE ONLY storage.status_history_rest
    ADD CONSTRAINT status_history_rest_pkey PRIMARY KEY (id, since);

CREATE INDEX audit_subject_id_idx ON ONLY control.audit USING btree (subject, id);

CREATE INDEX code_person_idx ON control.code USING btree (person);

CREATE INDEX command_device_number_idx ON control.command USING btree (device, number);

CREATE INDEX command_open ON control.command USING btree (number) WHERE (state = ANY (ARRAY['queued'::text, 'sent'::text, 'no answer'::text]));

CREATE INDEX credential_device_idx ON control.credential USING btree (device);

CREATE UNIQUE INDEX credential_in_use ON control.credential USING btree (username) WHERE (withdrawn IS NULL);

CREATE INDEX enrolment_device_idx ON control.enrolment USING btree (device);

CREATE INDEX enrolment_expires_idx ON control.enrolment USING btree (expires);

CREATE INDEX group_member_device_idx ON control.group_member USING btree (device);

CREATE INDEX idempotency_kept_idx ON control.idempotency USING btree (kept);

CREATE INDEX notification_due_idx ON control.notification USING btree (due) WHERE (state = 'queued'::text);

CREATE INDEX notification_target_ended_idx ON control.notification USING btree (target, ended);

CREATE INDEX status_history_device_id_idx ON ONLY control.status_history USING btree (device, id);

CREATE INDEX token_person_idx ON control.token USING btree (person);

CREATE INDEX alert_episode_began ON storage.alert_episode USING btree (began);

CREATE UNIQUE INDEX alert_episode_open ON storage.alert_episode USING btree (rule, series) WHERE (ended IS NULL);

CREATE INDEX alert_episode_series ON storage.alert_episode USING btree (series, rule, COALESCE(ended, 'infinity'::timestamp with time zone));

CREATE INDEX alert_episode_told ON storage.alert_episode USING btree (told);

CREATE INDEX audit_rest_subject_id_idx ON storage.audit_rest USING btree (subject, id);

CREATE INDEX reading_time_series ON ONLY storage.reading USING brin ("time", series) WITH (pages_per_range='16', autosummarize='on');

CREATE INDEX rejected_time ON ONLY storage.rejected USING btree ("time");

CREATE INDEX rejected_rest_time ON storage.rejected_rest USING btree ("time");

CREATE INDEX status_history_rest_device_id_idx ON storage.status_history_rest USING btree (device, id);

ALTER INDEX control.audit_pkey ATTACH PARTITION storage.audit_rest_pkey;

ALTER INDEX control.audit_subject_id_idx ATTACH PARTITION storage.audit_rest_subject_id_idx;

ALTER INDEX storage.rejected_pkey ATTACH PARTITION storage.rejected_rest_pkey;

ALTER INDEX storage.rejected_time ATTACH PARTITION storage.rejected_rest_time;

ALTER INDEX control.status_history_device_id_idx ATTACH PARTITION storage.status_history_rest_device_id_idx;

ALTER INDEX control.status_history_pkey ATTACH PARTITION storage.status_history_rest_pkey;

ALTER TABLE ONLY control.alert_snooze
    ADD CONSTRAINT alert_snooze_rule_fkey FOREIGN KEY (rule) REFERENCES control.alert_rule(id) ON DELETE CASCADE;

ALTER TABLE ONLY control.code
    ADD CONSTRAINT code_person_fkey FOREIGN KEY (person) REFERENCES control.person(id) ON DELETE CASCADE;

ALTER TABLE ONLY control.command
    ADD CONSTRAINT command_device_fkey FOREIGN KEY (device) REFERENCES control.device(device) ON DELETE CASCADE;

ALTER TABLE ONLY control.credential
    ADD CONSTRAINT credential_device_fkey FOREIGN KEY (device) REFERENCES control.device(device) ON DELETE CASCADE;

ALTER TABLE ONLY control.device_configuration
    ADD CONSTRAINT device_configuration_device_fkey FOREIGN KEY (device) REFERENCES control.device(device) ON DELETE CASCADE;

ALTER TABLE ONLY control.enrolment
    ADD CONSTRAINT enrolment_credential_fkey FOREIGN KEY (credential) REFERENCES control.credential(id);

ALTER TABLE ONLY control.enrolment
    ADD CONSTRAINT enrolment_device_fkey FOREIGN KEY (device) REFERENCES control.device(device) ON DELETE CASCADE;

ALTER TABLE ONLY control.group_member
    ADD CONSTRAINT group_member_device_fkey FOREIGN KEY (device) REFERENCES control.device(device) ON DELETE CASCADE;

ALTER TABLE ONLY control.group_member
    ADD CONSTRAINT group_member_name_fkey FOREIGN KEY (name) REFERENCES control.device_group(name) ON DELETE CASCADE;

ALTER TABLE ONLY control.notification
    ADD CONSTRAINT notification_target_fkey FOREIGN KEY (target) REFERENCES control.notification_target(id) ON DELETE CASCADE;

ALTER TABLE ONLY control.token
    ADD CONSTRAINT token_person_fkey FOREIGN KEY (person) REFERENCES control.person(id) ON DELETE CASCADE;

ALTER TABLE ONLY storage.correlation
    ADD CONSTRAINT correlation_series_x_fkey FOREIGN KEY (series_x) REFERENCES storage.series(id);

ALTER TABLE ONLY storage.correlation
    ADD CONSTRAINT correlation_series_y_fkey FOREIGN KEY (series_y) REFERENCES storage.series(id);

ALTER TABLE ONLY storage.ledger_day
    ADD CONSTRAINT ledger_day_device_fkey FOREIGN KEY (device) REFERENCES storage.device(id);

ALTER TABLE ONLY storage.ledger
    ADD CONSTRAINT ledger_device_fkey FOREIGN KEY (device) REFERENCES storage.device(id);

ALTER TABLE ONLY storage.loss
    ADD CONSTRAINT loss_device_fkey FOREIGN KEY (device) REFERENCES storage.device(id);

ALTER TABLE ONLY storage.series
    ADD CONSTRAINT series_device_fkey FOREIGN KEY (device) REFERENCES storage.device(id);

GRANT USAGE ON SCHEMA control TO fieldline_control;
GRANT USAGE ON SCHEMA control TO fieldline_stream;

GRANT USAGE ON SCHEMA fieldline TO fieldline_stream;
GRANT USAGE ON SCHEMA fieldline TO fieldline_control;
GRANT USAGE ON SCHEMA fieldline TO fieldline_reader;

GRANT USAGE ON SCHEMA storage TO fieldline_stream;
GRANT USAGE ON SCHEMA storage TO fieldline_control;

REVOKE ALL ON FUNCTION storage.ensure_month(month date) FROM PUBLIC;
GRANT ALL ON FUNCTION storage.ensure_month(month date) TO fieldline_stream;

REVOKE ALL ON FUNCTION storage.ensure_records() FROM PUBLIC;
GRANT ALL ON FUNCTION storage.ensure_records() TO fieldline_control;

REVOKE ALL ON FUNCTION storage.expirable() FROM PUBLIC;
GRANT ALL ON FUNCTION storage.expirable() TO fieldline_control;

REVOKE ALL ON FUNCTION storage.expire(of_tier text, from_time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION storage.expire(of_tier text, from_time timestamp with time zone) TO fieldline_control;

REVOKE ALL ON FUNCTION storage.make_partition(parent text, child text, lower timestamp with time zone, upper timestamp with time zone, options text) FROM PUBLIC;

REVOKE ALL ON FUNCTION storage.note_restore(taken timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION storage.raw_kept_from() FROM PUBLIC;
GRANT ALL ON FUNCTION storage.raw_kept_from() TO fieldline_stream;

GRANT SELECT,INSERT,UPDATE ON TABLE storage.ledger TO fieldline_stream;

REVOKE ALL ON FUNCTION storage.write_off() FROM PUBLIC;
GRANT ALL ON FUNCTION storage.write_off() TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.alert_acknowledgement TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.alert_rule TO fieldline_control;
GRANT SELECT ON TABLE control.alert_rule TO fieldline_stream;

GRANT SELECT,INSERT,DELETE ON TABLE control.alert_snooze TO fieldline_control;

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

GRANT SELECT ON TABLE control.arrival TO fieldline_control;

GRANT SELECT,INSERT ON TABLE control.audit TO fieldline_control;

GRANT SELECT ON TABLE control.backup TO fieldline_control;

GRANT SELECT,INSERT,UPDATE ON TABLE control.carrying TO fieldline_control;
GRANT SELECT ON TABLE control.carrying TO fieldline_stream;

GRANT SELECT,INSERT,DELETE ON TABLE control.code TO fieldline_control;

GRANT SELECT,INSERT,UPDATE ON TABLE control.command TO fieldline_control;

GRANT SELECT,INSERT,UPDATE ON TABLE control.credential TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.device TO fieldline_control;
GRANT SELECT ON TABLE control.device TO fieldline_stream;

GRANT SELECT,INSERT,UPDATE ON TABLE control.device_configuration TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.device_group TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.device_status TO fieldline_control;

GRANT SELECT,INSERT,DELETE ON TABLE control.disk_sample TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.enrolment TO fieldline_control;

GRANT SELECT,INSERT,DELETE ON TABLE control.group_member TO fieldline_control;

GRANT SELECT,INSERT,DELETE ON TABLE control.idempotency TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.live_login TO fieldline_control;

GRANT SELECT,INSERT,DELETE ON TABLE control.maintenance_window TO fieldline_control;

GRANT SELECT,INSERT,UPDATE ON TABLE control.notification TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.notification_target TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.person TO fieldline_control;

GRANT SELECT,INSERT ON TABLE control.status_history TO fieldline_control;

GRANT SELECT,INSERT,UPDATE ON TABLE control.token TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE storage.alert TO fieldline_stream;
GRANT SELECT ON TABLE storage.alert TO fieldline_control;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE storage.alert_episode TO fieldline_stream;
GRANT SELECT ON TABLE storage.alert_episode TO fieldline_control;

GRANT SELECT ON TABLE storage.series TO fieldline_stream;
GRANT SELECT ON TABLE storage.series TO fieldline_control;

GRANT INSERT(device) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(channel) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(label),UPDATE(label) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(unit),UPDATE(unit) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(minimum),UPDATE(minimum) ON TABLE storage.series TO fieldline_stream;

GRANT INSERT(maximum),UPDATE(maximum) ON TABLE storage.series TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.alert TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.alert TO fieldline_control;
GRANT SELECT ON TABLE fieldline.alert TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.alert_history TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.alert_history TO fieldline_control;
GRANT SELECT ON TABLE fieldline.alert_history TO fieldline_stream;

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

GRANT SELECT,INSERT,UPDATE ON TABLE storage.ledger_day TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.completeness_day TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.completeness_day TO fieldline_control;
GRANT SELECT ON TABLE fieldline.completeness_day TO fieldline_stream;

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

GRANT SELECT ON TABLE storage.expired TO fieldline_control;

GRANT SELECT ON TABLE fieldline.expired TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.expired TO fieldline_control;
GRANT SELECT ON TABLE fieldline.expired TO fieldline_stream;

GRANT SELECT,INSERT,UPDATE ON TABLE storage.loss TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.loss TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.loss TO fieldline_control;
GRANT SELECT ON TABLE fieldline.loss TO fieldline_stream;

GRANT SELECT,INSERT,UPDATE ON TABLE storage.rollup_1d TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.newest TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.newest TO fieldline_control;
GRANT SELECT ON TABLE fieldline.newest TO fieldline_stream;

GRANT SELECT,INSERT ON TABLE storage.foreign_reading TO fieldline_stream;

GRANT SELECT,INSERT ON TABLE storage.kind TO fieldline_stream;

GRANT SELECT ON TABLE fieldline.reading TO fieldline_reader;
GRANT SELECT ON TABLE fieldline.reading TO fieldline_control;
GRANT SELECT ON TABLE fieldline.reading TO fieldline_stream;

GRANT SELECT,INSERT ON TABLE storage.redriven TO fieldline_stream;

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

GRANT SELECT ON TABLE storage.part TO fieldline_control;

GRANT SELECT,INSERT ON TABLE storage.rejected_rest TO fieldline_stream;

GRANT SELECT ON TABLE storage.retention TO fieldline_control;
