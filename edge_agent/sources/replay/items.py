"""Items of a recording, one after the other, without holding the file in memory."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

_CHUNK = 1 << 16
_LONGEST_ITEM = 1 << 20

Item = object
"""What JSON or a row of CSV holds; `None` stands for one that could not be read."""


class RecordingBroken(Exception):
    """The file is not of its format from some place on, so what follows cannot be told apart."""


def read(path: Path, form: str) -> Iterator[Item]:
    """Go through a file of `form` json or csv, or auto: csv if its name ends in .csv.

    Raises OSError, and RecordingBroken where it can't go on. A broken line is an item None.
    """
    if form == "csv" or (form == "auto" and path.suffix.lower() == ".csv"):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            yield from _csv(file)
        return
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.read(1)
        while first.isspace():
            first = file.read(1)
        if first == "[":
            yield from _array(lambda: file.read(_CHUNK))
        else:
            yield from _lines(first, file)


def _csv(file: IO[str]) -> Iterator[Item]:
    """Rows as dictionaries by the header; a row of another length is an item None."""
    rows = csv.reader(file)
    try:
        header = [name.strip() for name in next(rows, [])]
        for row in rows:
            if row:
                yield dict(zip(header, row, strict=True)) if len(row) == len(header) else None
    except csv.Error as error:
        msg = f"line {rows.line_num}: {error}"
        raise RecordingBroken(msg) from None


def _lines(first: str, file: IO[str]) -> Iterator[Item]:
    line = first + file.readline(_LONGEST_ITEM)
    while line:
        text = line.strip()
        if text:
            try:
                yield json.loads(text)
            except (ValueError, RecursionError):
                yield None
        line = file.readline(_LONGEST_ITEM)


def _array(more: Callable[[], str]) -> Iterator[Item]:
    """Items of an array whose `[` has been read."""
    decoder = json.JSONDecoder()
    text, place, count = "", 0, 0
    while True:
        place = _skip(text, place)
        if text[place : place + 1] == "]":
            return
        try:
            item, end = decoder.raw_decode(text, place)
            end = _skip(text, end)
            whole = text[end : end + 1] in {",", "]"}
        except (ValueError, RecursionError):
            whole = False
        if whole:
            count += 1
            yield item
            place = end + (text[end] == ",")
            continue
        # Not whole yet, or broken: only more text can tell.
        chunk = more() if len(text) - place <= _LONGEST_ITEM else ""
        if not chunk:
            msg = f"item {count + 1} of the JSON array is broken or longer than 1 MiB"
            raise RecordingBroken(msg)
        text, place = text[place:] + chunk, 0


def _skip(text: str, place: int) -> int:
    while text[place : place + 1].isspace():
        place += 1
    return place
