"""What existing sketches print, read as well as a person would read it.

JSON objects; `label:value` pairs as the Arduino plotter takes them; rows of numbers, named by a
header line of words if there was one.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
_NO_NUMBER = r"(?i:nan|[+-]?inf|ovf)"
"""What Arduino's Print writes for numbers that are none."""
_CELL = re.compile(rf"{_NUMBER}|{_NO_NUMBER}")
_PAIR = re.compile(
    rf"(?P<label>[^\W\d][^:=]{{0,39}}?)\s*[:=]\s*(?P<value>{_NUMBER}|{_NO_NUMBER})"
    r"\s?(?P<unit>(?:[^\s\d:=.+-][^\s:=]{0,7})?)"
)
_WORD = re.compile(r"[^\W\d][^:=]{0,39}")
_LONGEST_TEXT = 200
_DEEPEST = 4


class Found(NamedTuple):
    """One value that a line holds; None if the sketch printed that it has none."""

    label: str
    value: float | bool | str | None
    unit: str = ""


class SketchReader:
    """Reads lines one by one; remembers only the header of a table."""

    def __init__(self) -> None:
        self._header: list[str] = []

    def read(self, line: str) -> list[Found] | None:
        """Return what a line holds, nothing for a header; None if it is only words."""
        text = line.strip()
        if text.startswith("{"):
            return _from_json(text)
        cells = re.split(r"\s*[,;\t]\s*|\s+", text.rstrip(",;\t "))
        if all(map(_CELL.fullmatch, cells)):
            return [
                Found(label, _number(cell))
                for label, cell in zip(self._labels(len(cells)), cells, strict=True)
            ]
        pairs = _from_pairs(text)
        if pairs is not None:
            return pairs
        words = re.split(r"\s*[,;\t]\s*", text)
        if len(words) > 1 and all(map(_WORD.fullmatch, words)):
            self._header = words
            return []
        return None

    def _labels(self, n: int) -> list[str]:
        if len(self._header) == n:
            return self._header
        return ["value"] if n == 1 else [f"value-{i}" for i in range(1, n + 1)]


def _from_pairs(text: str) -> list[Found] | None:
    """Pairs apart by commas may have spaces in their labels, those apart by spaces may not."""
    found = []
    for part in filter(None, re.split(r"\s*[,;\t]\s*", text)):
        whole = _PAIR.fullmatch(part)
        matches = [whole] if whole else [_PAIR.fullmatch(piece) for piece in part.split()]
        for match in matches:
            if match is None:
                return None
            unit = match["unit"].replace("°C", "Cel")
            found.append(Found(match["label"].strip(), _number(match["value"]), unit))
    return found or None


def _from_json(text: str) -> list[Found] | None:
    try:
        item = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return list(_flat(item, "", _DEEPEST)) or None


def _flat(item: Mapping[object, object], prefix: str, depth: int) -> Iterator[Found]:
    for key, value in item.items():
        label = f"{prefix}{key}"
        if isinstance(value, bool):
            yield Found(label, value)
        elif isinstance(value, int | float):
            yield Found(label, _finite(float(value)))
        elif isinstance(value, str) and len(value) <= _LONGEST_TEXT:
            yield Found(label, value)
        elif isinstance(value, Mapping) and depth > 0:
            yield from _flat(value, f"{label}/", depth - 1)


def _number(cell: str) -> float | None:
    return _finite(float(cell)) if cell[-1] in "0123456789." else None


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) and abs(number) < 1e150 else None
