"""What the desktop reads of the package."""

from __future__ import annotations

import configparser
import re
import subprocess
from xml.etree import ElementTree as ET

import pytest

from control_panel.qt.main import _parser
from tests.servers import CHECKOUT

PANEL = CHECKOUT / "packaging" / "panel"
OPTIONS = {
    option for action in _parser()._actions for option in action.option_strings if option != "-h"
}


def test_desktop_entry_and_appstream_name_the_same_program() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(PANEL / "files" / "fieldline-panel.desktop", "utf-8")
    told = entry["Desktop Entry"]
    assert told["Exec"].split()[0] == told["Icon"] == told["StartupWMClass"] == "fieldline-panel"
    about = ET.parse(PANEL / "files" / "io.fieldline.panel.metainfo.xml").getroot()
    assert about.findtext("launchable") == "fieldline-panel.desktop"
    assert about.findtext("provides/binary") == "fieldline-panel"


@pytest.mark.parametrize("shell", ["fieldline-panel", "_fieldline_panel"])
def test_every_option_is_completed(shell: str) -> None:
    file = "fieldline-panel" if shell == "fieldline-panel" else "_fieldline-panel"
    text = (PANEL / "completion" / file).read_text()
    assert set(re.findall(r"--[a-z]+", text)) == OPTIONS


def test_bash_takes_the_completion() -> None:
    script = PANEL / "completion" / "fieldline-panel"
    asked = (
        f"source {script}; COMP_WORDS=(fieldline-panel --se); COMP_CWORD=1; _fieldline_panel; "
        "echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["--server", "--settings"]


def test_every_option_is_in_the_manual() -> None:
    text = (PANEL / "files" / "fieldline-panel.1").read_text().replace("\\-", "-")
    assert set(re.findall(r"^\.BI? (--[a-z]+)", text, re.MULTILINE)) == OPTIONS
