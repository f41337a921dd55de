"""`fieldline device add NAME`, through the API."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Api, Plan, read_plan


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Register a device, and show or write how it logs in."""
    plan = read_plan(folder)
    if not plan.mqtt.embedded:
        raise StackError(
            f"the broker at {plan.mqtt.host} is not this stack's; make the account there"
        )
    if options.foreign and options.out:
        raise StackError("--out writes an agent's settings, and --foreign is for other clients")
    config = Path(options.out).absolute() if options.out else None
    if config is not None and config.exists():
        raise StackError(f"{config} is there already; choose another with --out")
    client = Client(plan.api)
    made = client.ask(
        "POST",
        asking.path("devices"),
        {
            "name": options.name,
            "kind": "foreign" if options.foreign else "agent",
            "label": options.label,
            "site": options.site,
        },
    )
    if options.foreign:
        answer, lines = _foreign(made["login"], plan)
    else:
        token = client.ask("POST", asking.path("devices", options.name, "enrolment"), {})
        if config is None:
            answer, lines = token, invitation(token)
        else:
            answer, lines = _enrol(token, options.name, config, plan.api)
    asking.show(answer, lines, as_json=options.json)
    return 0


def invitation(token: dict[str, Any]) -> list[str]:
    """Say how a device joins with a token."""
    return [
        f"On the device, before {asking.moment(token['expires'])}:",
        "",
        f"  sudo fieldline-agent enrol '{token['text']}'",
        "",
        "The token works once, and is not shown again.",
        *asking.reached_from(token, "an agent"),
    ]


def _foreign(login: dict[str, Any], plan: Plan) -> tuple[dict[str, Any], list[str]]:
    facts = {**login, "host": plan.mqtt.for_devices, "ca": plan.mqtt.ca}
    lines = [f"{key:<9} {value}" for key, value in facts.items()]
    return facts, [*lines, "The password is not shown again."]


def _enrol(
    token: dict[str, Any], name: str, config: Path, api: Api
) -> tuple[dict[str, Any], list[str]]:
    """Have the agent of this machine join; its key is made by itself, beside its settings."""
    data = config.with_name(f"{name}.data")
    ca = parse_qs(urlsplit(token["text"]).query)["ca"][0]
    host = f"[{api.host}]" if ":" in api.host else api.host
    done = subprocess.run(
        [
            sys.executable, "-m", "edge_agent.cli", "enrol", "--config", str(config),
            "--data", str(data), "--url", f"https://{host}:{api.port}", "--ca", ca, "--token", "-",
        ],
        input=token["token"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise StackError(
            f"{name} is registered, but its agent did not join ({said[0]}); try again on the "
            f"device: fieldline-agent enrol '{token['text']}'"
        )
    config.chmod(0o600)
    return (
        {"device": name, "config": str(config), "data": str(data)},
        [f"{name} is registered; start its agent: fieldline-agent run --config {config}"],
    )
