"""Whether every rollup is what the raw readings give, and every pack is there exactly once.

Reads the views alone, so that the role `fieldline_reader` can do it, in one snapshot.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg

TOLERANCE = 1e-9
"""Of mean and standard deviation, relative to the greatest magnitude in the bucket: they are sums
in another order. Everything else must be equal."""

TIERS = {"rollup_1m": "minute", "rollup_1h": "hour", "rollup_1d": "day"}

_MAX_DETAILS = 20

# Merging takes means closer than 1e-140 for equal, so less than that is no difference here.
# Squares of values beyond 1e140 do not fit PostgreSQL's own stddev: there it is not compared.
_COMPARE = """
WITH raw AS (
    SELECT device, channel, date_trunc(%(unit)s, time, 'UTC') AS time, count(*) AS n,
           avg(value) AS mean, stddev_samp(value) FILTER (WHERE abs(value) < 1e140) AS stddev,
           min(value) AS minimum, max(value) AS maximum,
           (min(ARRAY[date_part('epoch', time), value]))[2] AS first,
           (max(ARRAY[date_part('epoch', time), value]))[2] AS last
    FROM fieldline.reading
    WHERE time >= %(lower)s AND time < %(upper)s AND value IS NOT NULL
    GROUP BY 1, 2, 3
), compared AS (
    SELECT device, channel, time, raw.n AS raw_n, rollup.n,
           coalesce(
               raw.n = rollup.n AND raw.minimum = rollup.minimum AND raw.maximum = rollup.maximum
               AND raw.first = rollup.first AND raw.last = rollup.last
               AND abs(raw.mean - rollup.mean) <= %(tolerance)s * size
               AND (raw.n = 1) = (rollup.stddev IS NULL)
               AND (raw.n = 1 OR size >= 1e140
                    OR abs(raw.stddev - rollup.stddev) <= %(tolerance)s * size),
               false
           ) AS equal
    FROM raw FULL JOIN (
        SELECT * FROM fieldline.{table} WHERE time >= %(lower)s AND time < %(upper)s
    ) AS rollup USING (device, channel, time)
    CROSS JOIN LATERAL (
        SELECT greatest(abs(raw.minimum), abs(raw.maximum), 1e-130) AS size
    ) AS s
)
SELECT count(*), count(*) FILTER (WHERE NOT equal),
       (array_agg(format('%%s %%s %%s: n %%s, raw %%s', device, channel, time, n, raw_n))
        FILTER (WHERE NOT equal))[:5]
FROM compared
"""

# Where retention has dropped the raw readings, what is left is compared with what it is made of.
_COMPARE_TIERS = """
WITH fine AS (
    SELECT device, channel, date_trunc(%(unit)s, time, 'UTC') AS time,
           sum(n) AS n, min(minimum) AS minimum, max(maximum) AS maximum
    FROM fieldline.{fine} WHERE time >= %(lower)s AND time < %(upper)s GROUP BY 1, 2, 3
), compared AS (
    SELECT device, channel, time, fine.n AS fine_n, coarse.n,
           coalesce(fine.n = coarse.n AND fine.minimum = coarse.minimum
                    AND fine.maximum = coarse.maximum, false) AS equal
    FROM fine FULL JOIN (
        SELECT * FROM fieldline.{coarse} WHERE time >= %(lower)s AND time < %(upper)s
    ) AS coarse USING (device, channel, time)
)
SELECT count(*), count(*) FILTER (WHERE NOT equal),
       (array_agg(format('%%s %%s %%s: n %%s, {fine} %%s', device, channel, time, n, fine_n))
        FILTER (WHERE NOT equal))[:5]
FROM compared
"""

_NAMES = {"rollup_1m": "1m", "rollup_1h": "1h", "rollup_1d": "1d"}


@dataclass
class Verification:
    """What was compared and what was found; `details` are sentences, the first twenty.

    `checked` and `differing` count rollup rows; `missing` sequence numbers that nobody has, and
    readings that the ledger booked and the tables lack; `doubled` packs and readings that are
    there more often than the ledger says.
    """

    checked: int = 0
    differing: int = 0
    missing: int = 0
    doubled: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing differs, is missing or doubled."""
        return not (self.differing or self.missing or self.doubled)

    def note(self, line: str) -> None:
        """Keep a detail, if there are not many yet."""
        if len(self.details) < _MAX_DETAILS:
            self.details.append(line)


