"""`fieldline alert …`, through the API."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.commands.alert_rule import find, named, number, time
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

Done = tuple[Any, list[str]] | None


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Do one of them."""
    done = _ACTS[options.action](Client(read_plan(folder).api), options)
    if done is None:
        return 1
    asking.show(*done, as_json=options.json)
    return 1 if options.action == "target test" and not done[0]["sent"] else 0


def _list(client: Client, options: argparse.Namespace) -> Done:
    asked: list[tuple[str, str]] = [("limit", "1000")]
    asked += [("state", state) for state in ("firing", "pending", "ok") if options.all]
    asked += _filters(options)
    found = client.ask("GET", f"/v1/alerts?{urlencode(asked)}")["items"]
    rows = [
        (str(one["episode"] or ""), one["state"], one["severity"], one["rule"], one["device"],
         one["channel"], number(one["value"]), time(one["since"]), one["acknowledged_by"] or "")
        for one in found
    ]  # fmt: skip
    head = ("NUMBER", "STATE", "SEVERITY", "RULE", "DEVICE", "CHANNEL", "VALUE", "SINCE (UTC)",
            "SEEN BY")  # fmt: skip
    return found, asking.table(head, rows) or ["nothing fires"]


def _history(client: Client, options: argparse.Namespace) -> Done:
    asked = [("limit", str(options.lines)), *_filters(options)]
    found = client.ask("GET", f"/v1/alerts/history?{urlencode(asked)}")["items"]
    rows = [
        (str(one["episode"]), one["severity"], one["rule"], one["device"], one["channel"],
         number(one["worst"]), time(one["began"]), time(one["ended"]) or "fires",
         "late" if one["late"] else "")
        for one in reversed(found)
    ]  # fmt: skip
    head = ("NUMBER", "SEVERITY", "RULE", "DEVICE", "CHANNEL", "WORST", "BEGAN (UTC)",
            "ENDED (UTC)", "")  # fmt: skip
    return found, asking.table(head, rows) or ["nothing has fired"]


def _acknowledge(client: Client, options: argparse.Namespace) -> Done:
    at = asking.path("alerts", str(options.episode), "acknowledgement")
    kept = client.ask("PUT", at, {"note": options.note})
    return kept, [f"{kept['by']} has seen alert {kept['episode']}"]


def _snoozes(client: Client, _: argparse.Namespace) -> Done:
    found = list(asking.pages(client, "/v1/snoozes"))
    rules = {one["id"]: one["name"] for one in asking.pages(client, "/v1/alert-rules")}
    rows = [
        (str(one["id"]), time(one["until"]), rules.get(one["rule"], "*"), one["device"] or "*",
         one["channel"] or "*", one["by"], one["reason"])
        for one in found
    ]  # fmt: skip
    head = ("NUMBER", "UNTIL (UTC)", "RULE", "DEVICE", "CHANNEL", "BY", "REASON")
    return found, asking.table(head, rows) or ["nothing is snoozed"]


def _snooze(client: Client, options: argparse.Namespace) -> Done:
    body = {
        "rule": find(client, options.rule)["id"] if options.rule else None,
        "device": options.device,
        "channel": options.channel,
        "until": _in(options.span),
        "reason": options.reason,
    }
    made = client.ask("POST", "/v1/snoozes", body)
    return made, [f"nobody is told until {time(made['until'])} UTC; then what still fires"]


def _unsnooze(client: Client, options: argparse.Namespace) -> Done:
    client.ask("DELETE", asking.path("snoozes", str(options.number)))
    return None, ["it is over; what still fires is told now"]


def _windows(client: Client, _: argparse.Namespace) -> Done:
    found = list(asking.pages(client, "/v1/maintenance-windows"))
    rows = [
        (str(one["id"]), time(one["begins"]), time(one["ends"]), one["device"] or "*",
         one["site"] or "*", one["by"], one["reason"])
        for one in found
    ]  # fmt: skip
    head = ("NUMBER", "BEGINS (UTC)", "ENDS (UTC)", "DEVICE", "SITE", "BY", "REASON")
    return found, asking.table(head, rows) or ["no work is said to be done"]


