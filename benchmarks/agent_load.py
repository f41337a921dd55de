"""A process that pushes readings through the agent's own parts as fast as it can.

Run by `benchmarks.agent`: prints readings, CPU seconds of the whole process from the first `put`
to the last receipt, and seconds of wall clock. Making the readings is the source's work and is done
before.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from edge_agent import packer
from edge_agent.buffer import Buffer
from edge_agent.clock import Clock
from edge_agent.enrolment import Identity
from edge_agent.intake import Entry, Intake
from edge_agent.packer import Packer
from edge_agent.remote import Remote
from edge_agent.report import Report
from edge_agent.settings import read
from edge_agent.sinks.mqtt import MqttSink
from wire.reading import Reading, TimeQuality

ROUNDS = 60
BATCH = 16_000
CHANNELS = 20


def main() -> None:
    settings = read(Path(sys.argv[1]))
    packer.READINGS = int(sys.argv[2])
    buffer = Buffer(Path(settings.agent.data), settings.buffer.quota())
    intake = Intake(1.0)
    device, folder = settings.agent.device, Path(settings.agent.data)
    remote = Remote(
        device, folder, {}, [], now=time.time, wake=lambda: None, restart=lambda: None,
        diagnose=list, keys=Identity(device, folder, settings.mqtt),
    )  # fmt: skip
    report = Report("bench", buffer, Clock())
    sink = MqttSink(device, settings.mqtt, buffer, report, remote)
    worker = Packer(settings.agent.device, intake, buffer, sink, lambda _n: None, clock=Clock())
    start = time.time_ns() // 1000
    batch = [
        Reading(
            f"sim/c-{i % CHANNELS}", start + i // CHANNELS * 20_000, 20.0 + i % 997 / 100, "Cel"
        )
        for i in range(BATCH)
    ]
    slices = [batch[i : i + 800] for i in range(0, BATCH, 800)]
    worker.start()
    sink.start()
    while sink.problem:
        time.sleep(0.01)
    cpu, wall = time.process_time(), time.monotonic()
    for _ in range(ROUNDS):
        for part in slices:
            intake.put(Entry("sim", part, TimeQuality.SYNCED, None), give_up=lambda: False)
    while not (intake.is_settled() and buffer.is_empty()):
        time.sleep(0.005)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    intake.close()
    worker.stop(5)
    sink.stop(1)
    buffer.close()
    print(ROUNDS * BATCH, cpu, wall)


if __name__ == "__main__":
    main()
