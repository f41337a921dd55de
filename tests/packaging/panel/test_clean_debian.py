"""The panel's package and archive on a Debian 12 that has nothing: installed, opened, upgraded,
purged.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.panel_start import Screen, a_screen, drawn
from tests.packaging.packages import newer
from tests.packaging.root import Root
from tests.servers import CHECKOUT
from tests.waiting import eventually

pytestmark = [pytest.mark.clean_root, pytest.mark.timeout(1200)]

SOMEBODY = "exec setpriv --reuid ann --regid ann --init-groups env HOME=/home/ann"
FOLDER = "/usr/lib/fieldline-panel"
# As the program's starter has them found.
LINKED = f"LD_LIBRARY_PATH={FOLDER}/_internal find {FOLDER} -name '*.so*' -exec ldd {{}} + 2>&1"


class Built(NamedTuple):
    """What `make panel` makes."""

    package: Path
    archive: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both, built."""
    out = tmp_path_factory.mktemp("panel")
    subprocess.run([sys.executable, "packaging/panel", "--out", out], cwd=CHECKOUT, check=True)
    return Built(*out.glob("*.deb"), *out.glob("*.tar.xz"))


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    """A clean Debian with somebody in it who is nobody special."""
    made = Root(tmp_path / "root", "amd64")
    made.run("useradd --create-home ann")
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def screen() -> Iterator[Screen]:
    """A virtual screen of this machine; the root shares its network, and so reaches it."""
    with a_screen() as made:
        yield made


def opens(root: Root, screen: Screen, program: str) -> None:
    """It draws its window with recorded data, and ends when it is told to."""
    empty = screen.pixels()
    panel = root.start(f"{SOMEBODY} DISPLAY={screen.name} {program} --demo")
    try:
        eventually(lambda: drawn(empty, screen.pixels()), within=60, what="the window is drawn")
    finally:
        panel.stop()
    eventually(lambda: not drawn(empty, screen.pixels()), within=20, what="the window is gone")


def missing(root: Root) -> set[str]:
    """Name the libraries that something in the package links, and that are not there."""
    linked = root.run(LINKED).splitlines()
    assert any("libQt6Core.so.6 => /usr/lib/fieldline-panel" in line for line in linked)
    return {line.split()[0] for line in linked if "not found" in line}


def test_the_package_is_installed_opened_upgraded_and_purged(
    root: Root, screen: Screen, built: Built
) -> None:
    root.install(built.package)
    assert "example" in root.run("fieldline-panel --help")
    assert missing(root) == set()
    opens(root, screen, "fieldline-panel")

    root.install(newer(built.package))
    assert "999" in root.run("dpkg-query -W fieldline-panel")
    opens(root, screen, "fieldline-panel")

    root.run("apt-get purge -q -y fieldline-panel")
    root.run("rm -r /home/ann")
    assert root.traces() == []


def test_the_archive_runs_where_it_is_unpacked(root: Root, screen: Screen, built: Built) -> None:
    root.install(built.package)  # for the libraries of a desktop, which every one has
    root.run("apt-get purge -q -y fieldline-panel && apt-get install -q -y xz-utils")
    shutil.copy(built.archive, root.folder / "tmp" / "panel.tar.xz")
    root.run("cd /home/ann && tar --extract --file /tmp/panel.tar.xz && chown -R ann: .")
    opens(root, screen, "/home/ann/fieldline-panel/fieldline-panel")
