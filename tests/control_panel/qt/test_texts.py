"""Texts in another language."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from control_panel.qt import catalogues, texts


def test_what_a_catalogue_has_is_said_in_its_language(qapp: QApplication) -> None:
    german = texts.Catalogue({"Devices": "Geräte"}, qapp)
    qapp.installTranslator(german)
    try:
        assert texts.tr("Devices") == "Geräte"
        assert texts.tr("Not in it") == "Not in it"
    finally:
        qapp.removeTranslator(german)
    assert texts.tr("Devices") == "Devices"


def test_a_language_without_a_catalogue_is_english(qapp: QApplication) -> None:
    assert texts.install(qapp, "tlh") == "en"


@pytest.mark.parametrize("language", texts.languages())
def test_a_catalogue_has_every_text_of_the_panel_and_no_other(language: str) -> None:
    wanted = catalogues.collected()
    assert len(wanted) > 700
    assert catalogues.faults(wanted, texts.catalogue(language)) == []


def test_what_a_catalogue_lacks_is_told() -> None:
    wanted = {"One", "{n} of {m}", "New", "Two"}
    catalogue = {"One": "Eins", "{n} of {m}": "{n} von {k}", "Old": "Alt", "Two": ""}
    assert catalogues.faults(wanted, catalogue) == [
        "missing: 'New'", "left over: 'Old'", "empty: 'Two'",
        "other names in braces: '{n} of {m}' as '{n} von {k}'",
    ]  # fmt: skip
    assert catalogues.updated(wanted, catalogue) == {
        "New": "", "One": "Eins", "Two": "", "{n} of {m}": "{n} von {k}",
    }  # fmt: skip


def test_a_text_that_is_put_together_cannot_be_collected(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("tr(f'{n} devices')\n")
    with pytest.raises(ValueError, match=r"one\.py:1"):
        catalogues.collected(tmp_path)


def test_german_is_spoken_when_it_is_wanted_and_by_the_systems_locale() -> None:
    code = (
        "from PySide6.QtCore import QCoreApplication, QLocale;"
        "from control_panel.qt import texts, words;"
        "app = QCoreApplication([]);"
        "print(texts.install(app, {language!r}), texts.tr('Devices'), words.rate(0.26),"
        " words.count(12345), words.number(21.5), words.span(3 * 86_400), sep='|')"
    )

    def spoken(language: str, system: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-c", code.format(language=language)],
            capture_output=True, text=True, check=True,
            env={"LANG": system, "LC_ALL": system, "PATH": "", "PYTHONPATH": str(_CHECKOUT)},
        )  # fmt: skip
        return ran.stdout.strip()

    german = "de|Geräte|0,3/s|12.345|21,5|3 d"
    assert spoken("de", "en_GB.UTF-8") == german
    assert spoken("", "de_DE.UTF-8") == german
    assert spoken("en", "de_DE.UTF-8") == "en|Devices|0.3/s|12,345|21.5|3 days"


@pytest.mark.parametrize("system", ["C", "C.UTF-8", "POSIX", ""])
def test_without_a_locale_dates_and_numbers_can_be_read(system: str) -> None:
    code = (
        "from datetime import UTC, date, datetime;"
        "from PySide6.QtCore import QCoreApplication;"
        "from control_panel.qt import texts, words;"
        "app = QCoreApplication([]);"
        "print(texts.install(app, ''), words.day(date(2026, 11, 23)),"
        " words.moment(datetime(2026, 11, 23, 7, 8, 9, tzinfo=UTC)), words.number(21.5), sep='|')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"LANG": system, "LC_ALL": system, "PATH": "", "TZ": "UTC",
             "PYTHONPATH": str(_CHECKOUT)},
    )  # fmt: skip
    assert ran.stdout.strip() == "en|23/11/2026|23/11/2026 07:08:09|21.5"


_CHECKOUT = Path(__file__).parents[3]
