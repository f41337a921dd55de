"""How long the whole stack takes from stopped to the first row of what a device sends.

Starts the demo in a folder of its own, stops it, and then three times measures from `fieldline up`
to the first row that was read by a sensor and stored after that. The first start, which also makes
the database and compiles the sketches, is measured apart. Limit: 25 s.

    python -m benchmarks.start
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.rest import fieldline

LIMIT_S = 25.0
TIMES = 3
RESULT = Path(__file__).parent / "results" / "start.json"
_NEWER = "SELECT EXISTS (SELECT FROM fieldline.reading WHERE time >= %s AND received >= %s)"


def first_row_s(data: Path) -> float:
    """Seconds from the command to a row that is newer than the command."""
    since, began = datetime.now(UTC), time.monotonic()
    up = subprocess.Popen(
        [sys.executable, "-m", "cloud.stack.cli", "up", "--demo", "--detach", "--data", str(data)],
        stdout=subprocess.DEVNULL,
    )
    try:
        while True:
            if up.poll():
                raise RuntimeError(f"fieldline up: exit status {up.returncode}")
            if time.monotonic() - began > 300:
                raise RuntimeError("no row within five minutes")
            if _is_there(data, since):
                return time.monotonic() - began
            time.sleep(0.05)
    finally:
        up.wait()


def _is_there(data: Path, since: datetime) -> bool:
    try:
        plan = json.loads((data / "run" / "plan.json").read_text())["postgres"]
        password = (data / "secrets" / "fieldline_reader").read_text().strip()
        with psycopg.connect(
            host=plan["host"], port=plan["port"], dbname=plan["database"],
            user="fieldline_reader", password=password, connect_timeout=2,
        ) as connection:  # fmt: skip
            row = connection.execute(_NEWER, (since, since)).fetchone()
    except (OSError, KeyError, psycopg.Error):
        return False  # not that far yet
    return row is not None and bool(row[0])


def main() -> int:
    parent = Path(tempfile.mkdtemp(prefix="fieldline-start-"))
    data = parent / "data"
    try:
        first = first_row_s(data)
        print(f"first start of all   {first:5.1f} s")
        taken = []
        for _ in range(TIMES):
            fieldline(data, "down")
            taken.append(first_row_s(data))
            print(
                f"from stopped         {taken[-1]:5.1f} s: {taken[-1] / LIMIT_S:.2f} of the limit"
            )
    finally:
        fieldline(data, "down")
        shutil.rmtree(parent, ignore_errors=True)
    result = {
        "date": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count(), "limit_s": LIMIT_S,
        "first_start_s": round(first, 1), "from_stopped_s": [round(one, 1) for one in taken],
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
