"""How often a rule would have fired on the recorded readings."""

from collections.abc import Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from control_panel.client.demo.recording import Recording, Times, Values
from control_panel.client.demo.scene import Player

_DAY_US = 86_400_000_000
_LATEST = 20


class _Fired(NamedTuple):
    began_utc: int
    ended_utc: int
    value: float | None
    worst: float | None


def preview(
    recording: Recording, players: Iterable[Player], body: dict[str, Any], now_utc: int
) -> dict[str, Any]:
    """Return what the API answers; looks at the newest day, by the minute."""
    rule = body["rule"]
    asked_utc = round(datetime.fromisoformat(body["since"]).timestamp() * 1e6)
    since_utc = max(asked_utc, now_utc - _DAY_US)
    often, latest, channels, readings = [], [], 0, 0
    for player in players:
        for channel in player.channels:
            if not _concerns(rule, player, channel.channel):
                continue
            found = recording.minutes(player, channel, since_utc, now_utc)
            if not len(found.times):
                continue
            channels += 1
            readings += int(found.counts.sum())
            above = rule.get("direction") != "below"
            fired = _fired(rule, found.times, found.maxima if above else found.minima, now_utc)
            firing_s = sum(one.ended_utc - one.began_utc for one in fired) / 1e6
            if fired:
                often.append({"device": player.name, "channel": channel.channel,
                              "episodes": len(fired), "firing_s": firing_s})  # fmt: skip
            latest += [(player.name, channel.channel, one) for one in fired]
    latest.sort(key=lambda one: one[2].began_utc, reverse=True)
    return {
        "channels": channels,
        "readings": readings,
        "episodes": sum(one["episodes"] for one in often),
        "firing_s": sum(one["firing_s"] for one in often),
        "often": sorted(often, key=lambda one: -one["episodes"]),
        "latest": [
            {
                "device": device, "channel": name, "value": one.value, "worst": one.worst,
                "began": _moment(one.began_utc), "ended": _moment(one.ended_utc),
            }
            for device, name, one in latest[:_LATEST]
        ],
    }  # fmt: skip


def _concerns(rule: dict[str, Any], player: Player, channel: str) -> bool:
    return (
        fnmatchcase(player.name, rule.get("device") or "*")
        and fnmatchcase(channel, rule.get("channel") or "*")
        and rule.get("site") in {None, "", player.site}
    )


def _fired(rule: dict[str, Any], times: Times, values: Values, now_utc: int) -> list[_Fired]:
    if rule["kind"] == "no data":
        window_us = round((rule.get("window_s") or 60) * 1e6)
        ends = np.append(times[1:], now_utc)
        return [
            _Fired(int(time) + window_us, int(end), None, None)
            for time, end in zip(times, ends, strict=True)
            if end - time - 60_000_000 > window_us
        ]
    if rule["kind"] == "rate":
        values = np.append(0.0, np.diff(values) / np.maximum(np.diff(times) / 1e6, 1e-6))
    sign = 1.0 if rule.get("direction") != "below" else -1.0
    threshold = rule.get("threshold") or 0.0
    back = rule.get("clear_at")
    limit, clear = sign * threshold, sign * (threshold if back is None else back)
    beyond = sign * values
    found: list[_Fired] = []
    first: int | None = None
    for row, value in enumerate([*beyond.tolist(), -np.inf]):
        if first is None:
            first = row if value > limit else None
        elif not value > clear:
            end_utc = int(times[min(row, len(times) - 1)])
            if (end_utc - int(times[first])) / 1e6 >= (rule.get("for_s") or 0):
                worst = sign * float(beyond[first:row].max())
                found.append(_Fired(int(times[first]), end_utc, float(values[first]), worst))
            first = None
    return found


def _moment(time_utc: int) -> str:
    return datetime.fromtimestamp(time_utc / 1e6, UTC).isoformat()
