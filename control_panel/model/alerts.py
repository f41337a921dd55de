"""Alerts in the order in which they matter, rules as people write them, when to notify. Pure."""

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from control_panel.model.things import Alert, Event, Rule

SEVERITIES = ("critical", "warning", "info")
"""The worst first."""
KINDS = ("threshold", "rate", "no data")
_LONGEST_S = 31 * 86_400


class Standing(NamedTuple):
    """What does not stand well now, each the worst first and then the newest."""

    firing: tuple[Alert, ...]
    """Nobody has seen them."""
    acknowledged: tuple[Alert, ...]
    pending: tuple[Alert, ...]
    """Beyond, and not yet for long enough."""


def standing(alerts: Iterable[Alert]) -> Standing:
    """Sort alerts by what there is to do about them."""
    ordered = sorted(alerts, key=lambda one: (_rank(one.severity), -one.since.timestamp()))
    firing = [one for one in ordered if one.state == "firing"]
    return Standing(
        tuple(one for one in firing if one.acknowledged_by is None),
        tuple(one for one in firing if one.acknowledged_by is not None),
        tuple(one for one in ordered if one.state == "pending"),
    )


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


class Wrong(StrEnum):
    """What is wrong with a field of a rule."""

    MISSING = "missing"
    NO_NUMBER = "no number"
    NO_SPAN = "no span"
    TOO_LONG_A_SPAN = "too long a span"
    NOT_PRINTABLE = "not printable"
    TOO_LONG = "too long"
    WRONG_SIDE = "wrong side"
    ZERO = "zero"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it stands in the fields, in words; spans such as `30 s`, `10 min`, `2h`."""

    name: str = ""
    kind: str = "threshold"
    device: str = ""
    channel: str = ""
    site: str = ""
    direction: str = "above"
    threshold: str = ""
    clear_at: str = ""
    for_s: str = ""
    window_s: str = ""
    severity: str = "warning"
    enabled: bool = True


def draft_of(rule: Rule) -> Draft:
    """Return a rule as one would write it."""
    return Draft(
        name=rule.name,
        kind=rule.kind,
        device=rule.device or "",
        channel=rule.channel or "",
        site=rule.site or "",
        direction=rule.direction or "above",
        threshold=_written(rule.threshold),
        clear_at=_written(rule.clear_at),
        for_s=span_text(rule.for_s) if rule.for_s else "",
        window_s=span_text(rule.window_s) if rule.window_s else "",
        severity=rule.severity,
        enabled=rule.enabled,
    )


def check(draft: Draft) -> tuple[dict[str, Any], dict[str, Wrong]]:
    """Return a rule's request, and by field what is wrong; the request is good if nothing is."""
    wrong: dict[str, Wrong] = {}

    def text(field: str, most: int) -> str | None:
        said = getattr(draft, field).strip()
        if not said.isprintable():
            wrong[field] = Wrong.NOT_PRINTABLE
        elif len(said) > most:
            wrong[field] = Wrong.TOO_LONG
        return said or None

    def number(field: str) -> float | None:
        said = getattr(draft, field).strip()
        value = number_of(said)
        if said and value is None:
            wrong[field] = Wrong.NO_NUMBER
        return value

    def span(field: str) -> float | None:
        said = getattr(draft, field).strip()
        value = seconds_of(said)
        if said and value is None:
            wrong[field] = Wrong.NO_SPAN
        elif value is not None and value > _LONGEST_S:
            wrong[field] = Wrong.TOO_LONG_A_SPAN
        return value

    made: dict[str, Any] = {
        "name": text("name", 100), "kind": draft.kind, "device": text("device", 200),
        "channel": text("channel", 200), "site": text("site", 200), "direction": None,
        "threshold": None, "clear_at": None, "for_s": span("for_s") or 0.0, "window_s": None,
        "severity": draft.severity, "enabled": draft.enabled,
    }  # fmt: skip
    if not made["name"]:
        wrong["name"] = Wrong.MISSING
    if draft.kind != "no data":
        made |= {"direction": draft.direction, "threshold": number("threshold"),
                 "clear_at": number("clear_at")}  # fmt: skip
        if made["threshold"] is None:
            wrong.setdefault("threshold", Wrong.MISSING)
        elif made["clear_at"] is not None:
            back = made["threshold"] - made["clear_at"]
            if (back < 0) if draft.direction == "above" else (back > 0):
                wrong["clear_at"] = Wrong.WRONG_SIDE
    if draft.kind != "threshold":
        made["window_s"] = span("window_s")
        if made["window_s"] is None:
            wrong.setdefault("window_s", Wrong.MISSING)
        elif not made["window_s"]:
            wrong["window_s"] = Wrong.ZERO
    return made, wrong


def number_of(text: str) -> float | None:
    """Read a number, with a point or a comma; None if it is none."""
    try:
        value = float(text.replace(",", ".").replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= 1e300 else None


_SPAN = re.compile(r"(\d+(?:[.,]\d+)?)\s*(sec|s|min|m|h|days?|d)?", re.IGNORECASE)
_UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "day": 86_400,
          "days": 86_400}  # fmt: skip


def seconds_of(text: str) -> float | None:
    """Read a stretch of time such as `90`, `30 s`, `1 h 30 min`; None if it is none."""
    left = text.strip()
    if not left:
        return None
    total = 0.0
    while left:
        match = _SPAN.match(left)
        if match is None:
            return None
        total += float(match[1].replace(",", ".")) * _UNITS[(match[2] or "s").lower()]
        left = left[match.end() :].lstrip()
    return total


def span_text(seconds: float) -> str:
    """Return a stretch of time as `seconds_of` reads it, exactly."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{_written(seconds)} s"


def _written(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


class Notification(NamedTuple):
    """What an event of kind `notification` tells of."""

    title: str
    what: str
    """`firing`, `resolved` or `test`."""
    rule: str
    device: str
    channel: str
    value: float | None
    alerts: int
    """Of how many it tells."""


def notification_of(event: Event) -> Notification | None:
    """Read an event; None if it is none, or says too little."""
    if event.kind != "notification":
        return None
    said: Mapping[str, Any] = event.data

    def text(key: str) -> str:
        value = said.get(key)
        return value if isinstance(value, str) else ""

    value, count = said.get("value"), said.get("count")
    return Notification(
        text("title"),
        event.what,
        text("rule"),
        text("device"),
        text("channel"),
        float(value) if isinstance(value, int | float) else None,
        count if isinstance(count, int) else 1,
    )


class Pace:
    """Lets so many through in a stretch of time; who comes later is told how many were held."""

    def __init__(self, most: int = 3, within: timedelta = timedelta(seconds=30)) -> None:
        self._most = most
        self._within = within
        self._times: deque[datetime] = deque()
        self._held = 0

    def let(self, now: datetime) -> int | None:
        """Return how many were held back since the last that went through; None: hold this one."""
        while self._times and now - self._times[0] >= self._within:
            self._times.popleft()
        if len(self._times) >= self._most:
            self._held += 1
            return None
        self._times.append(now)
        held, self._held = self._held, 0
        return held
