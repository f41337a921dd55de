"""The packaged panel: from its start to a window on the screen, what it takes, how large it is.

    .venv/bin/python -m benchmarks.panel_start

Build it first: `make panel`. The window counts when the X server shows it and it has drawn.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CHECKOUT = Path(__file__).resolve().parents[1]
PROGRAM = CHECKOUT / "build" / "panel" / "fieldline-panel" / "fieldline-panel"
RESULT = CHECKOUT / "benchmarks" / "results" / "panel_start.json"
LIMIT_S, LIMIT_MB = 2.0, 70.0
_TIMES = 7
_WITHIN_S = 30.0


class Screen(NamedTuple):
    """A screen without hardware, and the file that its picture is in."""

    name: str
    picture: Path

    def pixels(self) -> NDArray[np.uint8]:
        """Return what is on it now, as bytes; the file's head does not change."""
        return np.fromfile(self.picture, np.uint8)


@contextmanager
def a_screen() -> Iterator[Screen]:
    """Start an X server that writes its picture into a file."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1920x1200x24", "-nolisten",
             "tcp", "-ac", "-fbdir", folder],
            pass_fds=[writing], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writing)
        with os.fdopen(reading) as told:
            name = f":{told.readline().strip()}"
        try:
            yield Screen(name, Path(folder) / "Xvfb_screen0")
        finally:
            server.terminate()
            server.wait(10)


WAYS = {"first run": (), "overview of recorded data": ("--demo",)}
"""What is started: without any server, and with all that the panel shows of one."""


def started(screen: Screen, settings: Path, options: tuple[str, ...]) -> tuple[float, float]:
    """Start it once; return the seconds until its window is drawn, and its resident MB then."""
    while ((empty := screen.pixels()) != 0).mean() > 0.01:
        time.sleep(0.05)  # the window before it is still there
    environment = {**os.environ, "DISPLAY": screen.name, "QT_QPA_PLATFORM": "xcb"}
    began = time.monotonic()
    program = subprocess.Popen(
        [str(PROGRAM), "--settings", str(settings), *options], env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not drawn(empty, screen.pixels()):
            if time.monotonic() - began > _WITHIN_S:
                raise RuntimeError(f"no window within {_WITHIN_S:.0f} s")
            time.sleep(0.01)
        took = time.monotonic() - began
        resident = int(Path(f"/proc/{program.pid}/statm").read_text().split()[1]) * 4096 / 1e6
    finally:
        program.terminate()
        program.wait(20)
    return took, resident


def drawn(empty: NDArray[np.uint8], now: NDArray[np.uint8]) -> bool:
    """A window without its content is one colour: it counts with a quarter of all in many."""
    differs = empty != now
    return bool(differs.mean() > 0.25) and len(np.unique(now[differs])) > 64


def main() -> int:
    """Measure, print, and keep the result."""
    if not PROGRAM.exists():
        print("there is no packaged panel; `make panel` builds it", file=sys.stderr)
        return 1
    with a_screen() as screen, tempfile.TemporaryDirectory() as settings:
        found = {
            way: [started(screen, Path(settings), options) for _ in range(_TIMES + 1)][1:]  # warm
            for way, options in WAYS.items()
        }
    archives = list((CHECKOUT / "build").glob("fieldline-panel-*.tar.xz"))
    size = archives[0].stat().st_size / 1e6 if archives else None
    result: dict[str, Any] = {
        "times": _TIMES,
        "start_s": {
            way: {
                "median": round(statistics.median(took for took, _ in each), 2),
                "longest": round(max(took for took, _ in each), 2),
                "resident_mb": round(statistics.median(resident for _, resident in each), 1),
            }
            for way, each in found.items()
        },
        "limit_s": LIMIT_S,
        "archive_mb": None if size is None else round(size, 1),
        "limit_mb": LIMIT_MB,
        "load": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    for way, said in result["start_s"].items():
        ratio = said["median"] / LIMIT_S
        print(f"start to a drawn window, {way}: {said['median']} s of {LIMIT_S} s (median),"
              f" ratio {ratio:.2f}; resident {said['resident_mb']} MB")  # fmt: skip
    if size is not None:
        print(f"archive: {size:.1f} MB of {LIMIT_MB:.0f} MB, ratio {size / LIMIT_MB:.2f}")
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
