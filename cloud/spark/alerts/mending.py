"""Has the late readings of a batch change what rules made of the series that they belong to.

What must be known for that is read for all of them at once (`read`), since a query a series would
cost more than the storing of the batch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from psycopg import Connection

from cloud.spark.alerts.arrivals import Arrivals
from cloud.spark.alerts.book import Book
from cloud.spark.alerts.fold import Times
from cloud.spark.alerts.history import Asked, StoredHistory, all_known
from cloud.spark.alerts.late import Known, clusters, mend, mend_silences, reconcile
from cloud.spark.alerts.rules import Rule
from cloud.spark.alerts.stored import Key
from cloud.spark.alerts.window import Wanted, Window

_APART_US = 3_600_000_000
"""Late readings with so much between them are mended each for itself."""


class Mending:
    """What one batch needs."""

    def __init__(self, connection: Connection[Any], batch: Arrivals, floor: int) -> None:
        """Before `floor` not all readings are still there: nothing is mended."""
        self._connection = connection
        self._batch = batch
        self._floor = floor
        self._late: dict[int, Times] = {}
        self._window = Window(connection)
        self._known: dict[Key, list[Known]] = {}

    def read(self, rules: Sequence[Rule], concerned: Mapping[int, Sequence[int]]) -> None:
        """Read what lies around late readings; `concerned` has the places of series, by rule."""
        lookbacks: dict[int, int] = {}
        asked: list[Asked] = []
        is_late = self._batch.late
        for rule in rules:
            for place in concerned[rule.id]:
                if not is_late[place]:
                    continue
                if place not in self._late:
                    self._late[place] = self._late_of(place)
                lookback = rule.hold + 2 * rule.window
                lookbacks[place] = max(lookback, lookbacks.get(place, 0))
                times = self._since(rule, place)
                if len(times):
                    asked.append(Asked(rule, int(self._batch.series[place]), int(times[0])))
        settling = max((2 * rule.window for rule in rules), default=0)
        wanted = [
            Wanted(int(self._batch.series[place]), first, last, lookback, settling)
            for place, lookback in lookbacks.items()
            for first, last in clusters(self._late[place], _APART_US)
        ]
        if wanted:
            self._window.fill(wanted)
        if asked:
            self._known = all_known(self._connection, asked)

    def mend(self, rule: Rule, place: int, book: Book) -> None:
        """Tell anew what late readings of a series concern."""
        series, newest = int(self._batch.series[place]), int(self._batch.newest[place])
        times = self._since(rule, place)
        if not len(times):
            return
        known = int(times[0]), self._known.get((rule.id, series), [])
        history = StoredHistory(self._connection, self._window, rule, series, self._floor, known)
        find = mend_silences if rule.is_silence else mend
        for number, (first, last) in enumerate(clusters(times, _APART_US)):
            if number:  # what became of those before is read from the database
                book.flush()
            before, episodes, state = find(rule, history, first, last, newest)
            open_ = book.enter(rule, series, reconcile(before, episodes), newest)
            if state is not None:
                book.stand(rule, series, state, open_)

    def _since(self, rule: Rule, place: int) -> Times:
        """Return the times of late readings that a rule looks at."""
        late = self._late[place]
        if rule.is_silence or not len(late) or late[0] >= rule.changed:
            return late
        return late[late >= rule.changed]

    def _late_of(self, place: int) -> Times:
        """Return the times of late readings, if others of that time are still there."""
        times, _ = self._batch.of(place)
        late = times[: int(np.searchsorted(times, self._batch.newest[place], "right"))]
        return late[int(np.searchsorted(late, self._floor, "left")) :]
