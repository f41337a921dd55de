"""How long a reading takes from the sensor to a row, when the stream is idle otherwise.

Starts the stack and an agent that reads a serial port, writes a line into the other end of that
port at uneven moments, and waits for its row as Grafana's role. Limits: p50 350 ms, p95 500 ms.

    python -m benchmarks.latency
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tty
from datetime import UTC, datetime
from pathlib import Path

import psycopg

LIMITS_MS = {"p50": 350, "p95": 500}
SAMPLES = 60
WARM_UP = 5  # the first batches after a start, in which Java still compiles
LOOK_AGAIN_S = 0.004
RESULT = Path(__file__).parent / "results" / "latency.json"


def fieldline(data: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cloud.stack.cli", *words, "--data", str(data)],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return done.stdout


def wait_for_row(reader: psycopg.Connection[tuple[object, ...]], value: int) -> float:
    """Return when the row was seen, on the monotonic clock."""
    query = (
        "SELECT FROM fieldline.reading WHERE device = 'bench' AND value = %s"
        " AND time > now() - interval '1 min'"
    )
    while reader.execute(query, [value]).fetchone() is None:
        time.sleep(LOOK_AGAIN_S)
    return time.monotonic()


def measure(data: Path, folder: Path) -> list[float]:
    """Milliseconds from line to row."""
    controller, terminal = os.openpty()
    tty.setraw(terminal)
    config = folder / "agent.toml"
    fieldline(data, "device", "add", "bench", "--out", str(config))
    server = config.read_text().split("[[source]]")[0]
    source = f'[[source]]\nkind = "arduino"\nname = "board"\nport = "{os.ttyname(terminal)}"\n'
    config.write_text(server + source)
    agent = subprocess.Popen(
        [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(config)],
        stderr=subprocess.DEVNULL,
    )
    uneven = random.Random(7)
    times = []
    try:
        with psycopg.connect(
            json.loads(fieldline(data, "env", "--json"))["postgres"]["dsn"], autocommit=True
        ) as reader:
            # The agent needs a moment to open the port; what is written before it does is lost.
            while reader.execute(
                "SELECT FROM fieldline.reading WHERE device = 'bench' LIMIT 1"
            ).fetchone() is None:  # fmt: skip
                os.write(controller, b"count:0\n")
                time.sleep(1)
            for number in range(1, WARM_UP + SAMPLES + 1):
                time.sleep(1.5 + uneven.random())
                written = time.monotonic()
                os.write(controller, f"count:{number}\n".encode())
                times.append((wait_for_row(reader, number) - written) * 1000)
                print(f"{number:3}  {times[-1]:6.0f} ms", flush=True)
    finally:
        agent.terminate()
        agent.wait()
        os.close(controller)
        os.close(terminal)
    return times[WARM_UP:]


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="fieldline-latency-"))
    data = folder / "data"
    try:
        fieldline(data, "up", "--detach")
        times = sorted(measure(data, folder))
    finally:
        subprocess.run(
            [sys.executable, "-m", "cloud.stack.cli", "down", "--data", str(data)],
            capture_output=True, check=False,
        )  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)
    cuts = statistics.quantiles(times, n=100)
    found = {"p50": cuts[49], "p95": cuts[94], "max": times[-1]}
    for name, value in found.items():
        limit = LIMITS_MS.get(name)
        of = f"{value / limit:.2f} of the limit {limit} ms" if limit else ""
        print(f"{name}  {value:5.0f} ms  {of}")
    result = {
        "date": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count(),
        "samples": len(times), "limits_ms": LIMITS_MS,
        "ms": {name: round(value) for name, value in found.items()},
    }  # fmt: skip
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
