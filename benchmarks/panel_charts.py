"""How quickly the panel's charts are drawn in software, and how soon a message is a picture.

Charts of four curves with 1,000 readings a chart, in one window of 1600 x 1000, each moving and
repainted wholly in every frame; limits: 8 charts at 60 frames/s and 32 at 30. Then readings are
fed while the charts follow time at 30 frames/s; from a message's arrival to the end of the paint
that shows it, p99, limit 150 ms.

    xvfb-run -a python -m benchmarks.panel_charts
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from control_panel.model.layouts import ChartLayout, Curve
from control_panel.model.live import Live
from control_panel.qt.charts.chart import Chart
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality
from wire.topics import Kind

RESULT = Path(__file__).parent / "results" / "panel_charts.json"
CURVES = 4
READINGS = 1_000
SPAN_US = 10_000_000
LATENCY_LIMIT_MS = 150.0
MESSAGES = 400


def now_utc() -> int:
    return time.time_ns() // 1000


def pack(device: str, begin_utc: int, count: int, step_us: int) -> bytes:
    draw = np.random.default_rng(count)
    readings = [
        Reading(f"c{curve}", begin_utc + n * step_us, float(draw.normal(curve, 0.3)), "V")
        for n in range(count)
        for curve in range(CURVES)
    ]
    return encode_pack(device, readings, epoch="k" * 16, sequence=1, quality=TimeQuality.SYNCED)


def window_of(live: Live, count: int) -> tuple[QWidget, list[Chart]]:
    window = QWidget()
    grid = QGridLayout(window)
    grid.setContentsMargins(0, 0, 0, 0)
    charts = []
    for number in range(count):
        curves = tuple(Curve(f"d{number}", f"c{curve}") for curve in range(CURVES))
        chart = Chart(live, ChartLayout(curves, span_s=SPAN_US / 1e6))
        grid.addWidget(chart, number // (4 if count > 8 else 2), number % (4 if count > 8 else 2))
        charts.append(chart)
    window.resize(1600, 1000)
    window.show()
    return window, charts


def frames_a_second(count: int, seconds: float = 4.0) -> float:
    """Let each chart move by a pixel and be painted, as often as it goes."""
    live = Live()
    window, charts = window_of(live, count)
    start = now_utc()
    each = READINGS // CURVES
    for number in range(count):
        step = SPAN_US // each
        live.hear(f"d{number}", Kind.DATA, pack(f"d{number}", start - SPAN_US, each, step), start)
    QCoreApplication.processEvents()
    frames, at, begin = 0, start, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        at += SPAN_US // 300
        if at > start + SPAN_US // 4:
            at = start
        for chart in charts:
            chart.tick(at)
        before = [chart.paints for chart in charts]
        while any(c.paints == b for c, b in zip(charts, before, strict=True)):
            QCoreApplication.processEvents()
        frames += 1
    rate = frames / (time.perf_counter() - begin)
    window.close()
    for chart in charts:
        chart.close_down()
    return rate


def latencies_ms(count: int) -> list[float]:
    """From the arrival of messages, one every 10 ms, to the picture that shows each."""
    live = Live()
    window, charts = window_of(live, count)
    waiting: list[tuple[int, int, float]] = []
    found: list[float] = []
    sent = [0]

    def arrive() -> None:
        number = sent[0] % count
        payload = pack(f"d{number}", now_utc() - 10_000, 1, 1)
        arrived = time.perf_counter()
        live.hear(f"d{number}", Kind.DATA, payload, now_utc())
        waiting.append((number, charts[number].paints, arrived))
        sent[0] += 1

    def frame() -> None:
        live.tell()
        at = now_utc()
        for chart in charts:
            chart.tick(at)

    arriving, ticking = QTimer(), QTimer()
    arriving.timeout.connect(arrive)
    ticking.timeout.connect(frame)
    arriving.start(10)
    ticking.start(33)
    while len(found) < MESSAGES:
        QCoreApplication.processEvents()
        painted = time.perf_counter()
        left = []
        for number, before, arrived in waiting:
            if charts[number].paints > before:
                found.append((painted - arrived) * 1000)
            else:
                left.append((number, before, arrived))
        waiting = left
        time.sleep(0.0005)
    arriving.stop()
    ticking.stop()
    window.close()
    return found


def main() -> int:
    app = QApplication.instance() or QApplication(sys.argv[:1])
    eight, thirty_two = frames_a_second(8), frames_a_second(32)
    p99 = float(np.percentile(latencies_ms(8), 99))
    result = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "screen": QApplication.platformName(),
        "8_charts_frames_a_second": round(eight, 1),
        "8_charts_ratio_to_60": round(eight / 60, 2),
        "32_charts_frames_a_second": round(thirty_two, 1),
        "32_charts_ratio_to_30": round(thirty_two / 30, 2),
        "message_to_pixel_p99_ms": round(p99, 1),
        "message_to_pixel_ratio_to_150": round(p99 / LATENCY_LIMIT_MS, 2),
    }
    print(json.dumps(result, indent=1))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    del app
    return 0 if eight >= 60 and thirty_two >= 30 and p99 <= LATENCY_LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