def _add_window(client: Client, options: argparse.Namespace) -> Done:
    body = {
        "device": options.device,
        "site": options.site,
        "begins": _in(options.begins),
        "ends": _in(options.begins + options.span),
        "reason": options.reason,
    }
    made = client.ask("POST", "/v1/maintenance-windows", body)
    return made, [f"nobody is told from {time(made['begins'])} to {time(made['ends'])} UTC"]


def _remove_window(client: Client, options: argparse.Namespace) -> Done:
    client.ask("DELETE", asking.path("maintenance-windows", str(options.number)))
    return None, ["it is over"]


def _targets(client: Client, _: argparse.Namespace) -> Done:
    found = list(asking.pages(client, "/v1/notification-targets"))
    rows = [(one["name"], one["kind"], one["severity"], _where(one)) for one in found]
    return found, asking.table(("TARGET", "KIND", "FROM", "WHERE"), rows) or [
        "nobody is told; add somebody with `fieldline alert target add NAME --email ADDRESS …`"
    ]


def _add_target(client: Client, options: argparse.Namespace) -> Done:
    body: dict[str, Any] = {
        "name": options.name,
        "severity": options.severity,
        "wait_s": options.wait,
        "interval_s": options.interval,
        "most_an_hour": options.most_an_hour,
    }
    ca = Path(options.ca).read_text("utf-8") if options.ca else ""
    if options.secret_file:
        body["secret"] = _secret(options.secret_file)
    if options.email:
        if not (options.server and options.sender):
            raise StackError("an e-mail needs --server and --sender")
        host, _, port = options.server.partition(":")
        body["kind"] = "email"
        body["email"] = {
            "host": host, "port": int(port or 587), "security": options.security,
            "username": options.user, "sender": options.sender, "to": options.email, "ca": ca,
        }  # fmt: skip
    elif options.webhook:
        body |= {"kind": "webhook", "webhook": {"url": options.webhook, "ca": ca}}
    else:
        body["kind"] = "desktop"
    made = client.ask("POST", "/v1/notification-targets", body)
    return made, [f"{made['name']} is told; `fieldline alert target test {made['name']}` tries it"]


def _test_target(client: Client, options: argparse.Namespace) -> Done:
    target = named(client, "notification-targets", options.name, "target")
    at = asking.path("notification-targets", str(target["id"]), "test")
    tested = client.ask("POST", at)
    return tested, [("sent: " if tested["sent"] else "not sent: ") + tested["said"]]


def _remove_target(client: Client, options: argparse.Namespace) -> Done:
    target = named(client, "notification-targets", options.name, "target")
    if not asking.confirmed(f"Tell {target['name']} no longer?", yes=options.yes):
        return None
    at = asking.path("notification-targets", str(target["id"]))
    client.ask("DELETE", at, headers=asking.seen(target))
    return None, [f"{target['name']} is told no longer"]


def _where(target: dict[str, Any]) -> str:
    if target["email"]:
        return f"{', '.join(target['email']['to'])} by {target['email']['host']}"
    return target["webhook"]["url"] if target["webhook"] else "every panel that is open"


def _filters(options: argparse.Namespace) -> list[tuple[str, str]]:
    return [(key, getattr(options, key)) for key in ("device", "rule") if getattr(options, key)]


def _secret(file: str) -> str:
    text = sys.stdin.readline() if file == "-" else Path(file).read_text("utf-8")
    return text.rstrip("\r\n")


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


_ACTS = {
    "alert list": _list,
    "alert history": _history,
    "alert acknowledge": _acknowledge,
    "snooze list": _snoozes,
    "snooze add": _snooze,
    "snooze end": _unsnooze,
    "maintenance list": _windows,
    "maintenance add": _add_window,
    "maintenance remove": _remove_window,
    "target list": _targets,
    "target add": _add_target,
    "target test": _test_target,
    "target remove": _remove_target,
}
