-- What the ledger says was stored of each device, and what is there: equal unless something is
-- wrong. `packs` counts inserts, `stored` the numbers of the ledger.
CREATE VIEW fieldline.audit AS
SELECT d.device, l.packs, l.stored, l.readings AS readings_booked, coalesce(r.n, 0) AS readings_found
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
) AS r ON r.device = l.device;
GRANT SELECT ON fieldline.audit TO fieldline_reader, fieldline_control, fieldline_stream;
