"""Writes down what became of episodes, and says what is news."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection

from cloud.spark.alerts.fold import OK, Episode, State
from cloud.spark.alerts.late import Known, Pair
from cloud.spark.alerts.rules import Rule
from cloud.spark.alerts.stored import Key, Standing, moment

LATE_US = 300_000_000
"""What began earlier than so long ago, and is over or not confirmed since, is no news."""

FIRING, RESOLVED = "firing", "resolved"

_CHANNEL = "fieldline_event"  # as in cloud/control/events.py

_INSERT = """
INSERT INTO storage.alert_episode
    (rule, series, version, name, severity, began, ended, value, worst, late)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_UPDATE = """
UPDATE storage.alert_episode
SET began = %s, ended = %s, value = %s, worst = %s, late = %s WHERE id = %s
"""
_DELETE = "DELETE FROM storage.alert_episode WHERE id = %s"
_END = """
UPDATE storage.alert_episode AS e SET ended = greatest(began, %s)
FROM storage.series AS s JOIN storage.device AS d ON d.id = s.device
WHERE e.id = %s AND s.id = e.series
RETURNING e.name, e.severity, d.device, s.channel
"""
_STATE = """
INSERT INTO storage.alert (rule, series, version, state, since, value)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (rule, series) DO UPDATE SET version = excluded.version, state = excluded.state,
    since = excluded.since, value = excluded.value
"""
_FORGET = "DELETE FROM storage.alert WHERE rule = %s AND series = %s"
_FORGET_RULES = """
DELETE FROM storage.alert AS a WHERE NOT EXISTS (
    SELECT FROM control.alert_rule AS r WHERE r.id = a.rule AND r.version = a.version AND r.enabled
)
"""
_TELL = "SELECT pg_notify(%s, %s)"


class Transition(msgspec.Struct, frozen=True):
    """Something fires, or does no longer; `at` is the event's time in µs."""

    episode: int
    what: str
    rule: str
    severity: str
    device: str
    channel: str
    value: float | None
    at: int

    def data(self) -> dict[str, Any]:
        """Return what is told of it beside episode and `what`."""
        fields = ("rule", "severity", "device", "channel", "value")
        return {**{field: getattr(self, field) for field in fields}, "at": moment(self.at)}

    def event(self) -> str:
        """Return the event that the API hands on."""
        event = {
            "kind": "alert", "subject": str(self.episode), "what": self.what, "data": self.data(),
        }  # fmt: skip
        return msgspec.json.encode(event).decode()

    def message(self) -> bytes:
        """Return the message for Kafka."""
        return msgspec.json.encode({"episode": self.episode, "what": self.what, **self.data()})


class _Subject(NamedTuple):
    rule: Rule
    series: int
    device: str
    channel: str


