"""How readings look in tables."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

from PySide6.QtCore import QLocale

from control_panel.model.newest_table import NewestRow, NewestTable
from control_panel.model.units import written
from control_panel.qt import words
from control_panel.qt.rows import Column
from control_panel.qt.texts import tr


def value_text(value: float | str | bool | None) -> str:
    """Return a value for people."""
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    return value if isinstance(value, str) else words.number(value)


def short_text(value: float | str | bool | None, unit: str) -> str:
    """Return a value with its unit, in few letters."""
    size = unit.removesuffix("/s")
    if size == "B" and isinstance(value, float | int) and math.isfinite(value):
        bytes_ = QLocale().formattedDataSize(
            round(value), 2, QLocale.DataSizeFormat.DataSizeSIFormat
        )
        return bytes_ + unit.removeprefix(size)
    few = words.number(value, 5) if isinstance(value, float) else value_text(value)
    return f"{few} {written(unit)}".rstrip()


def moment_utc(time_utc: int | None) -> datetime | None:
    """Return microseconds since 1970 as an aware time."""
    return None if time_utc is None else datetime.fromtimestamp(time_utc / 1e6, UTC)


def newest_columns(
    table: NewestTable, clock: Callable[[], datetime], *, device: bool
) -> list[Column]:
    """Return the columns of newest values; `device`: with the device's name."""

    def age(row: NewestRow) -> float | None:
        at = moment_utc(row.time_utc)
        return None if at is None else (clock() - at).total_seconds()

    def stale(row: NewestRow) -> bool:
        return table.is_stale(row, round(clock().timestamp() * 1e6))

    def age_text(row: NewestRow) -> str:
        text = words.ago(age(row)) if row.time_utc is not None else tr("no value yet")
        return tr("{age}, old").format(age=text) if stale(row) else text

    first = [Column("device", tr("Device"), lambda row: row.device, 140)] if device else []
    return [
        *first,
        Column("channel", tr("Channel"), lambda row: row.channel, 190),
        Column("label", tr("Label"), lambda row: row.label, 170),
        Column("value", tr("Value"), lambda row: value_text(row.value), 110, stale=stale,
               right=True),
        Column("unit", tr("Unit"), lambda row: written(row.unit), 70, stale=stale),
        Column("time", tr("Time"), lambda row: words.moment(moment_utc(row.time_utc)), 165,
               stale=stale),
        Column("age", tr("Age"), age_text, 120, stale=stale),
    ]  # fmt: skip
