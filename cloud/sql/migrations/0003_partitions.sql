-- Raw readings and minutes by month, hours by year; days are few and stay in one table.
-- At most 12 x 4 months a year of data, however scattered the times of one hostile pack are.
CREATE FUNCTION storage.make_partition(parent text, child text, lower timestamptz, upper timestamptz, options text)
RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' AS $$
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

-- The stream may create tables nowhere; it asks the owner through this function.
CREATE FUNCTION storage.ensure_month(month date)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
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

REVOKE ALL ON FUNCTION storage.make_partition, storage.ensure_month FROM PUBLIC;
GRANT EXECUTE ON FUNCTION storage.ensure_month TO fieldline_stream;
