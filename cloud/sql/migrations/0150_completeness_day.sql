-- Of each day, what has arrived; and of what is lost, why.

-- Packs by the UTC day of their first reading (of when they came, if they hold none): how many are
-- stored, and the lowest number among them. Not the numbers: two sources may write days in turns.
CREATE TABLE storage.ledger_day (
    device int NOT NULL REFERENCES storage.device,
    epoch text NOT NULL,
    day date NOT NULL,
    first bigint NOT NULL,
    packs bigint NOT NULL,
    PRIMARY KEY (device, epoch, day)
) WITH (fillfactor = 50);

-- What devices say they threw away, by the reason they give.
CREATE TABLE storage.loss (
    device int NOT NULL REFERENCES storage.device,
    epoch text NOT NULL,
    reason text NOT NULL,
    numbers int8multirange NOT NULL,
    PRIMARY KEY (device, epoch, reason)
);

-- Nobody wrote the days down before: all of it counts on the day of the newest.
INSERT INTO storage.ledger_day (device, epoch, day, first, packs)
SELECT device, epoch, (updated AT TIME ZONE 'UTC')::date, lower(stored), storage.count(stored)
FROM storage.ledger WHERE stored <> '{}';

GRANT SELECT, INSERT, UPDATE ON storage.ledger_day, storage.loss TO fieldline_stream;

-- A number that is not stored belongs to the day whose first pack came before it in the epoch: a
-- device numbers its packs as it writes them.
CREATE VIEW fieldline.completeness_day AS
SELECT d.device, n.epoch, n.day, n.packs AS stored,
       storage.count(n.span * (n.held - n.stored)) AS on_device,
       storage.count(n.span * (n.lost - n.held - n.stored)) AS lost,
       storage.count(n.span - n.stored - n.held - n.lost) AS missing
FROM storage.device AS d
CROSS JOIN LATERAL ( -- so that one device's days cost no more than that
    SELECT y.epoch, y.day, y.packs, l.stored, l.held, l.lost + l.gone AS lost,
           int8multirange(int8range(
               CASE WHEN row_number() OVER by_number = 1 THEN 0 ELSE y.first END,
               coalesce(
                   lead(y.first) OVER by_number,
                   greatest(l.next, upper(l.stored), upper(l.held), upper(l.lost))
               )
           )) AS span
    FROM storage.ledger_day AS y
    JOIN storage.ledger AS l ON (l.device, l.epoch) = (y.device, y.epoch)
    WHERE y.device = d.id
    WINDOW by_number AS (PARTITION BY y.epoch ORDER BY y.first)
) AS n;

-- `restore`: what was stored after a backup was taken that was restored. An empty reason: the
-- device gave none that is known.
CREATE VIEW fieldline.loss AS
SELECT d.device, r.epoch, r.reason, storage.count(r.numbers) AS packs
FROM (
    SELECT l.device, l.epoch, s.reason, s.numbers - l.held - l.stored AS numbers
    FROM storage.ledger AS l JOIN storage.loss AS s ON (s.device, s.epoch) = (l.device, l.epoch)
    UNION ALL
    SELECT l.device, l.epoch, 'restore', l.gone - l.held - l.stored - l.lost FROM storage.ledger AS l
    UNION ALL
    SELECT l.device, l.epoch, '', l.lost - l.held - l.stored - coalesce(s.numbers, '{}')
    FROM storage.ledger AS l
    LEFT JOIN (
        SELECT device, epoch, range_agg(numbers) AS numbers FROM storage.loss GROUP BY device, epoch
    ) AS s ON (s.device, s.epoch) = (l.device, l.epoch)
) AS r
JOIN storage.device AS d ON d.id = r.device
WHERE r.numbers <> '{}';

GRANT SELECT ON fieldline.completeness_day, fieldline.loss
    TO fieldline_reader, fieldline_control, fieldline_stream;
