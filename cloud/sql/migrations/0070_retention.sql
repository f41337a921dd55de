-- How long things are kept, by whole partitions; what a restore has lost; how much disk is used.

-- As [retention] of fieldline.toml says; the owner writes it at each start, nobody else can. So who
-- lets things expire can only let expire what was said there. Null: for ever.
CREATE TABLE storage.retention (
    tier text PRIMARY KEY CHECK (tier IN ('raw', '1m', '1h', 'rejected', 'history', 'audit')),
    days int CHECK (days > 0)
);
INSERT INTO storage.retention (tier) VALUES ('raw'), ('1m'), ('1h'), ('rejected'), ('history'), ('audit');

-- What was let expire: one row each time that a partition was emptied.
CREATE TABLE storage.expired (
    tier text NOT NULL,
    partition text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (partition, at)
);

-- How many readings of a series have expired in a month, so that the ledger still adds up: `booked`
-- those that came in numbered packs, `numbers` all that have a value, as rollups count them.
CREATE TABLE storage.expired_reading (
    month timestamptz NOT NULL,
    series int NOT NULL,
    booked bigint NOT NULL,
    numbers bigint NOT NULL,
    PRIMARY KEY (month, series)
);

GRANT SELECT ON storage.retention, storage.expired TO fieldline_control;

-- Records that only grow are kept by months too. What was there becomes the part for everything
-- that has no month yet, so nothing is copied here; `ensure_records` moves it month by month.
ALTER TABLE storage.rejected RENAME TO rejected_rest;
ALTER TABLE storage.rejected_rest RENAME CONSTRAINT rejected_pkey TO rejected_rest_pkey;
ALTER INDEX storage.rejected_time RENAME TO rejected_rest_time;
CREATE TABLE storage.rejected (
    LIKE storage.rejected_rest, PRIMARY KEY (log, partition, "offset", number, time)
) PARTITION BY RANGE (time);
CREATE INDEX rejected_time ON storage.rejected (time);
ALTER TABLE storage.rejected ATTACH PARTITION storage.rejected_rest DEFAULT;
GRANT SELECT, INSERT ON storage.rejected TO fieldline_stream;
CREATE OR REPLACE VIEW fieldline.rejected AS
SELECT time, origin, device, reason, payload FROM storage.rejected;

ALTER TABLE control.status_history RENAME TO status_history_rest;
ALTER TABLE control.status_history_rest SET SCHEMA storage;
ALTER TABLE storage.status_history_rest ALTER id DROP IDENTITY, DROP CONSTRAINT status_history_pkey;
ALTER INDEX storage.status_history_device_id_idx RENAME TO status_history_rest_device_id_idx;
CREATE TABLE control.status_history (
    LIKE storage.status_history_rest, PRIMARY KEY (id, since)
) PARTITION BY RANGE (since);
CREATE INDEX status_history_device_id_idx ON control.status_history (device, id);
ALTER TABLE control.status_history ATTACH PARTITION storage.status_history_rest DEFAULT;
ALTER TABLE control.status_history ALTER id ADD GENERATED ALWAYS AS IDENTITY;
GRANT SELECT, INSERT ON control.status_history TO fieldline_control;

ALTER TABLE control.audit RENAME TO audit_rest;
ALTER TABLE control.audit_rest SET SCHEMA storage;
ALTER TABLE storage.audit_rest ALTER id DROP IDENTITY, DROP CONSTRAINT audit_pkey;
ALTER INDEX storage.audit_subject_id_idx RENAME TO audit_rest_subject_id_idx;
CREATE TABLE control.audit (
    LIKE storage.audit_rest INCLUDING DEFAULTS, PRIMARY KEY (id, time)
) PARTITION BY RANGE (time);
CREATE INDEX audit_subject_id_idx ON control.audit (subject, id);
ALTER TABLE control.audit ATTACH PARTITION storage.audit_rest DEFAULT;
ALTER TABLE control.audit ALTER id ADD GENERATED ALWAYS AS IDENTITY;
GRANT SELECT, INSERT ON control.audit TO fieldline_control;

SELECT setval(pg_get_serial_sequence('control.status_history', 'id'), max(id)) FROM control.status_history HAVING max(id) > 0;
SELECT setval(pg_get_serial_sequence('control.audit', 'id'), max(id)) FROM control.audit HAVING max(id) > 0;
REVOKE ALL ON storage.status_history_rest, storage.audit_rest FROM fieldline_control;

-- Makes this month's and the next one's part of what only grows, and parts for what lies in the rest.
CREATE FUNCTION storage.ensure_records() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '800ms' AS $$
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
$$;

-- Every part that is of a span of time.
CREATE VIEW storage.part AS
SELECT t.tier, c.relname::text AS partition,
       substring(b.bound FROM 'FROM \(''([^'']+)''\)')::timestamptz AS since,
       substring(b.bound FROM 'TO \(''([^'']+)''\)')::timestamptz AS until,
       pg_total_relation_size(c.oid) AS bytes
FROM (VALUES ('raw', 'storage.reading'), ('raw', 'storage.foreign_reading'), ('1m', 'storage.rollup_1m'),
             ('1h', 'storage.rollup_1h'), ('rejected', 'storage.rejected'),
             ('history', 'control.status_history'), ('audit', 'control.audit')) AS t (tier, parent)
