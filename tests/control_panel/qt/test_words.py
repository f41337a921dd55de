"""Numbers and times as the user's locale writes them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from PySide6.QtCore import QLocale

from control_panel.model.drawing import Finest
from control_panel.qt import words


@pytest.fixture
def before() -> Iterator[None]:
    """The locale is put back."""
    kept = QLocale()
    yield
    QLocale.setDefault(kept)


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(
    ("locale", "ending"),
    [("en_GB", "07:08:09"), ("de_DE", "07:08:09"), ("fi_FI", "7.08.09"), ("en_US", "7:08:09 AM")],
)
def test_a_moment_is_told_to_the_second(
    locale: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    QLocale.setDefault(QLocale(locale))
    said = words.moment(datetime(2026, 3, 4, 7, 8, 9, tzinfo=UTC)).replace("\u202f", " ")
    assert said.endswith(ending)


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(
    ("locale", "day"),
    [
        ("de_DE", "23.11.2026"), ("en_GB", "23/11/2026"), ("en_US", "11/23/2026"),
        ("fi_FI", "23.11.2026"), ("sv_SE", "2026-11-23"),
    ],
)  # fmt: skip
def test_a_day_has_all_of_its_year(locale: str, day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    QLocale.setDefault(QLocale(locale))
    assert words.day(date(2026, 11, 23)) == day
    assert words.moment(datetime(2026, 11, 23, 7, 8, 9, tzinfo=UTC)).startswith(day)


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(
    ("locale", "day", "minute", "millisecond", "number"),
    [
        ("en_GB", "4 Mar", "07:08", "07:08:09.250", "1,234.50"),
        ("de_DE", "4. Mär", "07:08", "07:08:09,250", "1.234,50"),
        ("en_US", "Mar 4", "7:08 AM", "7:08:09.250 AM", "1,234.50"),
        ("fi_FI", "4. maalis", "7.08", "7.08.09,250", "1 234,50"),
    ],
)
def test_an_axis_speaks_the_locale(
    locale: str, day: str, minute: str, millisecond: str, number: str
) -> None:
    QLocale.setDefault(QLocale(locale))
    at = datetime(2026, 3, 4, 7, 8, 9, 250_000, tzinfo=UTC)
    said = [words.clock(at, one) for one in (Finest.DAY, Finest.MINUTE, Finest.MILLISECOND)]
    plain = [
        one.replace("\u202f", " ").replace("\xa0", " ") for one in (*said, words.decimal(1234.5, 2))
    ]
    assert plain[0].startswith(day)
    assert plain[1:] == [minute, millisecond, number]
