"""`fieldline env`."""

import argparse
import json
from typing import Any

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Plan, read_plan


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Say how to reach each part."""
    plan = read_plan(folder)
    if options.part:
        print(address(plan, options.part))
        return 0
    reached = environment(plan)
    if options.json:
        print(json.dumps(reached, indent=2))
        return 0
    for part, keys in reached.items():
        print(part)
        for key, value in (keys or {"": "does not run"}).items():
            print(f"  {key:<10} {value}")
    return 0


def address(plan: Plan, part: str) -> str:
    """Return a part's address as one word. Raises StackError if it does not run."""
    if part == "grafana" and not plan.grafana:
        raise StackError("there is no Grafana; put one on the PATH and start `fieldline up` anew")
    return {
        "mqtt": f"mqtts://{_in_url(plan.mqtt.for_devices)}:{plan.mqtt.port}",
        "kafka": plan.kafka.bootstrap,
        "api": plan.api.url,
        "postgres": plan.postgres.reader_url,
        "grafana": plan.grafana or "",
    }[part]


def environment(plan: Plan) -> dict[str, Any]:
    """Return what `env --json` prints; null for a part that does not run."""
    return {
        "mqtt": {"host": plan.mqtt.for_devices, "port": plan.mqtt.port, "ca": plan.mqtt.ca},
        "kafka": {"bootstrap": plan.kafka.bootstrap},
        "api": {"url": plan.api.url, "ca": plan.api.ca},
        "postgres": {"dsn": plan.postgres.reader_url},
        "grafana": {"url": plan.grafana} if plan.grafana else None,
    }


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
