"""What a rule makes of all readings in order, one after the other, as docs/alerts.md says it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from cloud.spark.alerts.fold import Episode
from cloud.spark.alerts.rules import Rule

SECOND = 1_000_000


def rule(**said: Any) -> Rule:
    """Make a rule: above 10 unless said otherwise, from 1970 on."""
    fields: dict[str, Any] = {
        "id": 1, "version": 1, "name": "r", "severity": "warning", "kind": "threshold",
        "device": None, "channel": None, "site": None, "above": True, "threshold": 10.0,
        "clear_at": 10.0, "for_s": 0.0, "window_s": 0.0,
        "since": datetime.fromtimestamp(0, UTC),
    }  # fmt: skip
    return Rule(**{**fields, **said})


def episodes(made: Rule, readings: list[tuple[int, float]]) -> list[Episode]:
    """Return the episodes of readings in any order."""
    ordered = sorted(readings)
    if made.is_silence:
        return _silences(made, ordered)
    ordered = [(t, v) for t, v in ordered if t >= made.changed]
    found: list[Episode] = []
    since: int | None = None
    sign = 1 if made.above else -1
    for n, (time, raw) in enumerate(ordered):
        value = raw if made.kind == "threshold" else _rate(made, ordered, n)
        over = value is not None and sign * value > sign * made.threshold
        clear = value is not None and sign * value <= sign * made.clear_at
        if found and found[-1].ended is None:
            if clear:
                found[-1] = found[-1]._replace(ended=time)
            elif value is not None:
                worst = found[-1].worst
                assert worst is not None
                found[-1] = found[-1]._replace(worst=sign * max(sign * worst, sign * value))
            continue
        if not over:
            since = None
            continue
        since = time if since is None else since
        if time >= since + made.hold:
            found.append(Episode(time, None, value, value))
            since = None
    return found


def _rate(made: Rule, ordered: list[tuple[int, float]], place: int) -> float | None:
    time, value = ordered[place]
    older = [(t, v) for t, v in ordered if t <= time - made.window]
    if not older or older[-1][0] < time - 2 * made.window:
        return None
    return (value - older[-1][1]) / ((time - older[-1][0]) / 1e6)


def _silences(made: Rule, ordered: list[tuple[int, float]]) -> list[Episode]:
    found = []
    for (one, _), (other, _) in pairwise(ordered):
        last, time = max(one, made.changed), max(other, made.changed)
        if time - last > made.silence:
            found.append(Episode(last + made.silence, time, None, None))
    return found
