import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from firmware.arduino.build import (
    FLASH_BYTES,
    RAM_BYTES,
    SKETCHES,
    build_sketch,
    sketch_names,
)
from firmware.errors import BuildFailed, ToolsMissing

BLINK = "void setup() { pinMode(13, OUTPUT); }\nvoid loop() { digitalWrite(13, HIGH); }\n"


@pytest.fixture
def blink(tmp_path: Path) -> Path:
    folder = tmp_path / "blink"
    folder.mkdir()
    (folder / "blink.ino").write_text(BLINK)
    return folder


@pytest.mark.parametrize("name", sketch_names())
def test_a_sketch_compiles_without_a_warning_and_fits_an_uno(name: str, tmp_path: Path) -> None:
    sketch = build_sketch(SKETCHES / name, tmp_path)
    assert sketch.warnings == ""
    assert sketch.elf == tmp_path / name / f"{name}.elf"
    assert sketch.elf.with_suffix(".hex").exists()
    assert sketch.flash <= FLASH_BYTES / 2
    assert sketch.ram <= RAM_BYTES - 1024  # the stack's; the deepest measured is 160


def test_only_what_changed_is_compiled(blink: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = build_sketch(blink, out).elf.stat().st_mtime_ns
    assert build_sketch(blink, out).elf.stat().st_mtime_ns == first
    os.utime(blink / "blink.ino")
    second = build_sketch(blink, out).elf.stat().st_mtime_ns
    assert second > first
    assert build_sketch(blink, out, ["CHOICE"]).elf.stat().st_mtime_ns > second


def test_our_own_warnings_are_told(blink: Path, tmp_path: Path) -> None:
    (blink / "blink.ino").write_text(BLINK + "static int unused() { int x; return 1; }\n")
    assert "unused variable" in build_sketch(blink, tmp_path / "out").warnings


def test_the_compilers_words_are_in_the_error(blink: Path, tmp_path: Path) -> None:
    (blink / "blink.ino").write_text(BLINK + "int f() { return nonsense; }\n")
    with pytest.raises(BuildFailed, match="nonsense"):
        build_sketch(blink, tmp_path / "out")
    assert not (tmp_path / "out" / "blink" / "blink.elf").exists()


def test_missing_tools_are_named_with_their_packages(
    blink: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolsMissing, match=r"apt-get install .*arduino-builder.*gcc-avr") as error:
        build_sketch(blink, tmp_path / "out")
    assert "avr-g++" in error.value.missing


def test_a_checkout_can_be_built_by_a_user_who_owns_nothing_else(tmp_path: Path) -> None:
    """From a copy of the tree, with a home that cannot be written."""
    root = SKETCHES.parents[2]
    for package in ("firmware", "wire"):
        shutil.copytree(root / package, tmp_path / package)
    done = subprocess.run(
        [sys.executable, "-m", "firmware.arduino.build", "environment"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "environment: flash" in done.stdout
    assert (tmp_path / "build" / "rig" / "fieldline-rig").exists()
