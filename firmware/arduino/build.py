"""Compiles the sketches with the Arduino core, and the rig that simulates a board.

    python -m firmware.arduino.build                      # all sketches, and the rig
    python -m firmware.arduino.build mq2_air_quality      # one

Nothing is compiled whose sources are older than what is there.
"""

import argparse
import contextlib
import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from firmware.errors import BuildFailed, RigError, ToolsMissing

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"
SKETCHES = HERE / "sketches"
LIBRARIES = HERE / "libraries"
RIG_SOURCE = HERE / "rig" / "rig.c"
FIRMWARE = BUILD / "firmware"
RIG = BUILD / "rig" / "fieldline-rig"

FLASH_BYTES = 32256
"""Of an Uno, without its boot loader."""
RAM_BYTES = 2048

_HARDWARE = Path("/usr/share/arduino/hardware")
_BUILDER = Path("/usr/share/arduino-builder")
_SIMAVR = Path("/usr/include/simavr")
_AVR_TOOLS = {
    "arduino-builder": "arduino-builder",
    "avr-g++": "gcc-avr",
    "avr-size": "binutils-avr",
    "/usr/lib/avr/include": "avr-libc",
    str(_HARDWARE / "arduino/avr/boards.txt"): "arduino-core-avr",
    str(_BUILDER / "platform.txt"): "arduino-builder",
}
_RIG_TOOLS = {
    "gcc": "gcc",
    "/usr/include/stdio.h": "libc6-dev",
    "/usr/include/libelf.h": "libelf-dev",
    str(_SIMAVR / "sim_avr.h"): "libsimavr-dev",
}


class Sketch(msgspec.Struct, frozen=True):
    """A compiled sketch: the file, and the bytes it takes of flash and of RAM before the stack."""

    elf: Path
    flash: int
    ram: int
    warnings: str = ""


def sketch_names() -> list[str]:
    """Return the sketches of this tree."""
    return sorted(path.parent.name for path in SKETCHES.glob("*/*.ino"))


def build_sketch(folder: Path, out: Path = FIRMWARE, defines: Sequence[str] = ()) -> Sketch:
    """Compile the sketch in `folder` to `out/<name>/<name>.elf`, and .hex, unless that is fresh.

    Raises ToolsMissing, or BuildFailed with the compiler's words.
    """
    name = folder.name
    target = out / name
    target.mkdir(parents=True, exist_ok=True)
    elf, flags_file = target / f"{name}.elf", target / "flags"
    # The core's float formatting needs DECIMAL_DIG, which gcc-avr 5.4 spells with underscores.
    flags = " ".join(f"-D{define}" for define in ("DECIMAL_DIG=__DECIMAL_DIG__", *defines))
    warnings = ""
    with _locked(target):
        same = flags_file.exists() and flags_file.read_text() == flags
        if not same or not _is_fresh(elf, [folder, LIBRARIES]):
            _check_tools(_AVR_TOOLS)
            warnings = _compile_sketch(folder, target / "build", flags)
            for suffix in ("hex", "elf"):  # the elf last: it is what freshness is judged by
                made = target / f"{name}.{suffix}.new"
                shutil.copyfile(target / "build" / f"{name}.ino.{suffix}", made)
                made.rename(target / f"{name}.{suffix}")
            flags_file.write_text(flags)
        return _measure(elf, warnings)


def build_rig(binary: Path = RIG) -> Path:
    """Compile the simulator's harness, unless it is fresh. Raises ToolsMissing or BuildFailed."""
    binary.parent.mkdir(parents=True, exist_ok=True)
    with _locked(binary.parent):
        if not _is_fresh(binary, [RIG_SOURCE]):
            _check_tools(_RIG_TOOLS)
            made = binary.with_suffix(".new")
            # -isystem: simavr's own headers do warn.
            _run(
                "the rig",
                ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror",
                 "-isystem", str(_SIMAVR), "-o", str(made), str(RIG_SOURCE),
                 "-lsimavr", "-lelf"],
            )  # fmt: skip
            made.rename(binary)
    return binary


def _compile_sketch(folder: Path, build: Path, flags: str) -> str:
    """Return the compiler's warnings about our own sources."""
    build.mkdir(exist_ok=True)
    # The builder's folder as hardware and as tools: it brings the recipe that finds ctags.
    said = _run(
        f"the sketch {folder.name}",
        ["arduino-builder", "-compile", "-warnings", "all", "-fqbn", "arduino:avr:uno",
         "-hardware", str(_HARDWARE), "-hardware", str(_BUILDER), "-tools", str(_BUILDER),
         "-libraries", str(LIBRARIES), "-build-path", str(build),
         "-prefs", f"build.extra_flags={flags}", str(folder)],
    )  # fmt: skip
    ours = (str(folder), str(LIBRARIES), str(build / "sketch"))
    return "\n".join(
        line for line in said.splitlines() if "warning:" in line and line.startswith(ours)
    )


def _measure(elf: Path, warnings: str) -> Sketch:
    """Berkeley format: flash holds text and data, RAM data and bss."""
    sizes = _run("the sizes", ["avr-size", str(elf)]).splitlines()[1].split()
    text, data, bss = (int(field) for field in sizes[:3])
    return Sketch(elf, text + data, data + bss, warnings)


def _run(what: str, command: list[str]) -> str:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(what, done.stdout)
    return done.stdout


def _check_tools(tools: dict[str, str]) -> None:
    missing = [
        tool
        for tool in tools
        if not (Path(tool).exists() if tool.startswith("/") else shutil.which(tool))
    ]
    if missing:
        raise ToolsMissing(missing, sorted({tools[tool] for tool in missing}))


def _is_fresh(made: Path, sources: Sequence[Path]) -> bool:
    if not made.exists():
        return False
    born = made.stat().st_mtime_ns
    files = [file for source in sources for file in (source, *source.rglob("*"))]
    return all(file.stat().st_mtime_ns < born for file in files)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One build at a time in a folder, whoever else builds."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Build what is asked for; the exit status is 1 if that failed."""
    parser = argparse.ArgumentParser(
        prog="python -m firmware.arduino.build",
        description="Compile the sketches for the Arduino Uno, and the simulated board.",
        epilog="Example: python -m firmware.arduino.build environment --define ENVIRONMENT_LM35",
    )
    parser.add_argument(
        "sketches", nargs="*", metavar="SKETCH", help=f"{', '.join(sketch_names())}; default: all"
    )
    parser.add_argument("--out", type=Path, default=FIRMWARE, help="default: build/firmware")
    parser.add_argument("--define", action="append", default=[], help="a choice of the sketch's")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.sketches) - set(sketch_names()))
    if unknown:
        parser.error(f"no sketch {unknown[0]!r}; there are {', '.join(sketch_names())}")
    try:
        for name in arguments.sketches or sketch_names():
            sketch = build_sketch(SKETCHES / name, arguments.out, arguments.define)
            if sketch.warnings:
                print(sketch.warnings, file=sys.stderr)
            print(
                f"{name}: flash {sketch.flash} of {FLASH_BYTES} bytes "
                f"({sketch.flash / FLASH_BYTES:.0%}), RAM {sketch.ram} of {RAM_BYTES} "
                f"({sketch.ram / RAM_BYTES:.0%}) before the stack"
            )
        print(f"rig: {build_rig(arguments.out.parent / 'rig' / RIG.name)}")
    except RigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
