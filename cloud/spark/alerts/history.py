"""The history of one series and one rule, as late.py asks for it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from psycopg import Connection

from cloud.spark.alerts.fold import Episode, Times, Values
from cloud.spark.alerts.late import Known
from cloud.spark.alerts.rules import Rule
from cloud.spark.alerts.stored import NONE, US, Key, Span, moment, readings
from cloud.spark.alerts.window import MINUTES, Window
from cloud.spark.arrays import Int4, Timestamptz

_TIME, _BEGAN, _ENDED = (US.format(name) for name in ("time", "began", "ended"))
_FIRST, _LAST = (US.format(name) for name in ("first_time", "last_time"))

_BEFORE = f"""
SELECT CASE WHEN last_time < %(time)s THEN {_LAST} ELSE {_FIRST} END
FROM storage.rollup_1m
WHERE series = %(series)s AND time <= %(time)s AND first_time < %(time)s
ORDER BY time DESC LIMIT 1
"""  # noqa: S608 -- made of the constants above

_AFTER = f"""
SELECT count(*), max({_TIME}) FROM (
    SELECT time FROM storage.rollup_1m
    WHERE series = %(series)s AND time >= date_trunc('minute', %(time)s, 'UTC')
      AND last_time > %(time)s
    ORDER BY time LIMIT %(minutes)s
) AS m
"""  # noqa: S608

_KNOWN = f"""
SELECT id, late, {_BEGAN}, {_ENDED}, value, worst FROM storage.alert_episode
WHERE series = %s AND rule = %s AND version = %s
  AND coalesce(ended, 'infinity'::timestamptz) >= %s
ORDER BY began, ended
"""  # noqa: S608

_ALL_KNOWN = f"""
SELECT w.rule, w.series, id, late, {_BEGAN}, {_ENDED}, value, worst
FROM unnest(%s::int8[], %s::int8[], %s::int4[], %s::timestamptz[])
    AS w (rule, version, series, since)
JOIN storage.alert_episode AS e ON e.series = w.series AND e.rule = w.rule
    AND e.version = w.version AND coalesce(ended, 'infinity'::timestamptz) >= w.since
ORDER BY began, ended
"""  # noqa: S608


class Asked(NamedTuple):
    """What is known of a rule and a series from a time on."""

    rule: Rule
    series: int
    since: int


def all_known(connection: Connection[Any], asked: Sequence[Asked]) -> dict[Key, list[Known]]:
    """Return the episodes that had not ended before, in order, by one query for all."""
    columns = (
        [one.rule.id for one in asked],
        [one.rule.version for one in asked],
        Int4(np.array([one.series for one in asked], np.int32)),
        Timestamptz(np.array([one.since for one in asked], np.int64)),
    )
    found: dict[Key, list[Known]] = defaultdict(list)
    for rule, series, id_, late, *episode in connection.execute(_ALL_KNOWN, columns):
        found[rule, series].append(Known(id_, late, Episode(*episode)))
    return found


class StoredHistory:
    """The late.History of a rule and a series."""

    def __init__(  # noqa: PLR0917 -- one line, in one place
        self,
        connection: Connection[Any],
        window: Window,
        rule: Rule,
        series: int,
        floor: int,
        known: tuple[int, list[Known]],
    ) -> None:
        """`window` and `known` are what was read for all series at once.

        `known` are the episodes since a time, which is that of the first late reading.
        """
        self.floor = floor
        self._known = known
        self._window = window
        self._connection = connection
        self._rule = rule
        self.series = series

    def before(self, time: int) -> int | None:
        """Return a time, at most a minute too early, of the latest reading before another."""
        read = self._window.before(self.series, time)
        if read is not None:
            return read[0]
        asked = {"series": self.series, "time": moment(time)}
        row = self._connection.execute(_BEFORE, asked).fetchone()
        return None if row is None else int(row[0])

    def after(self, time: int, minutes: int) -> int | None:
        """Return a time such that so many minutes with readings lie between; None if fewer do."""
        read = self._window.after(self.series, time)
        if read is not None and minutes <= MINUTES:
            return read[0]
        asked = {"series": self.series, "time": moment(time), "minutes": minutes}
        count, last = self._connection.execute(_AFTER, asked).fetchone() or (0, None)
        return None if last is None or count < minutes else int(last) + 59_999_999

    def readings(self, lower: int, upper: int) -> tuple[Times, Values]:
        """Return the numbers of that time, in the order of time and value."""
        read = self._window.readings(self.series, lower, upper)
        if read is not None:
            return read
        found = readings(self._connection, [Span([self.series], lower, upper)])
        return found.get(self.series, NONE)

    def episodes(self, since: int) -> list[Known]:
        """Return the episodes that had not ended before, in order."""
        first, known = self._known
        if since == first:
            return known
        asked = (self.series, self._rule.id, self._rule.version, moment(since))
        rows = self._connection.execute(_KNOWN, asked)
        return [Known(id_, late, Episode(*episode)) for id_, late, *episode in rows]
