"""`fieldline env`."""

import argparse
import json
from typing import Any

from cloud.stack.folder import Folder
from cloud.stack.plan import Plan, read_plan


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Say how to reach each part."""
    reached = environment(read_plan(folder))
    if options.json:
        print(json.dumps(reached, indent=2))
        return 0
    for part, keys in reached.items():
        print(part)
        for key, value in (keys or {"": "does not run"}).items():
            print(f"  {key:<10} {value}")
    return 0


def environment(plan: Plan) -> dict[str, Any]:
    """Return what `env --json` prints; null for a part that does not run."""
    return {
        "mqtt": {"host": plan.mqtt.host, "port": plan.mqtt.port, "ca": plan.mqtt.ca},
        "kafka": {"bootstrap": plan.kafka.bootstrap},
        "api": None,
        "postgres": {"dsn": plan.postgres.reader_url},
        "grafana": {"url": plan.grafana} if plan.grafana else None,
    }
