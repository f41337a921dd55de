-- The newest number of every channel, from the newest day's rollup: one index look-up a channel,
-- however many readings there are.
CREATE VIEW fieldline.newest AS
SELECT d.device, s.channel, s.label, s.unit, r.last_time AS time, r.last AS value
FROM storage.series AS s
JOIN storage.device AS d ON d.id = s.device
CROSS JOIN LATERAL (
    SELECT last, last_time FROM storage.rollup_1d
    WHERE series = s.id ORDER BY time DESC LIMIT 1
) AS r;
GRANT SELECT ON fieldline.newest TO fieldline_reader, fieldline_control, fieldline_stream;
