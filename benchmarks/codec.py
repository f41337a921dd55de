"""What packs cost to encode and decode, beside `json` and raw msgspec in the same run.

    python -m benchmarks.codec

`json` is what one writes without thinking: a dict a reading, with name, time and value. Raw
msgspec does the same work on the same dicts, and, as the limit, encodes records that are
there already or decodes ours into typed records that nobody reads.
"""

import json
import os
import platform
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from wire.pack import decode_columns, decode_pack, encode_pack
from wire.reading import Reading, TimeQuality

RESULTS = Path(__file__).parent / "results" / "codec.json"
NOW = 1_795_400_000_000_000
CHANNELS = 20
ROUNDS = 15
ROUND_S = 0.02


class _Record(msgspec.Struct, gc=False):
    n: str | None = None
    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    t: float | None = None
    v: float | None = None


_records_decoder = msgspec.json.Decoder(list[_Record])


def readings(count: int) -> list[Reading]:
    """What an agent with twenty channels at one reading a second puts into a pack."""
    draw = random.Random(1)
    return [
        Reading(
            f"host/channel_{i % CHANNELS}",
            NOW + i // CHANNELS * 1_000_000 + draw.randrange(1000),
            round(draw.uniform(0, 100), 2),
            "ppm",
        )
        for i in range(count)
    ]


def ours(batch: list[Reading]) -> bytes:
    return encode_pack(
        "pi-7", batch, epoch="k3v9x0q2m4t7a1zz", sequence=42, quality=TimeQuality.SYNCED
    )


def plain(batch: list[Reading]) -> list[dict[str, Any]]:
    return [
        {"n": reading.channel, "t": reading.time_utc / 1e6, "v": reading.value, "u": reading.unit}
        for reading in batch
    ]


def plain_columns(records: list[dict[str, Any]]) -> tuple[list[Any], ...]:
    """The least that the stream would need of plain records, with no check at all."""
    return (
        [record["n"] for record in records],
        [round(record["t"] * 1e6) for record in records],
        [record["v"] for record in records],
        [record["u"] for record in records],
    )


def contestants(batch: list[Reading]) -> dict[str, Callable[[], object]]:
    pack = ours(batch)
    dicts = plain(batch)
    plain_bytes = json.dumps(dicts).encode()
    records = _records_decoder.decode(pack)
    return {
        "encode: encode_pack": lambda: ours(batch),
        "encode: json": lambda: json.dumps(plain(batch)).encode(),
        "encode: msgspec of dicts": lambda: msgspec.json.encode(plain(batch)),
        "encode: msgspec of finished records": lambda: msgspec.json.encode(records),
        "decode: decode_columns": lambda: decode_columns("pi-7", pack, received_utc=NOW),
        "decode: decode_pack": lambda: decode_pack("pi-7", pack, received_utc=NOW),
        "decode: json": lambda: plain_columns(json.loads(plain_bytes)),
        "decode: msgspec of dicts": lambda: plain_columns(msgspec.json.decode(plain_bytes)),
        "decode: msgspec into records, unread": lambda: _records_decoder.decode(pack),
    }


def measure(batch: list[Reading]) -> dict[str, float]:
    """CPU seconds a reading of each; the best of rounds in which they take turns."""
    best = dict.fromkeys(contestants(batch), float("inf"))
    for _ in range(ROUNDS):
        for name, run in contestants(batch).items():
            runs = 0
            start = time.process_time()
            while (spent := time.process_time() - start) < ROUND_S:
                run()
                runs += 1
            best[name] = min(best[name], spent / runs / len(batch))
    return best


def main() -> None:
    figures = []
    for count in (80, 100, 800):
        batch = readings(count)
        best = measure(batch)
        print(f"\n{count} readings a pack, {len(ours(batch)) / count:.1f} bytes a reading")
        print(f"{'':40}{'µs a reading':>14}{'readings/s':>14}{'against json':>14}")
        for name, seconds in best.items():
            ratio = best[f"{name.partition(':')[0]}: json"] / seconds
            print(f"{name:40}{seconds * 1e6:14.3f}{1 / seconds:14,.0f}{ratio:14.2f}")
            figures.append(
                {
                    "readings": count,
                    "what": name,
                    "us_per_reading": round(seconds * 1e6, 4),
                    "against_json": round(ratio, 2),
                }
            )
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    date = datetime.now(UTC).date().isoformat()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"machine": machine, "date": date, "figures": figures}, indent=1) + "\n"
    )
    print(f"\nwritten to {RESULTS.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
