-- Dead letters whose bytes were sent through the pipeline again: once is enough.
CREATE TABLE storage.redriven (
    log text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log, partition, "offset")
);
GRANT SELECT, INSERT ON storage.redriven TO fieldline_stream;

CREATE OR REPLACE VIEW fieldline.rejected AS
SELECT r.time, r.origin, r.device, r.reason, r.payload, d.time AS redriven
FROM storage.rejected AS r LEFT JOIN storage.redriven AS d USING (log, partition, "offset");
