"""Expands a panel's SQL as Grafana's PostgreSQL data source does.

Macros after Grafana's documentation of the data source ("Macros", without TimescaleDB), variables
after "Variable syntax" (`sqlstring` quotes each value and doubles quotes inside).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Grafana offers these widths; it takes the first that gives no more points than the panel has
# pixels (`rangeutil.roundInterval`, the widths that matter here).
WIDTHS_S = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600,
            43200, 86400]  # fmt: skip


@dataclass(frozen=True)
class Dashboard:
    """What a person looks at: a time range, a panel's width in pixels, the variables' values."""

    start: datetime
    end: datetime
    variables: Mapping[str, Sequence[str]]
    pixels: int = 900

    @property
    def interval_s(self) -> int:
        wanted = (self.end - self.start) / timedelta(seconds=1) / self.pixels
        return next((width for width in WIDTHS_S if width >= wanted), WIDTHS_S[-1])

    def expand(self, sql: str) -> str:
        """The SQL that reaches PostgreSQL. Raises ValueError if a `$` is left over."""
        sql = re.sub(r"\$\{(\w+):sqlstring\}", lambda found: self._quoted(found[1]), sql)
        sql = sql.replace("${__from}", str(int(self.start.timestamp() * 1000)))
        sql = sql.replace("${__to}", str(int(self.end.timestamp() * 1000)))
        sql = sql.replace("$__interval_ms", str(self.interval_s * 1000))
        sql = sql.replace("$__interval", f"{self.interval_s}s")
        start, end = (f"'{t.isoformat()}'" for t in (self.start, self.end))
        sql = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN {start} AND {end}", sql)
        sql = re.sub(
            r"\$__timeGroupAlias\(([^,]+),\s*(\d+)s\)",
            r'floor(extract(epoch from \1)/\2)*\2 AS "time"',
            sql,
        )
        sql = sql.replace("$__timeFrom()", start).replace("$__timeTo()", end)
        if "$" in sql:
            raise ValueError(f"left over: {sql[sql.index('$') :][:40]}")
        return sql

    def _quoted(self, name: str) -> str:
        return ",".join("'" + value.replace("'", "''") + "'" for value in self.variables[name])
