-- A foreign producer may say several things of one name at one time, told apart by their units
-- (RFC 8428, 5.1.3): a position is a longitude and a latitude.
ALTER TABLE storage.foreign_reading
    DROP CONSTRAINT foreign_reading_pkey, ADD PRIMARY KEY (series, time, kind);
