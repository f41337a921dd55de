"""`fieldline alert rule …` and `fieldline alert preview`, through the API."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan
from cloud.stack.words import span

_USUALLY = timedelta(days=7)
_MINUTE = "%Y-%m-%d %H:%M"

Done = tuple[Any, list[str]] | None


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Do one of them."""
    done = _ACTS[options.action](Client(read_plan(folder).api), options)
    if done is None:
        return 1
    asking.show(*done, as_json=options.json)
    return 0


def _rules(client: Client, _: argparse.Namespace) -> Done:
    found = list(asking.pages(client, "/v1/alert-rules"))
    rows = [
        (one["name"], "on" if one["enabled"] else "off", one["severity"], condition(one),
         one["device"] or "*", one["channel"] or "*", one["site"] or "*")
        for one in found
    ]  # fmt: skip
    head = ("RULE", "", "SEVERITY", "FIRES WHEN", "DEVICE", "CHANNEL", "SITE")
    return found, asking.table(head, rows) or [
        "there is no rule yet; make one with `fieldline alert rule add NAME --above VALUE`"
    ]


def _add_rule(client: Client, options: argparse.Namespace) -> Done:
    made = client.ask("POST", "/v1/alert-rules", {"name": options.name, **_said(options, {})})
    return made, [f"{made['name']}: {condition(made)}"]


def _change_rule(client: Client, options: argparse.Namespace) -> Done:
    rule = find(client, options.name)
    body = _request(rule) | _said(options, rule)
    if options.enable or options.disable:
        body["enabled"] = bool(options.enable)
    at = asking.path("alert-rules", str(rule["id"]))
    changed = client.ask("PUT", at, body, headers=asking.seen(rule))
    return changed, [f"{changed['name']}: {condition(changed)}"]


def _show_rule(client: Client, options: argparse.Namespace) -> Done:
    rule = find(client, options.name)
    return rule, [f"{key:<10} {value}" for key, value in rule.items() if value is not None]


def _remove_rule(client: Client, options: argparse.Namespace) -> Done:
    rule = find(client, options.name)
    if not asking.confirmed(f"Delete the rule {rule['name']}?", yes=options.yes):
        return None
    at = asking.path("alert-rules", str(rule["id"]))
    client.ask("DELETE", at, headers=asking.seen(rule))
    return None, [f"{rule['name']} is deleted; what it found stays in `fieldline alert history`"]


def _preview(client: Client, options: argparse.Namespace) -> Done:
    """Try a rule that is there, or none yet; what the arguments leave out is as that one says."""
    before = _request(find(client, options.name)) if options.name else {}
    rule = {"name": "preview", **before, **_said(options, before)}
    end = options.end or datetime.now(UTC)
    begin = options.begin or end - _USUALLY
    body = {"rule": rule, "since": begin.isoformat(), "until": end.isoformat()}
    found = client.ask("POST", "/v1/alert-rules/preview", body)
    when = f"from {begin:{_MINUTE}} to {end:{_MINUTE}} UTC"
    lines = [
        f"{condition({'for_s': 0, 'clear_at': None, **rule})}:",
        f"would have fired {found['episodes']:,} times {when}",
        f"looked at {found['readings']:,} readings of {found['channels']:,} channels",
    ]
    often = [
        (one["device"], one["channel"], f"{one['episodes']:,}", span(one["firing_s"]))
        for one in found["often"]
    ]
    latest = [
        (one["device"], one["channel"], number(one["worst"]), time(one["began"]),
         time(one["ended"]) or "fires")
        for one in reversed(found["latest"][: options.lines])
    ]  # fmt: skip
    for head, rows in (
        (("DEVICE", "CHANNEL", "TIMES", "FOR"), often),
        (("DEVICE", "CHANNEL", "WORST", "BEGAN (UTC)", "ENDED (UTC)"), latest),
    ):
        lines += ["", *asking.table(head, rows)] if rows else []
    return found, lines


def _request(rule: dict[str, Any]) -> dict[str, Any]:
    """Return what people say of a rule."""
    ours = {"id", "version", "created", "changed"}
    return {key: value for key, value in rule.items() if key not in ours}


def _said(options: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    """Return what the arguments say of a rule; what they leave out stays."""
    said: dict[str, Any] = {}
    if options.silent is not None:
        said = {"kind": "no data", "window_s": options.silent, "direction": None,
                "threshold": None, "clear_at": None}  # fmt: skip
    elif options.above is not None or options.below is not None:
        above = options.above is not None
        said = {
            "kind": "threshold",
            "direction": "above" if above else "below",
            "threshold": options.above if above else options.below,
            "window_s": None,
            "clear_at": None,
        }
        if before.get("kind") == "rate":
            said |= {"kind": "rate", "window_s": before["window_s"]}
    elif not before:
        raise StackError("a rule needs --above, --below or --silent")
    if options.rate_over is not None:
        said |= {"kind": "rate", "window_s": options.rate_over}
    for key in ("clear_at", "for_s", "device", "channel", "site", "severity"):
        if getattr(options, key) is not None:
            said[key] = getattr(options, key)
    return said


def condition(rule: dict[str, Any]) -> str:
    """Say when a rule fires."""
    held = f" for {rule['for_s']:g} s" if rule["for_s"] else ""
    if rule["kind"] == "no data":
        return f"no data for {rule['window_s'] + rule['for_s']:g} s"
    of = f"change a second over {rule['window_s']:g} s " if rule["kind"] == "rate" else ""
    back = "" if rule["clear_at"] is None else f", until back at {rule['clear_at']:g}"
    return f"{of}{rule['direction']} {rule['threshold']:g}{held}{back}"


def find(client: Client, name: str) -> dict[str, Any]:
    """Return the rule of a name. Raises StackError if there is none."""
    return named(client, "alert-rules", name, "rule")


def named(client: Client, collection: str, name: str, what: str) -> dict[str, Any]:
    """Return what has a name in a collection. Raises StackError if nothing has."""
    for one in asking.pages(client, asking.path(collection)):
        if one["name"] == name:
            return dict(one)
    raise StackError(f"there is no {what} {name!r}; see `fieldline alert {what} list`")


def time(text: str | None) -> str:
    """Say a time to the second; nothing of none."""
    return "" if text is None else text[:19].replace("T", " ")


def number(value: float | None) -> str:
    """Say a value; nothing of none."""
    return "" if value is None else f"{value:g}"


_ACTS = {
    "rule list": _rules,
    "rule add": _add_rule,
    "rule change": _change_rule,
    "rule show": _show_rule,
    "rule remove": _remove_rule,
    "alert preview": _preview,
}