JOIN pg_inherits AS i ON i.inhparent = t.parent::regclass
JOIN pg_class AS c ON c.oid = i.inhrelid
CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) AS b;
GRANT SELECT ON storage.part TO fieldline_control;

-- What may go, the oldest first: (tier, since) names the parts that go together.
CREATE FUNCTION storage.expirable() RETURNS TABLE (tier text, since timestamptz, until timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
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

-- What arrives late for an expired rollup is in the coarser ones; a row of it alone would be wrong.
CREATE FUNCTION storage.leave_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;

-- Empties the parts of a tier that begin at `from_time`: as a whole (TRUNCATE), never row by row, never
-- raw readings that the rollups do not have. Readers wait only for the moment of emptying.
CREATE FUNCTION storage.expire(of_tier text, from_time timestamptz) RETURNS TABLE (partition text, rows bigint, bytes bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
SET lock_timeout = '800ms' AS $$
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
$$;

-- A restore: the backup's ledger does not know what was stored after it was taken, and devices have
-- forgotten that. What was missing before is not the restore's doing, so it is remembered.
CREATE TABLE storage.restored (
    at timestamptz PRIMARY KEY DEFAULT now(),
    taken timestamptz NOT NULL
);
CREATE TABLE storage.missing_before (
    device int NOT NULL,
    epoch text NOT NULL,
    numbers int8multirange NOT NULL,
    PRIMARY KEY (device, epoch)
);
ALTER TABLE storage.ledger ADD COLUMN gone int8multirange NOT NULL DEFAULT '{}'; -- lost with a restore

CREATE FUNCTION storage.unaccounted(l storage.ledger) RETURNS int8multirange LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT int8multirange(int8range(0, greatest(l.next, upper(l.stored), upper(l.held), upper(l.lost))))
           - l.stored - l.held - l.lost - l.gone
$$;

-- Called by who restores, as the owner.
CREATE FUNCTION storage.note_restore(taken timestamptz) RETURNS void LANGUAGE sql AS $$
    TRUNCATE storage.missing_before;
    INSERT INTO storage.missing_before
    SELECT l.device, l.epoch, storage.unaccounted(l) FROM storage.ledger AS l WHERE storage.unaccounted(l) <> '{}';
    INSERT INTO storage.restored (at, taken) VALUES (clock_timestamp(), note_restore.taken);
$$;

-- What a device has said since a restore that it neither holds nor threw away, and that is not
-- stored: it was stored once, on the machine that is gone. Lost, and said to be.
CREATE FUNCTION storage.write_off() RETURNS TABLE (device text, epoch text, packs bigint, taken timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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

CREATE OR REPLACE VIEW fieldline.completeness AS
SELECT d.device, l.epoch, 0::bigint AS first_seq, e.last_seq, c.stored,
       e.last_seq + 1 - c.stored - c.on_device - c.lost AS missing, c.on_device, c.lost
FROM storage.ledger AS l
JOIN storage.device AS d ON d.id = l.device
CROSS JOIN LATERAL (
    SELECT greatest(l.next, upper(l.stored), upper(l.held), upper(l.lost)) - 1 AS last_seq
) AS e
CROSS JOIN LATERAL (
    SELECT storage.count(l.stored) AS stored,
           storage.count(l.held - l.stored) AS on_device,
           storage.count(l.lost + l.gone - l.held - l.stored) AS lost
) AS c;

-- What was booked is there, or has expired.
CREATE OR REPLACE VIEW fieldline.audit AS
SELECT d.device, l.packs, l.stored, l.readings AS readings_booked, coalesce(r.n, 0) AS readings_found,
       coalesce(x.n, 0) AS readings_expired
FROM (
    SELECT device, sum(packs)::bigint AS packs, sum(storage.count(stored))::bigint AS stored,
           sum(readings)::bigint AS readings
    FROM storage.ledger GROUP BY device
) AS l
JOIN storage.device AS d ON d.id = l.device
LEFT JOIN (
    SELECT s.device, sum(c.n)::bigint AS n
    FROM (SELECT series, count(*) AS n FROM storage.reading GROUP BY series) AS c
    JOIN storage.series AS s ON s.id = c.series
    GROUP BY s.device
) AS r ON r.device = l.device
LEFT JOIN (
    SELECT s.device, sum(e.booked)::bigint AS n
    FROM storage.expired_reading AS e JOIN storage.series AS s ON s.id = e.series GROUP BY s.device
) AS x ON x.device = l.device;

CREATE VIEW fieldline.expired AS SELECT tier, partition, since, until, at, rows, bytes FROM storage.expired;
GRANT SELECT ON fieldline.expired TO fieldline_reader, fieldline_control, fieldline_stream;

-- How much disk everything takes, again and again, and which backups were made.
CREATE TABLE control.disk_sample (
    part text NOT NULL,
    at timestamptz NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (part, at)
);
GRANT SELECT, INSERT, DELETE ON control.disk_sample TO fieldline_control;
CREATE TABLE control.backup (
    taken timestamptz PRIMARY KEY,
    file text NOT NULL,
    bytes bigint NOT NULL,
    encrypted boolean NOT NULL
);
GRANT SELECT ON control.backup TO fieldline_control;

REVOKE ALL ON FUNCTION storage.ensure_records, storage.expirable, storage.expire, storage.write_off,
    storage.note_restore FROM PUBLIC;
GRANT EXECUTE ON FUNCTION storage.ensure_records, storage.expirable, storage.expire, storage.write_off TO fieldline_control;
