"""Numbers, times and stretches of time, as the user's locale writes them."""

import re
from datetime import UTC, date, datetime

from PySide6.QtCore import QDate, QDateTime, QLocale, QTime, QTimeZone

from control_panel.model.drawing import Finest
from control_panel.qt.texts import tr

NONE = "\N{EN DASH}"
"""Where there is nothing to say."""


def count(number: int) -> str:
    """Return a whole number with its groups."""
    return QLocale().toString(number)


def number(value: float | None, digits: int = 6) -> str:
    """Return a number with so many digits that count, a dash for none."""
    return NONE if value is None else QLocale().toString(value, "g", digits)


def decimal(value: float, decimals: int | None) -> str:
    """Return a number with so many decimals; None: with four digits that count."""
    if decimals is None:
        return QLocale().toString(value, "g", 4)
    return QLocale().toString(value, "f", decimals)


def rate(value: float | None) -> str:
    """Return messages a second, a dash if nobody knows."""
    if value is None:
        return NONE
    if 0 < value < 0.05:
        return tr("<{rate}/s").format(rate=QLocale().toString(0.1, "f", 1))
    digits = 0 if value >= 100 or value == 0 else 1
    return tr("{rate}/s").format(rate=QLocale().toString(value, "f", digits))


def span(seconds: float | None) -> str:
    """Return a stretch of time by its one or two greatest units, a dash for none."""
    if seconds is None:
        return NONE
    whole = max(0, round(seconds))
    if whole < 60:
        return tr("{n} s").format(n=whole)
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        if minutes >= 10 or not rest:
            return tr("{n} min").format(n=minutes)
        return tr("{n} min {m} s").format(n=minutes, m=rest)
    if whole < 86_400:
        hours, rest = divmod(whole // 60, 60)
        if hours >= 10 or not rest:
            return tr("{n} h").format(n=hours)
        return tr("{n} h {m} min").format(n=hours, m=rest)
    days, rest = divmod(whole // 3600, 24)
    if days >= 10 or not rest:
        return tr("{n} days").format(n=days) if days > 1 else tr("1 day")
    return tr("{n} d {m} h").format(n=days, m=rest)


def ago(seconds: float | None) -> str:
    """Return how long ago something was."""
    if seconds is None:
        return tr("never")
    return tr("just now") if seconds < 1.5 else tr("{span} ago").format(span=span(seconds))


def day(at: date) -> str:
    """Return a day."""
    short = QLocale().dateFormat(QLocale.FormatType.ShortFormat)
    return QLocale().toString(QDate(at.year, at.month, at.day), _with_century(short))


def moment(time: datetime | None) -> str:
    """Return a time in the zone of this computer, a dash for none."""
    if time is None:
        return NONE
    shown = QDateTime.fromMSecsSinceEpoch(
        round(time.astimezone(UTC).timestamp() * 1000), QTimeZone.systemTimeZone()
    )
    return QLocale().toString(shown, _with_seconds(QLocale()))


def clock(at: datetime, finest: Finest) -> str:
    """Return what a clock on the wall shows, or the day without its year."""
    locale = QLocale()
    if finest is Finest.DAY:
        pattern = locale.dateFormat(QLocale.FormatType.ShortFormat)
        day_first = pattern.lower().find("d") < pattern.find("M")
        dot = "." if ".M" in pattern else ""
        pattern = f"d{dot} MMM" if day_first else "MMM d"
        return locale.toString(QDate(at.year, at.month, at.day), pattern)
    pattern = locale.timeFormat(QLocale.FormatType.ShortFormat)
    if finest is not Finest.MINUTE:
        fraction = f"ss{locale.decimalPoint()}zzz" if finest is Finest.MILLISECOND else "ss"
        pattern = re.sub(r"(\W)mm", rf"\1mm\1{fraction}", pattern)
    shown = QTime(at.hour, at.minute, at.second, at.microsecond // 1000)
    return locale.toString(shown, pattern)


def _with_seconds(locale: QLocale) -> str:
    """Return the locale's short format; it ends with minutes, in which a device says much."""
    short = _with_century(locale.dateTimeFormat(QLocale.FormatType.ShortFormat))
    return short if "s" in short else re.sub(r"(\W)mm", r"\1mm\1ss", short)


def _with_century(pattern: str) -> str:
    """Return a pattern of a date with all of its year: 11/12/26 may be read in three ways."""
    return re.sub(r"(?<!y)yy(?!y)", "yyyy", pattern)
