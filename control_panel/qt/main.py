"""`fieldline-panel`."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from PySide6.QtWidgets import QApplication

from control_panel.client import files
from control_panel.client.errors import NotKept
from control_panel.client.session import Session
from control_panel.model import panel_settings
from control_panel.qt import icons, texts, theme
from control_panel.qt.application import Panels, Wanted
from control_panel.qt.crash import Crashes
from control_panel.qt.ending import Ending
from control_panel.qt.single import Single


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the panel until its window is closed; return the exit status."""
    options = _parser().parse_args(arguments)
    application = QApplication(["fieldline-panel"])
    application.setApplicationName("Fieldline")
    application.setDesktopFileName("fieldline-panel")
    application.setWindowIcon(icons.fieldline())
    folder = Path(options.settings or files.settings_folder(os.environ))
    single = Single(f"{folder} demonstration" if options.demo else str(folder))
    if not single.is_first():
        print("The panel runs already; its window has been brought to the front.")
        return 0
    texts.install(application, "" if options.demo else _language(folder))
    theme.dress(application, "system")
    if options.data:
        os.environ["FIELDLINE_DATA"] = options.data
    panels = Panels(
        application,
        folder,
        Wanted(options.server, options.link),
        _demonstration if options.demo else None,
    )
    Crashes(panels.show_crash, application).install()
    Ending(panels.window.close, application).listen()
    single.when_asked(panels.bring_to_front)
    panels.start()
    gc.freeze()  # what was imported stays: nobody need look through it again
    status = application.exec()
    if not panels.ended:
        # A worker waits for a server that does not answer: nothing is lost over it, and Qt would
        # wait for it.
        sys.stdout.flush()
        os._exit(status)
    return status


def _demonstration() -> Session:
    from control_panel.client.demo.start import session

    return session()


def _language(folder: Path) -> str:
    """Return the one that was chosen; it must be known before the first text is put anywhere."""
    try:
        return panel_settings.read(files.read(folder / "panel.json")).language
    except NotKept:
        return ""  # the window says so when it reads its settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldline-panel",
        description="Fieldline's control panel: devices, live readings, the pipeline.",
        epilog="examples: fieldline-panel --server ada@plant.example:8443; fieldline-panel --demo",
    )
    parser.add_argument(
        "link",
        nargs="?",
        default="",
        metavar="LINK",
        help="a link that pairs or invites, as `fieldline pair NAME` on the server prints it",
    )
    parser.add_argument(
        "--server",
        default="",
        metavar="NAME",
        help="which of the known servers, by its name or URL (default: the last one)",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="the data folder of a server on this computer (default: FIELDLINE_DATA, or the usual)",
    )
    parser.add_argument(
        "--settings", metavar="DIR",
        help="where settings and known servers are (default: this person's own folder)",
    )  # fmt: skip
    parser.add_argument(
        "--demo",
        action="store_true",
        help="show recorded data; no server is needed, and nothing is sent or kept",
    )
    parser.add_argument(
        "--version", action="version", version=f"fieldline-panel {metadata.version('fieldline')}"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
