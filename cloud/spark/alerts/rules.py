"""The alert rules, as the API keeps them (docs/alerts.md)."""

import re
from collections.abc import Callable
from datetime import datetime
from fnmatch import translate
from functools import cached_property
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

SILENCE = "no data"

_LONGEST_S = 1e9  # sums of times must fit

_VERSIONS = "SELECT id, version FROM control.alert_rule WHERE enabled ORDER BY id"

_RULES = """
SELECT id, version, name, severity, kind, device, channel, site,
       coalesce(direction, 'above') = 'above' AS above, coalesce(threshold, 0) AS threshold,
       CASE WHEN direction = 'below' THEN greatest(threshold, clear_at)
            ELSE least(threshold, clear_at) END AS clear_at,
       for_s, coalesce(window_s, 0) AS window_s, changed AS since
FROM control.alert_rule WHERE enabled ORDER BY id
"""


class Rule(msgspec.Struct, frozen=True, dict=True):
    """A rule that is enabled. Times in µs.

    It fires when its signal has been beyond `threshold` for `for_s` seconds, until it is back at
    `clear_at`. Names may hold `*` and `?`; None is every.
    """

    id: int
    version: int
    name: str
    severity: str
    kind: str
    device: str | None
    channel: str | None
    site: str | None
    above: bool
    threshold: float
    clear_at: float
    for_s: float
    window_s: float
    since: datetime

    @cached_property
    def hold(self) -> int:
        """So long the condition must hold."""
        return _microseconds(self.for_s)

    @cached_property
    def window(self) -> int:
        """Over so long a change is measured."""
        return max(1, _microseconds(self.window_s)) if self.kind == "rate" else 0

    @cached_property
    def silence(self) -> int:
        """So long a series may be silent."""
        return max(1, _microseconds(self.window_s + self.for_s))

    @cached_property
    def changed(self) -> int:
        """From this event time on readings count."""
        return round(self.since.timestamp() * 1e6)

    @property
    def is_silence(self) -> bool:
        """Whether it is about readings that do not come."""
        return self.kind == SILENCE


def _microseconds(seconds: float) -> int:
    return round(min(seconds, _LONGEST_S) * 1e6)


def versions(connection: Connection[Any]) -> tuple[tuple[int, int], ...]:
    """Return what tells whether `load` would return something else: (id, version)."""
    return tuple(connection.execute(_VERSIONS).fetchall())


def load(connection: Connection[Any]) -> list[Rule]:
    """Return the rules that are enabled."""
    with connection.cursor(row_factory=class_row(Rule)) as cursor:
        return cursor.execute(_RULES).fetchall()


def matcher(pattern: str | None) -> Callable[[str | None], bool]:
    """Return what says whether a name is meant; `*` stands for anything, also for `/`."""
    if pattern is None:
        return lambda _: True
    if not set(pattern) & set("*?"):
        return lambda name: name == pattern
    matches = re.compile(translate(pattern.replace("[", "[[]"))).match
    return lambda name: name is not None and matches(name) is not None
