"""`fieldline restore FILE`."""

import argparse
import json
import sys
import time
from pathlib import Path

import msgspec

from cloud.stack.backup import passphrase, restoring
from cloud.stack.backup.manifest import Manifest
from cloud.stack.folder import Folder


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Check a backup, and fill an empty data folder with it."""

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    key = passphrase.read(options.passphrase_file)
    file = Path(options.file)
    if options.dry_run:
        made = restoring.check(file, key, say)
    else:
        config = Path(options.config) if options.config else None
        made = restoring.restore(folder, file, key, say, new_ports=options.new_ports, config=config)
    if options.json:
        print(json.dumps({**msgspec.to_builtins(made), "restored": not options.dry_run}, indent=2))
        return 0
    print("\n".join(_describe(made)))
    if not options.dry_run:
        print("\n".join(_what_next(folder, made)))
    return 0


def _describe(made: Manifest) -> list[str]:
    return [
        f"taken     {_time(made.taken)} on {made.host}, by Fieldline {made.version}",
        f"database  PostgreSQL {made.postgres // 10_000}, {len(made.migrations)} migrations",
        f"holds     {made.devices} devices, {made.readings:,} readings booked",
        *(f"{entry.bytes:>14,}  {entry.name}" for entry in made.files),
        "every checksum is right",
    ]


def _what_next(folder: Folder, made: Manifest) -> list[str]:
    return [
        "",
        f"Restored into {folder.data}. What came after {_time(made.taken)} is not in it:",
        "  - Readings stored after that, and forgotten by their devices, are lost. They are",
        "    counted as lost (`fieldline status`, completeness) once each device has spoken.",
        "    What devices still hold comes again by itself.",
        "  - Devices enrolled after that must be enrolled again. Whoever was revoked or removed",
        "    after that is let in again: look before you start, or revoke them first thing.",
        "Start it with `fieldline up`. Never while the old machine still runs: both would answer.",
    ]


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
