"""`python -m cloud.control.alerts.preview`: what a rule would have made of stored readings.

A process of its own, by the same fold as the stream's: numpy and the readings would double what the
API holds, and the work would hold up its other requests. It reads an `Asked` from stdin, and writes
a `Found` to stdout. The password comes by stdin too, so that no list of processes shows it.
"""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import psycopg

from cloud.spark.alerts.fold import OK, Episode, State, Times, Values, fold, signal, silences
from cloud.spark.alerts.rules import SILENCE, Rule

MOST_READINGS = 2_000_000
_MOST_SERIES, _MOST_EPISODES = 20, 100
_TIMEOUT_MS = 20_000

_FITTING = """
SELECT c.device, c.channel FROM fieldline.channel AS c JOIN fieldline.device AS d USING (device)
WHERE control.fits(c.device, %(device)s) AND control.fits(c.channel, %(channel)s)
  AND control.fits(d.site, %(site)s)
"""
_COUNT = f"""
SELECT coalesce(sum(r.n), 0)::int8 FROM fieldline.rollup_1h AS r
JOIN ({_FITTING}) AS c USING (device, channel)
WHERE r.time > %(since)s - interval '1 hour' AND r.time < %(until)s
"""  # noqa: S608 -- made of the constant above
# One row a channel. One that has said nothing then, and something before, was silent.
_READINGS = f"""
SELECT c.device, c.channel,
       coalesce(string_agg(int8send((extract(epoch FROM r.time) * 1000000)::int8), ''::bytea
                           ORDER BY r.time, r.value), ''::bytea),
       coalesce(string_agg(float8send(r.value), ''::bytea ORDER BY r.time, r.value), ''::bytea)
FROM ({_FITTING}) AS c
LEFT JOIN fieldline.reading AS r ON r.device = c.device AND r.channel = c.channel
    AND r.time >= %(since)s AND r.time < %(until)s AND r.value IS NOT NULL
GROUP BY c.device, c.channel
HAVING count(r.value) > 0 OR EXISTS (
    SELECT FROM fieldline.rollup_1d AS b
    WHERE b.device = c.device AND b.channel = c.channel AND b.time < %(since)s
)
"""  # noqa: S608 -- made of the constant above


class Asked(msgspec.Struct, frozen=True):
    """A rule as people say it, from when to when, and how to reach the database."""

    dsn: str
    password: str | None
    rule: dict[str, Any]
    since: datetime
    until: datetime


class Fired(msgspec.Struct, frozen=True):
    """One time that it would have fired; `ended` is None if it still did at the end."""

    device: str
    channel: str
    began: datetime
    ended: datetime | None
    value: float | None
    worst: float | None


class Often(msgspec.Struct, frozen=True):
    """How often it would have fired for a channel, and for how long in all."""

    device: str
    channel: str
    episodes: int
    firing_s: float


class Found(msgspec.Struct, frozen=True):
    """What it would have made; without `too_many` all of it was looked at."""

    readings: int
    too_many: bool = False
    channels: int = 0
    episodes: int = 0
    firing_s: float = 0.0
    often: list[Often] = []
    latest: list[Fired] = []


def made_of(said: dict[str, Any], since: datetime) -> Rule:
    """Return a rule that begins at a time, of what people say of one."""
    above = said["direction"] != "below"
    threshold = said["threshold"] or 0.0
    clear_at = threshold if said["clear_at"] is None else said["clear_at"]
    return Rule(
        id=0,
        version=0,
        name=said["name"],
        severity=said["severity"],
        kind=said["kind"],
        device=said["device"],
        channel=said["channel"],
        site=said["site"],
        above=above,
        threshold=threshold,
        clear_at=(min if above else max)(threshold, clear_at),
        for_s=said["for_s"],
        window_s=said["window_s"] or 0.0,
        since=since,
    )


def episodes(rule: Rule, times: Times, values: Values, until: int) -> list[Episode]:
    """Return what a rule makes of a channel's readings, in order, up to a time in µs."""
    if rule.kind == SILENCE:
        first = rule.changed
        found = silences(rule, first, times)
        fires = max(int(times[-1]) if len(times) else first, first) + rule.silence
        return [*found, Episode(fires, None, None, None)] if fires < until else found
    return fold(rule, State(OK, rule.changed, None), times, signal(rule, times, values))[1]


def summary(channels: Iterable[tuple[str, str, list[Episode]]], readings: int, until: int) -> Found:
    """Count what fired; the channels with most of it, and the latest episodes, first."""
    often: list[Often] = []
    fired: list[tuple[int, Fired]] = []
    looked_at = 0
    for device, channel, some in channels:
        looked_at += 1
        if not some:
            continue
        ends = [until if one.ended is None else one.ended for one in some]
        spans = [end - one.began for end, one in zip(ends, some, strict=True)]
        often.append(Often(device, channel, len(some), sum(spans) / 1e6))
        fired += [(one.began, _fired(device, channel, one)) for one in some[-_MOST_EPISODES:]]
    often.sort(key=lambda one: (-one.episodes, -one.firing_s, one.device, one.channel))
    fired.sort(key=lambda one: one[0], reverse=True)
    return Found(
        readings=readings,
        channels=looked_at,
        episodes=sum(one.episodes for one in often),
        firing_s=sum(one.firing_s for one in often),
        often=often[:_MOST_SERIES],
        latest=[one for _, one in fired[:_MOST_EPISODES]],
    )


def look(asked: Asked) -> Found:
    """Read and fold. Raises psycopg.Error."""
    rule = made_of(asked.rule, asked.since)
    until = round(asked.until.timestamp() * 1e6)
    about = {
        "device": rule.device, "channel": rule.channel, "site": rule.site,
        "since": asked.since, "until": asked.until,
    }  # fmt: skip
    with psycopg.connect(
        asked.dsn,
        password=asked.password,
        application_name="fieldline api preview",
        options=f"-c statement_timeout={_TIMEOUT_MS} -c timezone=UTC",
    ) as connection:
        row = connection.execute(_COUNT, about).fetchone()
        assert row is not None
        if row[0] > MOST_READINGS:
            return Found(readings=row[0], too_many=True)
        count = 0
        channels: list[tuple[str, str, list[Episode]]] = []
        with connection.cursor("channels", binary=True) as rows:
            rows.itersize = 50
            rows.execute(_READINGS, about)
            for device, channel, raw_times, raw_values in rows:
                times = np.frombuffer(raw_times, ">i8").astype(np.int64)
                values = np.frombuffer(raw_values, ">f8").astype(np.float64)
                count += len(times)
                channels.append((device, channel, episodes(rule, times, values, until)))
    return summary(channels, count, until)


def _fired(device: str, channel: str, one: Episode) -> Fired:
    ended = None if one.ended is None else _time(one.ended)
    return Fired(device, channel, _time(one.began), ended, one.value, one.worst)


def _time(time_utc: int) -> datetime:
    return datetime.fromtimestamp(time_utc / 1e6, UTC)


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(look(msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)))
    )
