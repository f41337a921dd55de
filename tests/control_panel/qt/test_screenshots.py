"""The pictures of the guide are drawn by the panel itself."""

import re
import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QImage

DOCS = Path(__file__).parents[3] / "docs"
IMAGES = DOCS / "images"


def test_every_view_is_drawn_from_the_demonstration(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, DOCS / "screenshots.py", "--into", tmp_path, "--scheme", "dark"],
        check=True, timeout=120,
    )  # fmt: skip
    drawn = {file.name for file in tmp_path.iterdir()}
    assert drawn == {file.name for file in IMAGES.glob("*-dark.png")}
    for file in tmp_path.iterdir():
        image = QImage(str(file))
        colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, 400, 3)}
        assert len(colours) > 5, f"nothing is on {file.name}"


def test_every_picture_of_the_guide_is_there_in_both_schemes() -> None:
    named = {
        name
        for document in (DOCS / "panel.md", DOCS.parent / "README.md")
        for name in re.findall(r"images/([\w-]+\.png)", document.read_text())
    }
    kept = {file.name for file in IMAGES.iterdir()}
    assert named
    assert named <= kept
    light = {name.removesuffix("-light.png") for name in kept if name.endswith("-light.png")}
    assert kept == {f"{name}-{scheme}.png" for name in light for scheme in ("light", "dark")}
