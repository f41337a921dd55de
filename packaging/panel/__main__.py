"""Builds the control panel: one folder, a .tar.xz of it, and a Debian package.

    .venv/bin/python packaging/panel
    make panel

PyInstaller packs for the system that it runs on. Windows and macOS take the same spec.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.insert(0, str(CHECKOUT / "packaging" / "setup"))

import dpkg  # noqa: E402 -- the set-up's modules are no package
from say import Refused, Teller  # noqa: E402

_ICONS = """
import sys
from PySide6.QtGui import QGuiApplication
from control_panel.qt import icons
application = QGuiApplication([])
for size, file in zip(map(int, sys.argv[1::2]), sys.argv[2::2]):
    icons.fieldline(size).pixmap(size, size).save(file)
"""
_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    teller = Teller(2 if options.folder_only else 5)
    try:
        for made in build(options.out.resolve(), teller, folder_only=options.folder_only):
            print(made)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python packaging/panel",
        description="Build the control panel's packages for this machine.",
        epilog="example: .venv/bin/python packaging/panel --folder-only",
    )
    made.add_argument(
        "--out", type=Path, default=CHECKOUT / "build", help="folder for the packages (build)"
    )
    made.add_argument(
        "--folder-only", action="store_true", help="only the folder, which runs where it is"
    )
    return made


def build(out: Path, teller: Teller, *, folder_only: bool) -> list[Path]:
    """Build what is asked for; return it."""
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    out.mkdir(exist_ok=True)
    work = CHECKOUT / "build" / "panel"
    shutil.rmtree(work, ignore_errors=True)
    teller.step("The icon")
    icons = work / "icons" / "hicolor"
    draw(icons)
    teller.done(f"{len(_SIZES)} sizes")
    teller.step("The program and its libraries, in one folder")
    folder = pack(work)
    teller.done(f"{size_of(folder) / 1e6:.0f} MB")
    if folder_only:
        return [folder]
    teller.step("The archive")
    archive = out / f"fieldline-panel-{version}-linux-{platform.machine()}.tar.xz"
    compress(folder, archive)
    teller.done(f"{archive.stat().st_size / 1e6:.1f} MB")
    teller.step("Tools that build packages")
    teller.done(dpkg.ensure_tools(teller, CHECKOUT / "build" / "panel-packages.log"))
    teller.step("The package")
    made = dpkg.build(stage(work, folder, icons, version), dpkg.host_architecture())
    teller.done(f"{made.stat().st_size / 1e6:.1f} MB")
    return [folder, archive, Path(shutil.copy2(made, out / made.name))]


def draw(hicolor: Path) -> None:
    """Draw the icon in all sizes."""
    asked = []
    for size in _SIZES:
        file = hicolor / f"{size}x{size}" / "apps" / "fieldline-panel.png"
        file.parent.mkdir(parents=True)
        asked += [str(size), str(file)]
    _run(
        [sys.executable, "-c", _ICONS, *asked],
        "the icon could not be drawn",
        QT_QPA_PLATFORM="offscreen",
    )


def pack(work: Path) -> Path:
    """Have PyInstaller make the folder."""
    _run(
        [
            sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR",
            "--distpath", str(work), "--workpath", str(work / "pyinstaller"),
            str(HERE / "fieldline-panel.spec"),
        ],
        "PyInstaller has failed",
    )  # fmt: skip
    return work / "fieldline-panel"


def compress(folder: Path, archive: Path) -> None:
    """Write a .tar.xz, in the same order and with the same owner each time."""
    _run(
        [
            "tar", "--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner",
            "--use-compress-program=xz -6 --threads=0", "--file", str(archive),
            "--directory", str(folder.parent), folder.name,
        ],
        "the archive could not be written",
    )  # fmt: skip


def stage(work: Path, folder: Path, icons: Path, version: str) -> Path:
    """Put what the package is made of into a tree for debhelper."""
    tree = work / "deb" / f"fieldline-panel-{version}"
    (tree / "app").mkdir(parents=True)
    shutil.copytree(HERE / "files", tree / "debian")
    shutil.copytree(folder, tree / "app" / folder.name, symlinks=True)
    shutil.copytree(icons, tree / "icons" / "hicolor")
    shutil.copytree(HERE / "completion", tree / "completion")
    return tree


def size_of(folder: Path) -> int:
    """Return the bytes of all its files."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def _run(command: list[str], said: str, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=CHECKOUT, env={**os.environ, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Refused(f"{said}:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
