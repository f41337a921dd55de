"""How an item of a recording becomes readings."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import NamedTuple

from edge_agent.sources.replay.settings import Field, Settings, Time

_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_LARGEST = 1e150
"""What a pack can carry: the squares of values must fit a double."""
_LONGEST = 8192

Value = float | str | bool


class Unfit(Exception):
    """An item or a field does not fit; `reason` is the name of the counter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Taken(NamedTuple):
    """What was in an item: its time as recorded, and the value of each field that has one."""

    time_utc: int
    values: list[tuple[Field, Value]]


def take(item: object, settings: Settings, count: Callable[[str], None]) -> Taken | None:
    """Return what an item holds, None if `where` leaves it out.

    An item that does not fit raises Unfit; a field that does not fit is counted, the others pass.
    """
    if not isinstance(item, Mapping):
        raise Unfit("unreadable_items")
    for path, wanted in settings.where.items():
        if not _equal(_find(item, path), wanted):
            return None
    time_utc = microseconds(_find(item, settings.time.field), settings.time)
    values = []
    for field in settings.fields:
        raw = _find(item, field.field)
        if raw is None or raw == "":
            count("missing_values")
            continue
        try:
            values.append((field, value(raw, field.type)))
        except Unfit as unfit:
            count(unfit.reason)
    return Taken(time_utc, values)


def microseconds(raw: object, form: Time) -> int:
    """Return the time as µs since 1970, rounded to the nearest; raises Unfit."""
    if raw is None or raw == "":
        raise Unfit("items_without_time")
    try:
        if form.unit == "rfc3339":
            return _from_text(raw)
        return _from_number(raw, _MICROSECONDS[form.unit])
    except (ValueError, OverflowError):
        raise Unfit("items_with_bad_time") from None


def value(raw: object, form: str) -> Value:
    """Return the value in the type that is wanted; raises Unfit."""
    if form == "text" and isinstance(raw, str | int | float):
        text = str(raw).lower() if isinstance(raw, bool) else str(raw)
        if len(text) <= _LONGEST and "\0" not in text:
            return text
    elif isinstance(raw, bool):
        return float(raw) if form == "number" else raw
    elif isinstance(raw, int | float):
        if form == "boolean" and raw in {0, 1}:
            return bool(raw)
        if form != "boolean" and abs(raw) < _LARGEST:
            return float(raw)
    elif isinstance(raw, str):
        return _from_string(raw, form)
    raise Unfit("bad_values")


def _from_string(raw: str, form: str) -> Value:
    text = raw.strip()
    if form in {"auto", "boolean"} and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if form == "boolean" and text in {"0", "1"}:
        return text == "1"
    if form in {"auto", "number"}:
        try:
            return value(float(text), "number")
        except ValueError:
            pass  # no number
    if form == "auto":
        return value(raw, "text")
    raise Unfit("bad_values")


def _from_number(raw: object, scale: int) -> int:
    if isinstance(raw, str):
        try:
            return int(raw) * scale
        except ValueError:
            return round(float(raw) * scale)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError
    return round(raw * scale)


def _from_text(raw: object) -> int:
    if not isinstance(raw, str):
        raise ValueError
    moment = dt.datetime.fromisoformat(raw.strip())
    if moment.tzinfo is None:
        raise ValueError
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return since // dt.timedelta(microseconds=1)


def _find(item: object, path: str) -> object:
    """Follow a path such as data.co; a key that itself has dots is found too. None if absent."""
    if not isinstance(item, Mapping):
        return None
    if path in item:
        found: object = item[path]
        return found
    head, dot, rest = path.partition(".")
    return _find(item.get(head), rest) if dot else None


def _equal(found: object, wanted: str | bool | float) -> bool:
    if isinstance(found, bool) != isinstance(wanted, bool):
        return isinstance(found, str) and found.lower() == str(wanted).lower()
    if isinstance(found, str) and isinstance(wanted, float):
        try:
            return float(found) == wanted
        except ValueError:
            return False
    return found == wanted