class Book:
    """What a transaction writes: new episodes at once, all else in the end.

    `standing` is kept as it will be stored.
    """

    def __init__(
        self,
        connection: Connection[Any],
        standing: dict[Key, Standing],
        name: Callable[[int], tuple[str, str]],
        now: int,
    ) -> None:
        """`name` gives device and channel of a series; `now` in µs UTC."""
        self._connection = connection
        self._standing = standing
        self._name = name
        self.now = now
        self._changed: dict[Key, Standing] = {}
        self._transitions: list[Transition] = []
        self._unwritten: dict[int, Known | None] = {}
        self._concerned: set[Key] = set()

    def enter(self, rule: Rule, series: int, pairs: Iterable[Pair], seen: int) -> Known | None:
        """Write what became of episodes; return the one that still fires, if one of these does.

        `seen` is the time of the newest reading, or of the look that found none: what still fires
        then is news if that is.
        """
        subject = _Subject(rule, series, *self._name(series))
        kept = [self._write(subject, known, episode, seen) for known, episode in pairs]
        fires = [k for k in kept if k is not None and k.episode.ended is None]
        return fires[0] if fires else None

    def stand(self, rule: Rule, series: int, state: State, fires: Known | None = None) -> None:
        """Keep how a rule now stands for a series."""
        key = rule.id, series
        before, now = self._standing.get(key), Standing(rule.version, state, fires)
        if state.name == OK:
            self._standing.pop(key, None)
        else:
            self._standing[key] = now
        written = None if before is None else before.state[:3]
        if written != state[:3] and (before is not None or state.name != OK):
            self._changed[key] = now

    def end(self, key: Key, standing: Standing, at: int) -> None:
        """End what a rule that is no more, or no more about a series, left behind."""
        self._standing.pop(key, None)
        self._connection.execute(_FORGET, key)
        if standing.open is None:
            return
        known = standing.open
        row = self._connection.execute(_END, (moment(at), known.id)).fetchone()
        if row is not None and not known.late:
            ended = max(at, known.episode.began)
            rule, severity, device, channel = row
            self._transitions.append(
                Transition(known.id, RESOLVED, rule, severity, device, channel, None, ended)
            )

    def forget_rules(self) -> None:
        """Delete the states of rules that are no more, or another now."""
        self._connection.execute(_FORGET_RULES)

    def flush(self) -> None:
        """Write what became of known episodes, so that it can be read."""
        cursor = self._connection.cursor()
        gone = [(id_,) for id_, kept in self._unwritten.items() if kept is None]
        kept = [kept for kept in self._unwritten.values() if kept is not None]
        # What ends goes first: one at a time may fire.
        kept.sort(key=lambda one: one.episode.ended is None)
        if gone:
            cursor.executemany(_DELETE, gone)
        if kept:
            cursor.executemany(_UPDATE, [_row(one) for one in kept])
        self._unwritten.clear()
        self._concerned.clear()

    def close(self) -> list[Transition]:
        """Write all; return what there is to tell after the commit."""
        self.flush()
        cursor = self._connection.cursor()
        if self._changed:
            rows = [
                (*key, s.version, s.state.name, moment(s.state.since), s.state.value)
                for key, s in self._changed.items()
            ]
            cursor.executemany(_STATE, rows)
        if self._transitions:
            cursor.executemany(_TELL, [(_CHANNEL, t.event()) for t in self._transitions])
        return self._transitions

    def _write(
        self, subject: _Subject, known: Known | None, episode: Episode | None, seen: int
    ) -> Known | None:
        if episode is None:
            assert known is not None
            self._later(subject, known.id, None)
            if not known.late and known.episode.ended is None:
                self._tell(subject, known.id, RESOLVED, None, seen)
            return None
        goes_on = episode.ended is None and seen >= self.now - LATE_US
        if known is None:
            late = not goes_on and (subject.rule.is_silence or episode.began < self.now - LATE_US)
            kept = Known(self._insert(subject, episode, late=late), late, episode)
        else:
            kept = Known(known.id, known.late and not goes_on, episode)
            if kept != known:
                self._later(subject, kept.id, kept)
        was_told = known is not None and not known.late
        told_firing = was_told and known is not None and known.episode.ended is None
        if not kept.late and not told_firing and (not was_told or episode.ended is None):
            self._tell(subject, kept.id, FIRING, episode.value, episode.began)
            told_firing = True
        if told_firing and episode.ended is not None:
            self._tell(subject, kept.id, RESOLVED, None, episode.ended)
        return kept

    def _insert(self, subject: _Subject, episode: Episode, *, late: bool) -> int:
        if (subject.rule.id, subject.series) in self._concerned:
            self.flush()
        rule, values = subject.rule, (episode.value, episode.worst, late)
        named = rule.id, subject.series, rule.version, rule.name, rule.severity
        row = self._connection.execute(_INSERT, (*named, *_ends(episode), *values)).fetchone()
        assert row is not None
        return int(row[0])

    def _later(self, subject: _Subject, id_: int, kept: Known | None) -> None:
        self._unwritten[id_] = kept
        self._concerned.add((subject.rule.id, subject.series))

    def _tell(
        self, subject: _Subject, episode: int, what: str, value: float | None, at: int
    ) -> None:
        _, _, device, channel = subject
        name, severity = subject.rule.name, subject.rule.severity
        self._transitions.append(
            Transition(episode, what, name, severity, device, channel, value, at)
        )


def _ends(episode: Episode) -> tuple[datetime, datetime | None]:
    return moment(episode.began), None if episode.ended is None else moment(episode.ended)


def _row(kept: Known) -> tuple[object, ...]:
    episode = kept.episode
    return *_ends(episode), episode.value, episode.worst, kept.late, kept.id
