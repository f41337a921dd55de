"""Answers to the API's questions: most are written down, some are made of the recorded readings."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

import msgspec
import numpy as np

from control_panel.client.clock import Clock
from control_panel.client.demo.preview import preview
from control_panel.client.demo.recording import Recording, hours
from control_panel.client.demo.scene import Measured, Player, Scene, dated

CA = "-----BEGIN CERTIFICATE-----\nbm9ib2R5\n-----END CERTIFICATE-----\n"
"""The demonstration's; it is none."""
_FIX = "Start Fieldline without --demo to connect to a server"
_MINUTES_ONLY_US = 33 * 3_600_000_000
_WOBBLE = {"rate_in": 0.06, "rate_out": 0.08}
Query = Mapping[str, list[str]]


class Declined(Exception):
    """What is asked cannot be had here; `said` is a sentence without its end."""

    def __init__(self, status: int, kind: str, said: str, fix: str = _FIX) -> None:
        super().__init__(said)
        self.status, self.kind, self.said, self.fix = status, kind, said, fix

    def problem(self) -> dict[str, Any]:
        """Return it as a server says it (RFC 9457)."""
        return {
            "type": f"urn:fieldline:problem:{self.kind}",
            "title": self.kind,
            "status": self.status,
            "detail": self.said,
            "fix": self.fix,
        }


class Answers:
    """All of them, as at the time of the clock."""

    def __init__(self, scene: Scene, recording: Recording, clock: Clock) -> None:
        self._scene = scene
        self._recording = recording
        self._clock = clock
        self._players = {one.name: one for one in scene.players}
        self._made: dict[str, Callable[[Query], Any]] = {
            "/v1/enrolment/ca": lambda _: CA,
            "/v1/channels": self._channels,
            "/v1/rollups": self._rollups,
            "/v1/readings": self._readings,
            "/v1/pipeline": lambda _: self._pipeline(),
        }

    def answer(self, method: str, path: str, query: Query, body: Any) -> Any:
        """Return what is there: text, or what goes as JSON. Raises Declined."""
        if (method, path) == ("POST", "/v1/alert-rules/preview"):
            return preview(self._recording, self._scene.players, body, self._clock.now_utc())
        if method != "GET":
            raise self._declined(method, path)
        if path in self._made:
            return self._made[path](query)
        written = self._scene.answers
        if path in written:
            return self._written(written[path], path, query)
        device = unquote(path.removeprefix("/v1/devices/"))
        for one in written["/v1/devices"]:
            if one["name"] == device:
                return self._dated({**one, "credentials": []})
        raise Declined(404, "not-found", f"the demonstration has nothing at {unquote(path)}")

    def _declined(self, method: str, path: str) -> Declined:
        would = next(
            (
                act.would
                for act in self._scene.acts
                if act.method == method and fnmatchcase(path, act.path)
            ),
            "do this now",
        )
        return Declined(
            409, "demonstration", f"This is a demonstration: a real server would {would}"
        )

    def _written(self, said: Any, path: str, query: Query) -> Any:
        if path.endswith("/consequences"):
            return said[query["action"][0]]
        if path.endswith("/log"):
            lines = [
                one if isinstance(one, str) else msgspec.json.encode(one).decode()
                for one in self._dated(said["lines"])
            ]
            return {**said, "lines": lines}
        if not isinstance(said, list):
            return self._dated(said)
        items = [
            one
            for one in said
            if all(key not in one or str(one[key]) in wanted for key, wanted in query.items())
        ]
        return {"items": self._dated(items), "next": None}

    def _dated(self, said: Any) -> Any:
        return dated(said, self._recording.began_utc / 1e6, self._clock.now_utc() / 1e6)

    def _pipeline(self) -> Any:
        """Rates are never quite the same."""
        found = self._dated(self._scene.answers["/v1/pipeline"])
        turn = self._clock.now_utc() / 7e6
        for number, stage in enumerate(found["stages"]):
            for key, share in _WOBBLE.items():
                if stage[key] is not None:
                    stage[key] *= 1 + share * float(np.sin(turn + number))
        return found

    def _channels(self, query: Query) -> Any:
        wanted = query.get("device", [])
        now_utc = self._clock.now_utc()
        items = []
        for player in self._scene.players:
            if wanted and player.name not in wanted:
                continue
            for channel in player.channels:
                end_utc = now_utc
                if player.until_s is not None:
                    end_utc = self._recording.began_utc + round(player.until_s * 1e6)
                times, values = self._recording.between(
                    player, channel, end_utc - 120_000_000, end_utc
                )
                items.append(
                    {
                        "device": player.name,
                        "channel": channel.channel,
                        "time": _moment(times[-1]) if len(times) else None,
                        "value": float(values[-1]) if len(times) else None,
                        "unit": channel.unit,
                        "label": channel.label,
                        "minimum": channel.minimum,
                        "maximum": channel.maximum,
                    }
                )
        return {"items": items, "next": None}

    def _rollups(self, query: Query) -> Any:
        player, channels, begin_utc, end_utc = self._asked(query)
        series = []
        by_hour = end_utc - begin_utc > _MINUTES_ONLY_US
        for channel in channels:
            found = self._recording.minutes(player, channel, begin_utc, end_utc)
            if by_hour:
                found = hours(found)
            columns = zip(*(one.tolist() for one in found[:-1]), strict=True)
            points = [
                {
                    "time": _moment(time), "first": mean, "last": last, "maximum": highest,
                    "mean": mean, "minimum": lowest, "n": n,
                    "stddev": (squares / (n - 1)) ** 0.5 if n > 1 else None,
                }
                for time, mean, lowest, highest, last, n, squares in columns
            ]  # fmt: skip
            series.append(
                {
                    "channel": channel.channel, "unit": channel.unit, "label": channel.label,
                    "points": points,
                }
            )  # fmt: skip
        return {
            "device": player.name,
            "expired_until": None,
            "resolution": "1h" if by_hour else "1m",
            "series": series,
        }

    def _readings(self, query: Query) -> str:
        player, channels, begin_utc, end_utc = self._asked(query)
        lines = ["time,channel,value,text,unit,quality,received"]
        for channel in channels:
            times, values = self._recording.between(player, channel, begin_utc, end_utc)
            at = np.datetime_as_string(times.astype("datetime64[us]")).tolist()
            rest = f"{channel.unit},{player.quality}"
            lines += [
                f"{time}Z,{channel.channel},{value!r},,{rest},{time}Z"
                for time, value in zip(at, values.tolist(), strict=True)
            ]
        return "\r\n".join(lines) + "\r\n"

    def _asked(self, query: Query) -> tuple[Player, list[Measured], int, int]:
        name = query.get("device", [""])[0]
        player = self._players.get(name)
        wanted = set(query.get("channel", []))
        channels = [one for one in player.channels if one.channel in wanted] if player else []
        if player is None or len(channels) < len(wanted):
            raise Declined(404, "not-found", f"the demonstration has no such channel of {name}")
        now_utc = self._clock.now_utc()
        end_utc = min(_utc(query["to"][0]), now_utc) if "to" in query else now_utc
        # A day is recorded; a week of it is enough.
        begin_utc = max(_utc(query["from"][0]), end_utc - 7 * 86_400_000_000)
        return player, channels, begin_utc, max(begin_utc, end_utc)


def _moment(time_utc: int) -> str:
    return datetime.fromtimestamp(int(time_utc) / 1e6, UTC).isoformat()


def _utc(said: str) -> int:
    return round(datetime.fromisoformat(said).timestamp() * 1e6)
