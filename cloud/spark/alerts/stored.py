"""What the database knows for the alert rules: readings, episodes, and how rules stand."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from psycopg import Connection

from cloud.spark.alerts.fold import Episode, State, Times, Values, firing
from cloud.spark.alerts.horizon import Carrying
from cloud.spark.alerts.late import Known
from cloud.spark.alerts.rules import Rule
from cloud.spark.arrays import Int4, Timestamptz
from cloud.spark.copy_rows import EPOCH_UTC

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 7_000_000_000_000_000  # in the year 2191: PostgreSQL's and Python's times go on

Key = tuple[int, int]
"""A rule's id and a series' number."""

US = "(extract(epoch FROM {}) * 1000000)::int8"
"""A time as whole microseconds."""

_WITHIN = "series = ANY(%s) AND time BETWEEN %s AND %s"
# One row a series: a driver's work for each reading would cost more than the query. They are put in
# order here: that costs the database more than the rest.
_READINGS = """
SELECT series, string_agg(timestamptz_send(time), ''::bytea),
       string_agg(float8send(value), ''::bytea)
FROM (
    SELECT series, time, value FROM storage.reading WHERE {within}
    UNION ALL
    SELECT series, time, value FROM storage.foreign_reading WHERE {within}
) AS r WHERE value IS NOT NULL GROUP BY series
"""
_SPANS = 8
"""So many times are read at once, as each query may look through a whole month."""

_TOUCHED = """
SELECT DISTINCT e.rule, e.series
FROM unnest(%s::int4[], %s::timestamptz[]) AS w (series, first)
JOIN storage.alert_episode AS e ON e.series = w.series AND e.rule = ANY(%s)
    AND coalesce(e.ended, 'infinity'::timestamptz) >= w.first
"""

_FIRSTS = """
SELECT w.series FROM unnest(%s::int4[], %s::timestamptz[]) AS w (series, first)
WHERE NOT EXISTS (
    SELECT FROM storage.rollup_1d AS r
    WHERE r.series = w.series AND r.time <= w.first AND r.first_time < w.first
)
"""

_STANDING = f"""
SELECT a.rule, a.series, a.version, a.state, {US.format("a.since")}, a.value,
       e.id, e.late, {US.format("began")}, e.value, e.worst
FROM storage.alert AS a
LEFT JOIN storage.alert_episode AS e
    ON e.rule = a.rule AND e.series = a.series AND e.version = a.version AND e.ended IS NULL
WHERE a.state <> 'ok'
"""  # noqa: S608

_CARRYING = f"""
SELECT {US.format("began")}, {US.format("ended")} FROM control.carrying
"""  # noqa: S608

_FLOOR = f"SELECT {US.format('storage.raw_kept_from()')}"


class Standing(NamedTuple):
    """How a rule of that version stands for a series, unless it is ok; `open` is what fires."""

    version: int
    state: State
    open: Known | None = None


def moment(time: int) -> datetime:
    """Return a time in µs as PostgreSQL's driver takes it."""
    return _EPOCH + timedelta(microseconds=min(time, _LAST))


NONE: tuple[Times, Values] = np.zeros(0, np.int64), np.zeros(0)
"""No readings."""


class Span(NamedTuple):
    """Some series, and a time in µs, both ends included."""

    series: Sequence[int]
    lower: int
    upper: int


def readings(connection: Connection[Any], spans: Sequence[Span]) -> dict[int, tuple[Times, Values]]:
    """Return the numbers of each series, in order of time and value; no spans may overlap."""
    parts: dict[int, list[tuple[Times, Values]]] = defaultdict(list)
    for start in range(0, len(spans), _SPANS):
        some = spans[start : start + _SPANS]
        asked = [
            of_one
            for span in some
            for of_one in (
                Int4(np.array(span.series, np.int32)), moment(span.lower), moment(span.upper),
            )
        ]  # fmt: skip
        query = _READINGS.format(within=" OR ".join([f"({_WITHIN})"] * len(some)))
        for series, times, values in connection.execute(query.encode(), asked * 2, binary=True):
            parts[series].append(
                (
                    np.frombuffer(times, ">i8").astype(np.int64) + EPOCH_UTC,
                    np.frombuffer(values, ">f8").astype(np.float64),
                )
            )
    return {series: _in_order(some) for series, some in parts.items()}


def _in_order(parts: list[tuple[Times, Values]]) -> tuple[Times, Values]:
    times = np.concatenate([times for times, _ in parts])
    values = np.concatenate([values for _, values in parts])
    if np.all(times[1:] > times[:-1]):
        return times, values
    order = np.lexsort((values, times))
    return times[order], values[order]


def floor(connection: Connection[Any]) -> int:
    """Return from when on all that was stored is still there."""
    row = connection.execute(_FLOOR).fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def carrying(connection: Connection[Any]) -> Carrying | None:
    """Return since when readings come through, as the API has seen; None if it never looked."""
    row = connection.execute(_CARRYING).fetchone()
    return None if row is None else Carrying(*row)


def touched(
    connection: Connection[Any], rules: Iterable[Rule], series: "np.ndarray[Any, Any]", first: Times
) -> set[Key]:
    """Return for which rules and series episodes had not ended before `first` of each series."""
    asked = (Int4(series), Timestamptz(first), [rule.id for rule in rules])
    return set(connection.execute(_TOUCHED, asked).fetchall())


def unpreceded(
    connection: Connection[Any], series: "np.ndarray[Any, Any]", first: Times
) -> set[int]:
    """Return the series of which no number before `first` is stored."""
    return {row[0] for row in connection.execute(_FIRSTS, (Int4(series), Timestamptz(first)))}


def standing(connection: Connection[Any]) -> dict[Key, Standing]:
    """Return what is not ok, whatever has become of its rule."""
    found = {}
    for rule, series, version, name, since, value, *opened in connection.execute(_STANDING):
        id_, late, began, at, worst = opened
        if id_ is None:
            found[rule, series] = Standing(version, State(name, since, value))
        else:
            episode = Episode(began, None, at, worst)
            found[rule, series] = Standing(version, firing(episode), Known(id_, late, episode))
    return found