def verify(
    connection: psycopg.Connection[Any], say: Callable[[str], None] = lambda _: None
) -> Verification:
    """Compare everything, month by month; `say` hears of the progress. Raises psycopg.Error."""
    found = Verification()
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL timezone = 'UTC'; SET LOCAL jit = off")
        # Nothing expires meanwhile: to empty a table cannot be undone for an older snapshot.
        connection.execute("SELECT pg_advisory_xact_lock_shared(hashtext('fieldline.retention'))")
        expired = connection.execute("SELECT tier, since, until FROM fieldline.expired").fetchall()
        for lower, upper in _months(datetime.now(UTC)):
            gone = {tier for tier, since, until in expired if since <= lower < until}
            if "raw" in gone:
                _compare_tiers(connection, (lower, upper), gone, found, say)
            else:
                _compare(connection, lower, upper, found, say)
        say("comparing the ledger")
        _check_completeness(connection, found)
        _check_audit(connection, found)
    return found


def _months(now: datetime) -> list[tuple[datetime, datetime]]:
    """Return every month that a reading may be in, as [lower, upper)."""
    starts = [
        datetime(year, month, 1, tzinfo=UTC)
        for year in range(2000, now.year + 2)
        for month in range(1, 13)
    ]
    soon = now + timedelta(days=1)  # a device's clock may be some minutes ahead
    return [(lower, upper) for lower, upper in pairwise(starts) if lower <= soon]


def _compare(
    connection: psycopg.Connection[Any],
    lower: datetime,
    upper: datetime,
    found: Verification,
    say: Callable[[str], None],
) -> None:
    for table, unit in TIERS.items():
        arguments = {"unit": unit, "lower": lower, "upper": upper, "tolerance": TOLERANCE}
        row = connection.execute(_COMPARE.format(table=table), arguments).fetchone()
        assert row is not None
        _count(found, row, table, lower, say)


def _compare_tiers(
    connection: psycopg.Connection[Any],
    month: tuple[datetime, datetime],
    gone: set[str],
    found: Verification,
    say: Callable[[str], None],
) -> None:
    lower, upper = month
    left = [table for table in TIERS if _NAMES[table] not in gone]
    for fine, coarse in pairwise(left):
        arguments = {"unit": TIERS[coarse], "lower": lower, "upper": upper}
        query = _COMPARE_TIERS.format(fine=fine, coarse=coarse)
        row = connection.execute(query, arguments).fetchone()
        assert row is not None
        _count(found, row, coarse, lower, say)


def _count(
    found: Verification,
    row: tuple[Any, ...],
    table: str,
    lower: datetime,
    say: Callable[[str], None],
) -> None:
    checked, differing, examples = row
    found.checked += checked
    found.differing += differing
    for example in examples or []:
        found.note(f"{table}: {example}")
    if checked:
        say(f"{lower:%Y-%m}: {checked} rows of {table} compared, {differing} differ")


def _check_completeness(connection: psycopg.Connection[Any], found: Verification) -> None:
    rows = connection.execute(
        "SELECT device, epoch, missing FROM fieldline.completeness WHERE missing <> 0"
    )
    for device, epoch, missing in rows:
        found.missing += missing
        found.note(f"{device}, epoch {epoch}: {missing} packs are neither stored nor accounted for")


def _check_audit(connection: psycopg.Connection[Any], found: Verification) -> None:
    rows = connection.execute(
        "SELECT device, packs, stored, readings_booked - readings_expired, readings_found"
        " FROM fieldline.audit"
    )
    for device, packs, stored, booked, there in rows:
        if packs != stored:
            found.doubled += max(packs - stored, 0)
            found.missing += max(stored - packs, 0)
            found.note(f"{device}: {packs} packs went in under {stored} numbers")
        if booked != there:
            found.doubled += max(there - booked, 0)
            found.missing += max(booked - there, 0)
            found.note(f"{device}: {booked} readings should be there and {there} are")
