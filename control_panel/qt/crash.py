"""What happens when the panel itself is at fault: a report that a person may read and keep."""

import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Signal, qVersion
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from control_panel.client import files
from control_panel.client.errors import NotKept
from control_panel.qt.texts import tr

_log = logging.getLogger(__name__)
_MOST = 5  # a fault in something that happens each frame is not told a thousand times


def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    """Return what a developer needs: versions and the trace; no reading, no name, no address."""
    return "\n".join(
        [
            f"Fieldline panel {metadata.version('fieldline')}",
            f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
            f"Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}",
            "",
            *(line.rstrip() for line in traceback.format_exception(kind, error, trace)),
        ]
    )


class Crashes(QObject):
    """Catches what nobody caught, in any thread, and shows it in the window's thread."""

    _came = Signal(str)

    def __init__(self, show: Callable[[str], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._told: set[str] = set()
        self._came.connect(show)

    def install(self) -> None:
        """Be asked from now on."""
        sys.excepthook = self._hook
        threading.excepthook = lambda given: self._hook(
            given.exc_type, given.exc_value or given.exc_type(), given.exc_traceback
        )

    def _hook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        text = report(kind, error, trace)
        _log.error("a fault of the panel's own\n%s", text)
        where = text[text.rfind('File "') :]
        if where not in self._told and len(self._told) < _MOST:
            self._told.add(where)
            self._came.emit(text)


class CrashDialog(QDialog):
    """Shows the report; it goes nowhere but into a file that the person names."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Something went wrong in the panel"))
        said = QLabel(
            tr(
                "This is a fault of the panel, not yours. Readings are not affected: devices and "
                "server go on. You can go on, too.\nThe report below is sent nowhere; you may save "
                "it and give it to whoever looks after Fieldline."
            )
        )
        said.setWordWrap(True)
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("The report"))
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.told = QLabel()
        self.told.setWordWrap(True)
        buttons = QDialogButtonBox()
        save = buttons.addButton(tr("Save the report …"), QDialogButtonBox.ButtonRole.ActionRole)
        go_on = buttons.addButton(tr("Go on"), QDialogButtonBox.ButtonRole.AcceptRole)
        save.clicked.connect(self._choose)
        go_on.clicked.connect(self.accept)
        go_on.setDefault(True)
        column = QVBoxLayout(self)
        column.addWidget(said)
        column.addWidget(self.text, 1)
        column.addWidget(self.told)
        column.addWidget(buttons)
        self.resize(760, 480)

    def save(self, file: Path) -> None:
        """Write the report; the one place where the window's thread writes: workers may be gone."""
        try:
            files.export(file, self.text.toPlainText().encode())
        except NotKept as error:
            self.told.setText(str(error))
        else:
            self.told.setText(tr("Saved {path}").format(path=file))

    def _choose(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, tr("Save the report"), "fieldline-panel-report.txt"
        )
        if name:
            self.save(Path(name))
