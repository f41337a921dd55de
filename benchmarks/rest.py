"""What the whole stack holds in memory and uses of the processor when little happens.

Starts the stack without agents in a folder of its own, waits until every stage runs, lets it rest
for a minute, and adds up the proportional set size (shared pages counted once) of all processes.
Limit: 1.6 GB resident.

    python -m benchmarks.rest
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

LIMIT_GB = 1.6
REST_S = 60
RESULT = Path(__file__).parent / "results" / "rest.json"


def processes(data: Path) -> dict[int, str]:
    """Process id to stage of everything below the stack's supervisord."""
    pid = int((data / "run" / "supervisord.pid").read_text())
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = status.read_text().rsplit(") ", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(after_name[1]), []).append(int(status.parent.name))
    found = {pid: "supervisord"}
    stages = json.loads(fieldline(data, "status", "--json"))["stages"]
    for stage in stages:
        todo = [stage["pid"]] if stage["pid"] else []
        while todo:
            one = todo.pop()
            found[one] = stage["name"]
            todo += children.get(one, [])
    return found


def held_mb(pid: int) -> float:
    """Proportional set size of a process; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    for line in lines:
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def used_s(pid: int) -> float:
    """Processor time of a process so far; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fieldline(data: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cloud.stack.cli", *words, "--data", str(data)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return done.stdout


def main() -> int:
    parent = Path(tempfile.mkdtemp(prefix="fieldline-rest-"))
    data = parent / "data"
    try:
        began = time.monotonic()
        print(fieldline(data, "up", "--detach"))
        up_s = time.monotonic() - began
        before = {pid: used_s(pid) for pid in processes(data)}
        time.sleep(REST_S)
        stages: dict[str, dict[str, float]] = {}
        for pid, stage in processes(data).items():
            figures = stages.setdefault(stage, {"mb": 0.0, "cpu_percent": 0.0})
            figures["mb"] += held_mb(pid)
            used = used_s(pid)
            figures["cpu_percent"] += max(used - before.get(pid, used), 0) / REST_S * 100
    finally:
        fieldline(data, "down")
        shutil.rmtree(parent, ignore_errors=True)
    for stage, figures in stages.items():
        print(f"{stage:<12} {figures['mb']:7.0f} MB  {figures['cpu_percent']:5.1f} % of a core")
    total = sum(figures["mb"] for figures in stages.values()) / 1024
    print(f"{'all':<12} {total * 1024:7.0f} MB: {total / LIMIT_GB:.2f} of the limit {LIMIT_GB} GB")
    result = {
        "date": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count(),
        "limit_gb": LIMIT_GB, "total_gb": round(total, 3), "first_start_s": round(up_s, 1),
        "stages": {k: {n: round(v, 1) for n, v in f.items()} for k, f in stages.items()},
    }  # fmt: skip
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
