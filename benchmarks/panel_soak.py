"""Whether the panel's memory stays flat: the real panel, broker and API, 8 charts, 200 readings/s.

Resident memory is read each second. What readings take on purpose (17 bytes each, bounded) is
taken off; through the rest of the second half a line is laid by least squares. Limits: that line
rises by 4 MB an hour (in short runs, where it says less, 60), all of it stays below 200 MB.

    python -m benchmarks.panel_soak --minutes 60
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agent_rig import cpu_seconds, resident_mb
from benchmarks.panel_rig import Running, Sending, a_screen, a_server, paired, sending

RESULT = Path(__file__).parent / "results" / "panel_soak.json"
SENDING = Sending(devices=8, channels=5, a_second=5)
LIMIT_MB = 200.0
LIMIT_MB_AN_HOUR, LIMIT_SHORT_MB_AN_HOUR = 4.0, 60.0
LONG_MINUTES = 30.0


def soak(minutes: float) -> dict[str, Any]:
    """Run it for so long; return the figures."""
    with (
        tempfile.TemporaryDirectory(prefix="fieldline-soak-") as folder,
        a_server() as api,
        a_screen() as environment,
        sending(api, SENDING),
    ):
        paired(api, Path(folder))
        with closing(Running(Path(folder), environment, SENDING)) as panel:
            return _watch(panel, minutes)


def _watch(panel: Running, minutes: float) -> dict[str, Any]:
    samples: list[tuple[float, float, float]] = []
    gaps: list[float] = []
    said: dict[str, Any] = panel.said()
    first, began, cpu = said["messages"], time.monotonic(), cpu_seconds(panel.pid)
    while (at := time.monotonic() - began) < minutes * 60:
        said = panel.said()
        samples.append((at, resident_mb(panel.pid), said["kept_bytes"] / 2**20))
        gaps.append(said["gap_ms"])
        if len(samples) % 300 == 0:
            print(f"{at / 60:.0f} min: {samples[-1][1]:.1f} MB, of it readings "
                  f"{samples[-1][2]:.1f}", flush=True)  # fmt: skip
    spent = time.monotonic() - began
    times, resident, kept = np.array(samples).T
    half = times >= spent / 2
    slope = float(np.polyfit(times[half], (resident - kept)[half], 1)[0]) * 3600
    readings = (said["messages"] - first) * SENDING.channels
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "minutes": round(spent / 60, 1),
        "charts": SENDING.devices,
        "readings_a_second": round(readings / spent, 1),
        "dropped": said["dropped"],
        "first_mb": round(float(resident[0]), 1),
        "half_mb": round(float(resident[half][0]), 1),
        "last_mb": round(float(resident[-1]), 1),
        "highest_mb": round(float(resident.max()), 1),
        "of_it_readings_mb": round(float(kept[-1]), 1),
        "slope_mb_an_hour": round(slope, 2),
        "cpu_share": round((cpu_seconds(panel.pid) - cpu) / spent, 2),
        "longest_pause_ms": max(gaps[5:], default=0.0),
        "p99_of_each_seconds_longest_pause_ms": round(float(np.percentile(gaps[5:], 99)), 1),
        "load": round(os.getloadavg()[0], 1),
        "limit_mb": LIMIT_MB,
        "limit_mb_an_hour": LIMIT_MB_AN_HOUR if minutes >= LONG_MINUTES else LIMIT_SHORT_MB_AN_HOUR,
    }


def kept(result: dict[str, Any]) -> bool:
    """Whether the limits are."""
    return bool(
        result["slope_mb_an_hour"] <= result["limit_mb_an_hour"]
        and result["highest_mb"] <= LIMIT_MB
        and result["readings_a_second"] >= SENDING.readings_a_second * 0.98
    )


def main() -> int:
    """Measure, print, and write the figures of a long run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.panel_soak",
        description="Whether the panel's memory stays flat with 8 charts at 200 readings/s.",
        epilog="example: python -m benchmarks.panel_soak --minutes 60",
    )
    parser.add_argument("--minutes", type=float, default=2.0, help="how long (default: 2)")
    minutes = parser.parse_args().minutes
    result = soak(minutes)
    print(json.dumps(result, indent=1))
    if minutes >= LONG_MINUTES:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if kept(result) else 1


if __name__ == "__main__":
    sys.exit(main())
