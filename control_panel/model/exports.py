"""Readings as CSV, as a person's spreadsheet and `fieldline export` have them."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from control_panel.model.drawing import local
from control_panel.model.series import Window

HEADER = ("time", "device", "channel", "value", "unit", "time_quality")


def line(fields: Sequence[str]) -> str:
    """Return one line of CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(fields)
    return out.getvalue()


def heard_lines(device: str, channel: str, unit: str, window: Window) -> Iterator[str]:
    """Return readings in memory; times with their offset from UTC.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    names = _harmless(device), _harmless(channel)
    for time_utc, value, uncertain in zip(
        window.times.tolist(), window.values.tolist(), window.uncertain.tolist(), strict=True
    ):
        at = local(time_utc).isoformat(timespec="microseconds")
        yield line((at, *names, repr(value), _harmless(unit), _quality(uncertain)))


def stored_lines(device: str, channel: str, lines: Iterable[str]) -> Iterator[str]:
    """Return readings of `/v1/readings` as CSV in the same form; texts stand as values."""
    rows = csv.reader(lines)
    names = next(rows, [])
    for row in rows:
        one = dict(zip(names, row, strict=True))
        at = datetime.fromisoformat(one["time"]).astimezone().isoformat(timespec="microseconds")
        value = one["value"] or one["text"]
        quality = _quality(one["quality"] == "estimated")
        yield line(
            (at, _harmless(device), _harmless(channel), value, _harmless(one["unit"]), quality)
        )


def _quality(uncertain: bool) -> str:
    return "uncertain" if uncertain else "sure"


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
