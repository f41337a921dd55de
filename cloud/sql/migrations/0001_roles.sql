-- Roles belong to the whole server, so another database, or whoever prepared the server, may have
-- made them already. Passwords are set there too, never here.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['fieldline_stream', 'fieldline_control', 'fieldline_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made by somebody else at the same moment
            END;
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO fieldline_stream, fieldline_control, fieldline_reader',
        current_database()
    );
END
$$;

-- Tables live in `storage`, which readers cannot enter; what they may see are views in `fieldline`.
CREATE SCHEMA fieldline;
GRANT USAGE ON SCHEMA storage TO fieldline_stream, fieldline_control;
GRANT USAGE ON SCHEMA fieldline TO fieldline_stream, fieldline_control, fieldline_reader;
