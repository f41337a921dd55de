"""The alert rules of a stream, evaluated in the transaction that stores the readings.

Each step is a transaction of its own, or a savepoint: if it fails, nothing of it is there. What is
kept in memory is also in the database; whoever rolls back throws the evaluator away.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from cloud.spark.alerts import rules as rules_
from cloud.spark.alerts import stored
from cloud.spark.alerts.arrivals import Arrivals, arrange
from cloud.spark.alerts.book import Book, Transition
from cloud.spark.alerts.fold import (
    OK,
    Episode,
    State,
    Times,
    Values,
    beyond,
    firing,
    fold,
    signal,
    silences,
)
from cloud.spark.alerts.horizon import Horizon
from cloud.spark.alerts.late import reconcile
from cloud.spark.alerts.mending import Mending
from cloud.spark.alerts.roster import NEVER, Roster
from cloud.spark.alerts.rules import Rule
from cloud.spark.alerts.stored import Key, Standing
from cloud.spark.alerts.tails import Tails
from cloud.spark.copy_rows import times_of

_DEVICES_EVERY_S = 5.0

_START = State(OK, 0, None)


class Evaluator:
    """Knows the rules, the series and how the ones stand for the others."""

    def __init__(self, connection: Connection[Any]) -> None:
        """Ask for nothing yet."""
        self._connection = connection
        self._versions: tuple[tuple[int, int], ...] | None = None
        self._rules: list[Rule] = []
        self._roster = Roster(connection)
        self._tails = Tails(connection)
        self._standing: dict[Key, Standing] = {}
        self._devices_read = 0.0
        self._floor = 0

    def refresh(self) -> list[Transition]:
        """See which rules there are now, before the transaction of a batch.

        What rules that are no more, or others now, left firing ends.
        """
        versions = rules_.versions(self._connection)
        if versions == self._versions and not self._devices_changed():
            return []
        with self._connection.transaction():
            if versions != self._versions:
                self._reload()
            self._versions = versions
            return self._end_what_was_left()

    def evaluate(self, rows: Sequence[NDArray[np.void]]) -> list[Transition]:
        """Evaluate ROWs that are new, after they and their aggregates were written."""
        if not self._rules:
            return []
        series = np.concatenate([part["series"] for part in rows]).astype(np.int32)
        if not len(series):
            return []
        with self._connection.transaction():
            self._roster.learn(series)
            times = np.concatenate([times_of(part) for part in rows])
            ruled = self._roster.ruled[series]
            transitions = []
            if ruled.any():
                values = np.concatenate([part["value"] for part in rows]).astype(np.float64)
                newest = self._roster.newest
                batch = arrange(series[ruled], times[ruled], values[ruled], newest)
                transitions = self._evaluate(batch)
        np.maximum.at(self._roster.newest, series, times)
        return transitions

    def look(self, horizon: Horizon) -> list[Transition]:
        """Find who is silent, as far as everything that was said has been stored."""
        silence = [rule for rule in self._rules if rule.is_silence]
        if not silence:
            return []
        with self._connection.transaction():
            return self._look(silence, horizon)

    def _reload(self) -> None:
        self._rules = rules_.load(self._connection)
        self._roster.obey(self._rules)
        self._tails.keep(max((2 * rule.window for rule in self._rules), default=0))
        self._standing = stored.standing(self._connection)

    def _end_what_was_left(self) -> list[Transition]:
        book = self._book()
        known = {rule.id: rule for rule in self._rules}
        for key, standing in list(self._standing.items()):
            rule = known.get(key[0])
            if rule is None:
                book.end(key, standing, book.now)
            elif rule.version != standing.version:
                book.end(key, standing, rule.changed)
            elif not self._roster.applies[rule.id][key[1]]:
                book.end(key, standing, book.now)
        book.forget_rules()
        return book.close()

    def _look(self, silence: list[Rule], horizon: Horizon) -> list[Transition]:
        book = self._book()
        carrying = stored.carrying(self._connection)
        for rule in silence:
            newest = self._roster.newest
            applies = self._roster.applies[rule.id] & (newest != NEVER)
            silent_from = np.maximum(newest, rule.changed) + rule.silence
            is_past = horizon.is_past(silent_from, rule.silence, carrying)
            for series in np.flatnonzero(applies & is_past):
                number = int(series)
                if (rule.id, number) not in self._standing:
                    episode = Episode(int(silent_from[number]), None, None, None)
                    open_ = book.enter(rule, number, [(None, episode)], book.now)
                    book.stand(rule, number, firing(episode), open_)
        return book.close()

    def _book(self) -> Book:
        now = time.time_ns() // 1000
        return Book(self._connection, self._standing, self._roster.name, now)

    def _devices_changed(self) -> bool:
        now = time.monotonic()
        if not self._rules or now - self._devices_read < _DEVICES_EVERY_S:
            return False
        self._devices_read = now
        return self._roster.reread_devices()

    def _evaluate(self, batch: Arrivals) -> list[Transition]:
        book = self._book()
        special = self._special(batch)
        self._read_tails(batch)
        concerned = {rule.id: self._concerned(rule, batch, special) for rule in self._rules}
        mending = Mending(self._connection, batch, self._floor)
        mending.read(self._rules, concerned)
        for rule in self._rules:
            for place in concerned[rule.id]:
                self._fold(rule, batch, place, mending, book)
        self._extend_tails(batch)
        return book.close()

    def _concerned(self, rule: Rule, batch: Arrivals, special: dict[int, list[int]]) -> list[int]:
        """Return which series must be looked at one by one."""
        applies = self._roster.applies[rule.id][batch.series]
        concerned = applies
        if rule.is_silence:
            concerned = applies & (batch.gap > rule.silence)
        elif rule.kind == "threshold":
            concerned = applies & beyond(rule, batch.highest if rule.above else batch.lowest)
        if rule.id in special:
            concerned |= applies & np.isin(batch.series, special[rule.id])
        return [int(place) for place in np.flatnonzero(concerned)]

    def _special(self, batch: Arrivals) -> dict[int, list[int]]:
        """Return by rule the series to look at whatever their values are.

        Those for which the rule is not ok, and those whose late readings may change its episodes.
        Others with late readings need no look: a value that is not beyond makes no episode, nor
        does one between two others make a silence.
        """
        special: dict[int, list[int]] = defaultdict(list)
        for rule, series in self._standing:
            special[rule].append(series)
        late = batch.late
        if late.any():
            self._floor = stored.floor(self._connection)
            which, first = batch.series[late], batch.times[batch.starts][late]
            for rule, series in stored.touched(self._connection, self._rules, which, first):
                special[rule].append(series)
            silent = [rule.id for rule in self._rules if rule.is_silence]
            if silent:
                for series in stored.unpreceded(self._connection, which, first):
                    for rule in silent:
                        special[rule].append(series)
        return special

    def _fold(self, rule: Rule, batch: Arrivals, place: int, mending: Mending, book: Book) -> None:
        series, newest = int(batch.series[place]), int(batch.newest[place])
        times, values = batch.of(place)
        if batch.late[place]:
            mending.mend(rule, place, book)
            split = int(np.searchsorted(times, newest, "right"))
            times, values = times[split:], values[split:]
        if rule.is_silence and len(times):
            standing = self._standing.get((rule.id, series))
            last = None if newest == NEVER else newest
            episodes = silences(rule, last, times)
            known = [standing.open] if standing is not None and standing.open else []
            book.enter(rule, series, reconcile(known, episodes), int(times[-1]))
            book.stand(rule, series, State(OK, int(times[0]), None))
        elif not rule.is_silence:
            self._go_on(rule, series, times, values, book)

    def _go_on(self, rule: Rule, series: int, times: Times, values: Values, book: Book) -> None:
        """Fold what is newer than all that was stored."""
        start = len(times)
        if rule.window:
            before = self._tails.before(series)
            times, values = np.append(before[0], times), np.append(before[1], values)
        first = int(np.searchsorted(times, rule.changed, "left"))
        new = max(0, len(times) - start - first)
        times, values = times[first:], values[first:]
        compared = signal(rule, times, values)[new:]
        times = times[new:]
        if not len(times):
            return
        standing = self._standing.get((rule.id, series), Standing(rule.version, _START))
        state, episodes = fold(rule, standing.state, times, compared)
        pairs = reconcile([standing.open] if standing.open else [], episodes)
        open_ = book.enter(rule, series, pairs, int(times[-1]))
        book.stand(rule, series, state, open_)

    def _read_tails(self, batch: Arrivals) -> None:
        wanted = {}
        for place in np.flatnonzero(self._rated(batch)).tolist():
            series, newest = int(batch.series[place]), int(batch.newest[place])
            times, _ = batch.of(place)
            late = times[: int(np.searchsorted(times, newest, "right"))]
            if len(late):
                self._tails.forget(series, int(late[-1]))
            if newest != NEVER:
                start = min(int(np.searchsorted(times, newest, "right")), len(times) - 1)
                wanted[series] = newest, int(times[start])
            else:
                wanted[series] = int(times[0]) - 1, int(times[0])
        self._tails.read(wanted)

    def _extend_tails(self, batch: Arrivals) -> None:
        for place in np.flatnonzero(self._rated(batch)).tolist():
            times, values = batch.of(place)
            start = int(np.searchsorted(times, int(batch.newest[place]), "right"))
            if start < len(times):
                self._tails.extend(int(batch.series[place]), times[start:], values[start:])

    def _rated(self, batch: Arrivals) -> NDArray[np.bool_]:
        """Return which series' rates are watched."""
        rated = np.zeros(len(batch.series), np.bool_)
        for rule in self._rules:
            if rule.window:
                rated |= self._roster.applies[rule.id][batch.series]
        return rated
