"""Spark to PostgreSQL, packs already in Kafka, against raw binary COPY into a heap.

Both in the same run on the same server. The stream decodes, deduplicates, indexes, aggregates
and keeps its ledger meanwhile; COPY gets rows that are encoded already.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import psycopg

from cloud.spark.copy_rows import HEADER, TRAILER, number_rows
from cloud.stack.folder import Folder
from tests.cloud.databases import dsn, own_database
from tests.cloud.spark.chain import Chain
from tests.servers import Kafka, Postgres
from tests.waiting import eventually
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

LIMIT = 0.25
READINGS = 1_200_000
COPY_BATCH = 100_000
DEVICES, CHANNELS = 8, 20
START = 1_795_300_000_000_000


def packs(size: int, total: int) -> list[tuple[str, bytes]]:
    """Make packs of `size` readings of some channels, ten a second."""
    made = []
    epoch = new_epoch()
    for sequence in range(total // size // DEVICES):
        for number in range(DEVICES):
            readings = [
                Reading(f"c{n % CHANNELS}", START + (sequence * size + n) * 10_000, n * 0.37, "V")
                for n in range(size)
            ]
            payload = encode_pack(
                f"d{number}", readings, epoch=epoch, sequence=sequence, quality=TimeQuality.SYNCED
            )
            made.append((f"d{number}", payload))
    return made


def copy_into_heap(owner: str) -> float:
    """Return rows a second of COPY alone."""
    n = np.arange(COPY_BATCH)
    values = np.linspace(0, 1, COPY_BATCH)
    series, kinds = (n % 160).astype(np.int32), np.zeros(COPY_BATCH, np.int32)
    received = np.full(COPY_BATCH, START)
    rows = number_rows(START + n * 10_000, received, values, series, kinds).tobytes()
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE heap (time timestamptz, received timestamptz, value float8,"
            " series int, kind int, text text)"
        )
        began = time.perf_counter()
        for _ in range(READINGS // COPY_BATCH):
            with connection.cursor().copy("COPY heap FROM STDIN (FORMAT binary)") as copy:
                copy.write(HEADER + rows + TRAILER)
        spent = time.perf_counter() - began
        connection.execute("DROP TABLE heap")
    return READINGS / spent


def stream_rate(chain: Chain, size: int) -> float:
    """Return readings a second from Kafka to committed rows, the stream being warm."""
    made = packs(size, READINGS)
    assert chain.process_group is not None
    before = stored(chain)
    os.killpg(chain.process_group, signal.SIGSTOP)
    chain.send(made)
    began = time.perf_counter()
    os.killpg(chain.process_group, signal.SIGCONT)
    eventually(lambda: stored(chain) == before + len(made), within=300)
    return len(made) * size / (time.perf_counter() - began)


def stored(chain: Chain) -> int:
    """Count the packs that the ledger has."""
    ((count,),) = chain.query("SELECT coalesce(sum(stored), 0)::int FROM fieldline.completeness")
    return int(count)


def main() -> None:
    """Measure, print, keep."""
    folder = Path(tempfile.mkdtemp(prefix="fieldline-bench-"))
    folder.chmod(0o755)
    for part in ("kafka", "postgres", "stream"):
        (folder / part).mkdir(mode=0o755)
    kafka, postgres = Kafka(Folder(folder / "kafka")), Postgres(Folder(folder / "postgres"))
    try:
        kafka.start()
        postgres.start()
        with own_database(postgres, "storage_benchmark") as database:
            chain = Chain(kafka, postgres, database, folder / "stream", limits="")
            chain.make_topics()
            chain.start()
            chain.send(packs(100, 100_000))
            eventually(lambda: stored(chain) == 1000, within=120)
            copy = copy_into_heap(dsn(postgres, database, "fieldline_owner"))
            rates = {size: stream_rate(chain, size) for size in (800, 100)}
            chain.kill()
    finally:
        for server in (kafka, postgres):
            if server.running:
                server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"COPY into a heap   {copy:12,.0f} rows/s")
    for size, rate in rates.items():
        print(f"{size:4} readings a pack {rate:12,.0f} readings/s  {rate / copy:.2f} of COPY")
    print(f"limit {LIMIT}; load of the machine at the end {os.getloadavg()[0]:.1f}")
    result = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "limit": LIMIT,
        "copy_rows_per_s": round(copy),
        "readings_per_s": {str(size): round(rate) for size, rate in rates.items()},
        "ratio": {str(size): round(rate / copy, 3) for size, rate in rates.items()},
    }
    file = Path(__file__).parent / "results" / "storage.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
