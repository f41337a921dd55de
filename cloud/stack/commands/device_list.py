"""`fieldline device list`."""

import argparse
import json

import msgspec

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan
from cloud.stack.probes import PostgresProbe, measure_all
from cloud.stack.words import ago


def run(folder: Folder, options: argparse.Namespace) -> int:
    """List what the database knows of every device."""
    probe = PostgresProbe(read_plan(folder).postgres)
    seen = measure_all({"postgres": probe}, timeout_s=5.0)["postgres"]
    probe.close()
    if seen.devices is None:
        raise StackError(f"PostgreSQL {seen.error}; `fieldline status` says how it does")
    if options.json:
        print(json.dumps([msgspec.to_builtins(device) for device in seen.devices], indent=2))
        return 0
    print(f"{'DEVICE':<28} {'STATUS':<9} {'LAST SEEN':<12} {'STORED':>10} {'MISSING':>8} "
          f"{'ON DEVICE':>10} {'LOST':>6}")  # fmt: skip
    for device in seen.devices:
        print(f"{device.device:<28} {device.status:<9} {ago(device.last_seen, seen.at):<12} "
              f"{device.stored:>10,} {device.missing:>8,} {device.on_device:>10,} "
              f"{device.lost:>6,}")  # fmt: skip
    return 0
