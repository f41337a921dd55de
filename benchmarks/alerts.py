"""What alert rules cost: storing a batch with 0, 1 and 100 of them, against without any evaluator.

The driver's part alone, on a real PostgreSQL: parts as executors hand them over, each case in a
database of its own, batch by batch in turn. Three workloads: live, a thousand readings a second of
a thousand channels, five batches a second; what comes in order, 100,000 readings a batch; and what
comes late, the same from before all that, so that every reading falls into a history that is known.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg

from cloud.spark import store as stores
from cloud.spark.decode import Record, Request, decode_records
from cloud.spark.part import Part
from cloud.spark.store import Store
from cloud.stack.folder import Folder
from tests.cloud.databases import dsn, own_database
from tests.servers import Postgres
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

SECOND = 1_000_000
DEVICES, CHANNELS = 10, 100
LIVE_BATCHES, LARGE_BATCHES = 120, 8
START = 1_795_300_000 * SECOND
IN_ORDER, LATE = 1000, 2000  # the sequence numbers of packs

_RULE = """
INSERT INTO control.alert_rule
    (name, kind, device, channel, direction, threshold, window_s, for_s, changed)
VALUES (%s, %s, %s, %s, 'above', %s, 30, 5, '2000-01-01')
"""

CASES: dict[str, list[tuple[str, str | None, str | None, float]]] = {
    "without": [],
    "0 rules": [],
    "1 rule on all channels": [("threshold", None, None, 1e6)],
    "1 rule on all channels, all firing": [("threshold", None, None, -1.0)],
    "1 rate on all channels": [("rate", None, None, 1e6)],
    "1 no data on all channels": [("no data", None, None, 0.0)],
    "100 rules on one channel each": [
        ("threshold", f"d{n % DEVICES}", f"c{n}", 1e6) for n in range(100)
    ],
    "100 rules on all channels": [("threshold", None, None, 1e6 + n) for n in range(100)],
}


def live(epochs: dict[int, str]) -> Iterator[list[Part]]:
    """Make batches of two packs, a second of the hundred channels of a device each."""
    for number in range(LIVE_BATCHES):
        devices = [2 * number % DEVICES, (2 * number + 1) % DEVICES]
        sequence = 2 * number // DEVICES
        yield [part([pack(d, epochs[d], sequence, 1) for d in devices])]


def large(epochs: dict[int, str], first: int) -> Iterator[list[Part]]:
    """Make batches of 100,000 readings, a hundred seconds of all channels, from a pack on."""
    for number in range(LARGE_BATCHES):
        packs = [
            pack(d, epochs[d], first + number * 10 + n, 10)
            for n in range(10)
            for d in range(DEVICES)
        ]
        yield [part(packs[: len(packs) // 2]), part(packs[len(packs) // 2 :])]


def pack(device: int, epoch: str, sequence: int, seconds: int) -> tuple[str, bytes]:
    """Make a pack of so many seconds of all channels of a device, one reading a second."""
    hours = {0: 8, IN_ORDER: 16, LATE: 0}[sequence // 1000 * 1000]
    first = START + hours * 3600 * SECOND + sequence % 1000 * seconds * SECOND
    readings = [
        Reading(f"c{c}", first + n * SECOND, (n * 7 + c) % 100 * 0.37, "V")
        for c in range(CHANNELS)
        for n in range(seconds)
    ]
    payload = encode_pack(
        f"d{device}", readings, epoch=epoch, sequence=sequence, quality=TimeQuality.SYNCED
    )
    return f"d{device}", payload


def part(packs: list[tuple[str, bytes]]) -> Part:
    """Decode packs as an executor does."""
    received = time.time_ns() // 1000
    records = [
        Record("fieldline.packs", 0, n, received, device.encode(), payload, b"mqtt:x")
        for n, (device, payload) in enumerate(packs)
    ]
    return decode_records(records, Request(received, 10**7, 10**6))


def prepare(postgres: Postgres, database: str, case: str) -> Store:
    """Make the rules of a case; return a store that obeys them."""
    with psycopg.connect(dsn(postgres, database, "fieldline_owner")) as owner:
        for number, (kind, device, channel, threshold) in enumerate(CASES[case]):
            owner.execute(_RULE, (f"rule {number}", kind, device, channel, threshold))
    store = stores.connect(dsn(postgres, database, "fieldline_stream"), None)
    assert store.try_lock()
    if case == "without":
        store._evaluate = lambda _: []  # type: ignore[assignment,method-assign]
    return store


def measure(cases: dict[str, Store], batches: Iterator[list[Part]]) -> dict[str, float]:
    """Return the median of what a batch takes, by case, in ms."""
    spent: dict[str, list[float]] = {case: [] for case in cases}
    for number, parts in enumerate(batches):
        turn = list(cases)
        turn = turn[number % len(turn) :] + turn[: number % len(turn)]
        for case in turn:
            began = time.perf_counter()
            cases[case].store(parts, "log")
            spent[case].append((time.perf_counter() - began) * 1e3)
    return {case: statistics.median(times[len(times) // 5 :]) for case, times in spent.items()}


def main() -> None:
    """Measure, print, keep."""
    folder = Path(tempfile.mkdtemp(prefix="fieldline-bench-"))
    folder.chmod(0o755)
    postgres = Postgres(Folder(folder))
    epochs = {device: new_epoch() for device in range(DEVICES)}
    try:
        postgres.start()
        with ExitStack() as stack:
            made: dict[str, Store] = {}
            for number, case in enumerate(CASES):
                database = stack.enter_context(own_database(postgres, f"alerts_{number}"))
                made[case] = prepare(postgres, database, case)
            took = {
                "live": measure(made, live(epochs)),
                "in order": measure(made, large(epochs, IN_ORDER)),
                "late": measure(made, large(epochs, LATE)),
            }
            for store in made.values():
                store.close()
    finally:
        if postgres.running:
            postgres.kill()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'ms a batch':36}" + "".join(f"{workload:>18}" for workload in took))
    for case in CASES:
        cells = [f"{t[case]:10.1f} {t[case] / t['without']:6.2f}x" for t in took.values()]
        print(f"{case:36}" + "".join(cells))
    print(f"load of the machine at the end {os.getloadavg()[0]:.1f}")
    ratios = {w: {c: t[c] / t["without"] for c in CASES} for w, t in took.items()}
    result = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "ms_a_batch": {w: {c: round(ms, 2) for c, ms in t.items()} for w, t in took.items()},
        "ratio": {w: {c: round(r, 3) for c, r in of.items()} for w, of in ratios.items()},
    }
    file = Path(__file__).parent / "results" / "alerts.json"
    file.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
