"""Every text that a person reads goes through `tr`; how numbers and times are written: `words`."""

from importlib import resources

import msgspec
from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

FOLDER = "translations"


def tr(text: str) -> str:
    """Return the text in the language of the application."""
    return QCoreApplication.translate("fieldline", text)


class Catalogue(QTranslator):
    """A language as a table from the English text to its own; what is not in it stays English."""

    def __init__(self, texts: dict[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._texts = texts

    def isEmpty(self) -> bool:
        """Whether there is anything in it."""
        return not self._texts

    def translate(
        self, context: str, text: str, disambiguation: str | None = None, n: int = -1
    ) -> str:
        """Return a text of ours; others as they are, so it must be the last that is asked."""
        return (self._texts.get(text) or text) if context == "fieldline" else text


def languages() -> list[str]:
    """Return the languages there are, beside English."""
    folder = resources.files("control_panel.qt") / FOLDER
    if not folder.is_dir():
        return []
    return sorted(
        entry.name.removesuffix(".json")
        for entry in folder.iterdir()
        if entry.name.endswith(".json")
    )


def catalogue(language: str) -> dict[str, str]:
    """Return a language's texts."""
    file = resources.files("control_panel.qt") / FOLDER / f"{language}.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, str])


def _locale(language: str) -> QLocale:
    """Numbers and times as the system writes them, unless another language was chosen."""
    system = QLocale.system()
    if system.language() is QLocale.Language.C:
        system = QLocale("en_GB")  # whose dates people can read
    if language not in {"en", *languages()} or system.name().startswith(language):
        return system
    return QLocale(language)


def install(app: QCoreApplication, language: str) -> str:
    """Speak a language, that of the system if empty; return which is spoken now.

    Without a catalogue of it, it is English. Reads small files of the program itself.
    """
    locale = _locale(language)
    QLocale.setDefault(locale)
    spoken = locale.name().partition("_")[0]
    for before in app.findChildren(QTranslator):
        app.removeTranslator(before)
        before.deleteLater()
    if spoken not in languages():
        return "en"
    app.installTranslator(Catalogue(catalogue(spoken), app))  # the first is asked last
    of_qt = QTranslator(app)
    where = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if of_qt.load(locale, "qtbase", "_", where):
        app.installTranslator(of_qt)
    return spoken
