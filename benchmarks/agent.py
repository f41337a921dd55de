"""The agent against its limits: CPU, memory and bytes written at 1,000 readings/s; readings a
core-second through the buffer to a real broker with TLS. Run: python -m benchmarks.agent
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.agent_rig import Cloud, a_broker, cpu_seconds, resident_mb, save, written
from tests.edge_agent.process import SIMULATED, AgentProcess
from tests.servers import CHECKOUT, Broker

SECONDS = 60
LIMITS = {"cpu_percent": 1.5, "resident_mb": 28.0, "bytes_written_a_reading": 45.0}
# Values of two decimals, as a sensor gives them; the sine's have seventeen digits.
SENSORS = SIMULATED + 'wave = "square"\ncenter = 21.53\namplitude = 1.27\n'
MANY = SENSORS.replace("copies = 20", "copies = 1000")


def steady(
    broker: Broker, device: str, sources: str, program: Sequence[str] = ()
) -> dict[str, Any]:
    """CPU, memory and bytes at 1,000 readings/s, after a minute's half of warming up."""
    cloud = Cloud(broker, device)
    with tempfile.TemporaryDirectory() as folder:
        agent = AgentProcess(
            Path(folder), broker, device, sources=sources, commit_s=1.0, program=program
        )
        agent.start()
        assert agent.process is not None
        pid = agent.process.pid
        time.sleep(SECONDS / 4)
        cpu, (disk, calls), readings = cpu_seconds(pid), written(pid), cloud.ask()["readings"]
        began = time.monotonic()
        time.sleep(SECONDS)
        n = cloud.ask()["readings"] - readings
        seconds = time.monotonic() - began
        disk_after, calls_after = written(pid)
        measured = {
            "readings_a_second": round(n / seconds, 1),
            "cpu_percent": round(100 * (cpu_seconds(pid) - cpu) / seconds, 2),
            "resident_mb": round(resident_mb(pid), 1),
            "bytes_written_a_reading": round((disk_after - disk) / n, 1),
            "bytes_in_write_calls_a_reading": round((calls_after - calls) / n, 1),
        }
        agent.stop()
    cloud.close()
    return measured | {
        "within_limit": {k: bool(measured[k] <= limit) for k, limit in LIMITS.items()}
    }


@contextmanager
def installed() -> Iterator[list[str]]:
    """Yield the command that runs the agent as its Debian package does, by Debian's Python."""
    with tempfile.TemporaryDirectory() as folder:
        built = subprocess.run(
            [sys.executable, "packaging/deb", "--out", folder],
            cwd=CHECKOUT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        subprocess.run(["dpkg-deb", "-x", built.stdout.splitlines()[-1], folder], check=True)
        app = f"{folder}/usr/lib/fieldline-agent"
        subprocess.run(["/usr/bin/python3", "-m", "compileall", "-q", app], check=True)
        yield ["env", f"PYTHONPATH={app}", "/usr/bin/python3", "-P", "-s", "-m", "edge_agent"]


def throughput(broker: Broker, device: str, readings_a_pack: int) -> dict[str, Any]:
    """Readings a core-second from `emit` to the receipt that lets the agent forget."""
    cloud = Cloud(broker, device)
    with tempfile.TemporaryDirectory() as folder:
        agent = AgentProcess(Path(folder), broker, device, sources="")
        out = subprocess.run(
            [sys.executable, "-m", "benchmarks.agent_load", str(agent.config),
             str(readings_a_pack)],
            cwd=CHECKOUT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    n, cpu, wall = map(float, out.stdout.split())
    came = cloud.ask()
    assert came["readings"] == n, came
    cloud.close()
    limit = 1_000_000 if readings_a_pack == 800 else 400_000
    return {
        "readings_a_core_second": round(n / cpu),
        "readings_a_second": round(n / wall),
        "limit": limit,
        "ratio_to_limit": round(n / cpu / limit, 2),
        "repeats": came["repeats"],
    }


def main() -> None:
    with a_broker() as broker, installed() as program:
        results = {
            "limits": LIMITS,
            "20_channels_50_hz_as_installed": steady(
                broker, "installed-50", SENSORS.format(rate_hz=50), program
            ),
            "1000_channels_once_a_second_as_installed": steady(
                broker, "installed-1", MANY.format(rate_hz=1), program
            ),
            "20_channels_50_hz": steady(broker, "steady-50", SENSORS.format(rate_hz=50)),
            "20_channels_50_hz_17_digits": steady(broker, "digits", SIMULATED.format(rate_hz=50)),
            "1000_channels_once_a_second": steady(broker, "steady-1", MANY.format(rate_hz=1)),
            "800_a_pack": throughput(broker, "load-800", 800),
            "80_a_pack": throughput(broker, "load-80", 80),
        }
    save("agent", results)


if __name__ == "__main__":
    main()
