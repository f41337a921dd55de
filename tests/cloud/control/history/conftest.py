"""A device with a week of readings, of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.cloud.control.api import Api

BEGIN = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)

_numbers = itertools.count(1)


class Past:
    """Puts rows where the stream puts them."""

    def __init__(self, api: Api) -> None:
        self._owner = psycopg.connect(api.postgres.dsn(), autocommit=True)
        self.device = f"history-{next(_numbers)}"
        self.id = self._one("INSERT INTO storage.device (device) VALUES (%s) RETURNING id",
                            self.device)  # fmt: skip
        self._owner.execute("SELECT storage.ensure_month(%s::date)", (BEGIN,))

    def close(self) -> None:
        self._owner.close()

    def execute(self, query: str, *values: object) -> None:
        self._owner.execute(query.encode(), values or None)

    def channel(self, name: str, unit: str = "Cel", label: str = "") -> int:
        return self._one(
            "INSERT INTO storage.series (device, channel, unit, label) VALUES (%s, %s, %s, %s) "
            "RETURNING id", self.id, name, unit, label,
        )  # fmt: skip

    def readings(
        self, series: int, seconds: int, every: float = 1.0, begin: datetime = BEGIN
    ) -> None:
        """Readings and the rollups of them."""
        kind = self._one(
            "INSERT INTO storage.kind (unit, quality) VALUES ('Cel', 'synced') "
            "ON CONFLICT (unit, quality) DO UPDATE SET unit = excluded.unit RETURNING id"
        )
        self.execute(
            "INSERT INTO storage.reading (time, received, value, series, kind) "
            "SELECT %s::timestamptz + n * %s::interval, now(), n, %s, %s "
            "FROM generate_series(0, %s) AS n",
            begin, timedelta(seconds=every), series, kind, round(seconds / every) - 1,
        )  # fmt: skip
        for table, unit in (("1m", "minute"), ("1h", "hour"), ("1d", "day")):
            self.execute(
                f"INSERT INTO storage.rollup_{table} "
                f"SELECT date_trunc('{unit}', time, 'UTC'), series, count(*), avg(value), "
                "coalesce(var_samp(value) * (count(*) - 1), 0), min(value), max(value), "
                "(array_agg(value ORDER BY time))[1], min(time), "
                "(array_agg(value ORDER BY time DESC))[1], max(time) "
                "FROM storage.reading WHERE series = %s AND value IS NOT NULL GROUP BY 1, 2 "
                "ON CONFLICT DO NOTHING",
                series,
            )

    def text(self, series: int, text: str, at: datetime = BEGIN) -> None:
        self.execute(
            "INSERT INTO storage.reading (time, received, text, series, kind) "
            "SELECT %s, now(), %s, %s, min(id) FROM storage.kind",
            at, text, series,
        )  # fmt: skip

    def rejected(self, payload: bytes, reason: str, at: datetime, number: int = 0) -> None:
        self.execute(
            "INSERT INTO storage.rejected VALUES (%s, 'mqtt:x', %s, %s, %s, 'log', 0, %s, %s)",
            at, self.device, reason, payload, self.id, number,
        )  # fmt: skip

    def _one(self, query: str, *values: object) -> int:
        row = self._owner.execute(query.encode(), values or None).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def past(api: Api) -> Iterator[Past]:
    """A device of this test's own."""
    made = Past(api)
    yield made
    made.close()
