"""`fieldline ca show|rotate|finish`, through the API."""

import argparse
import time
from typing import Any

from cloud.stack import asking
from cloud.stack.client import ApiAway, ApiRefuses, Client
from cloud.stack.errors import NotReached
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

_SETTLED_WITHIN_S = 60.0
_RESTARTS = (
    "Broker, bridge and API are started anew, which takes some seconds; "
    "devices keep their readings meanwhile."
)


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Do one of them."""
    client = Client(read_plan(folder).api)
    if options.action == "show":
        ca = client.ask("GET", asking.path("ca"))
    else:
        if not asking.confirmed(_question(client, options), yes=options.yes):
            return 1
        if options.action == "rotate":
            client.ask("POST", asking.path("ca", "rotation"))
        else:
            body = {"leave": options.leave}
            client.ask("POST", asking.path("ca", "rotation", "completion"), body)
        ca = _settled(folder)
    asking.show(ca, _lines(ca), as_json=options.json)
    return 0


def _question(client: Client, options: argparse.Namespace) -> str:
    if options.action == "rotate":
        return f"Make a new CA, and have every device go over to it? {_RESTARTS}"
    ca = client.ask("GET", asking.path("ca"))
    said = [f"Trust the old CA no more? This cannot be undone. {_RESTARTS}"]
    if options.leave:
        said.append(f"Shut out for good unless enrolled anew: {', '.join(options.leave)}.")
    if ca["by_password"]:
        said.append(
            f"{ca['by_password']} clients log in by a password: those on other machines must have "
            "been given the new ca.pem."
        )
    return " ".join(said)


def _settled(folder: Folder) -> Any:
    """Wait until broker and API have gone over; they have other certificates then."""
    deadline = time.monotonic() + _SETTLED_WITHIN_S
    while time.monotonic() < deadline:
        try:
            ca = Client(read_plan(folder).api).ask("GET", asking.path("ca"))
        except (ApiAway, ApiRefuses):
            ca = None
        if ca and ca["settled"]:
            return ca
        time.sleep(0.2)
    raise NotReached(
        f"broker and API have not gone over within {_SETTLED_WITHIN_S:.0f} s, and go on by "
        "themselves; see `fieldline ca show` and `fieldline logs api`"
    )


def _lines(ca: dict[str, Any]) -> list[str]:
    rows = [
        [one["fingerprint"], one["role"], one["begins"][:10], one["ends"][:10]]
        for one in ca["certificates"]
    ]
    lines = asking.table(["CA (SHA-256)", "role", "begins", "ends"], rows)
    if not ca["settled"]:
        lines.append("broker and API are about to be started with these certificates")
    if not ca["rotating"] and not ca["left"]:
        return [*lines, f"{_devices(ca['devices'])} by a certificate of it"]
    what = "a certificate of the CA to come" if ca["rotating"] else "a list without the old CA"
    if ca["devices"]:
        lines.append(f"{ca['done']} of {ca['devices']} devices have {what}")
    lines += asking.table(["not yet", "why"], [[one["device"], one["why"]] for one in ca["left"]])
    if not ca["left"]:
        lines.append("finish with: fieldline ca finish")
    elif ca["rotating"]:
        lines.append("each goes over as soon as it is there; then: fieldline ca finish")
    return lines


def _devices(count: int) -> str:
    return {0: "no device logs in", 1: "1 device logs in"}.get(count, f"{count} devices log in")
