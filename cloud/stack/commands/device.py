"""`fieldline device show|enrol|replace|revoke|restore|remove|rename|change|rotate|password|import`.

All through the API.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloud.stack import asking
from cloud.stack.client import ApiRefuses, Client
from cloud.stack.commands.device_add import invitation
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

Done = tuple[Any, list[str]] | None

_DESCRIBED = ("label", "site", "latitude", "longitude")


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Do one of them."""
    client = Client(read_plan(folder).api)
    done = _ACTS[options.action](client, options)
    if done is None:
        return 1
    asking.show(*done, as_json=options.json)
    return 0


def _at(options: argparse.Namespace, *below: str) -> str:
    return asking.path("devices", options.name, *below)


def _show(client: Client, options: argparse.Namespace) -> Done:
    device = client.ask("GET", _at(options))
    lines = [
        f"{key:<17} {value}"
        for key, value in device.items()
        if key != "credentials" and value not in {None, ""}
    ]
    lines += [
        f"{one['kind']:<17} {one['username']}, since {one['created']}"
        + (f", withdrawn {one['withdrawn']}" if one["withdrawn"] else "")
        for one in device["credentials"]
    ]
    return device, lines


def _enrol(client: Client, options: argparse.Namespace) -> Done:
    what = "replacement" if options.action == "replace" else "enrolment"
    path = _at(options, what)
    try:
        token = client.ask("POST", path, {})
    except ApiRefuses as refused:
        if refused.status != 404 or options.action == "replace":
            raise
        client.ask("POST", asking.path("devices"), {"name": options.name})
        token = client.ask("POST", path, {})
    return token, invitation(token)


def _revoke(client: Client, options: argparse.Namespace) -> Done:
    if not asking.confirmed(f"Shut {options.name} out now?", yes=options.yes):
        return None
    answer = client.ask("POST", _at(options, "revocation"), {"reason": options.reason})
    later = "will be shut out when the broker, which is away, is back"
    where = "is shut out" if answer["cut_off"] else later
    until = asking.moment(answer["device"]["restorable_until"])
    return answer, [
        f"{options.name} {where}.",
        f"Until {until} it can be let in again: fieldline device restore {options.name}",
    ]


def _restore(client: Client, options: argparse.Namespace) -> Done:
    answer = client.ask("DELETE", _at(options, "revocation"))
    return answer, [f"{options.name} is {answer['state']} again."]


def _remove(client: Client, options: argparse.Namespace) -> Done:
    question = f"Take {options.name} out for good? Its history stays, its name is used up."
    if not asking.confirmed(question, yes=options.yes):
        return None
    client.ask("DELETE", _at(options))
    return None, [f"{options.name} is gone."]


def _rename(client: Client, options: argparse.Namespace) -> Done:
    return _describe(client, options, {"label": options.label})


def _change(client: Client, options: argparse.Namespace) -> Done:
    said: dict[str, Any] = {
        key: value
        for key, value in (("label", options.label), ("site", options.site))
        if value is not None
    }
    if options.place:
        said["latitude"], said["longitude"] = options.place
    if options.no_place:
        said["latitude"] = said["longitude"] = None
    if not said:
        raise StackError("say what: --label, --site, --place or --no-place")
    return _describe(client, options, said)


def _describe(client: Client, options: argparse.Namespace, said: dict[str, Any]) -> Done:
    device = client.ask("GET", _at(options))
    body = {key: device[key] for key in _DESCRIBED} | said
    changed = client.ask("PUT", _at(options), body, headers=asking.seen(device))
    shown = [f"{key} {changed[key]}" for key in _DESCRIBED if changed[key] not in {None, ""}]
    return changed, [f"{options.name}: {', '.join(shown) or 'nothing is said of it'}"]


def _rotate(client: Client, options: argparse.Namespace) -> Done:
    rotated = client.ask("POST", _at(options, "rotation"), {})
    ended = ", ".join(rotated["withdrawn"]) or "none"
    return rotated, [
        f"{options.name} has a new key, as {rotated['username']}; these log in no more: {ended}"
    ]


def _password(client: Client, options: argparse.Namespace) -> Done:
    question = f"Give {options.name} another password? The one that it has ends at once."
    if not asking.confirmed(question, yes=options.yes):
        return None
    login = client.ask("POST", _at(options, "password"), {})
    facts = [f"{key:<9} {login[key]}" for key in ("username", "password")]
    return login, [*facts, "The password is not shown again."]


def _import(client: Client, options: argparse.Namespace) -> Done:
    try:
        text = Path(options.file).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise StackError(f"{options.file} is not UTF-8; save it as such") from None
    query = "?tokens=true" if options.tokens else ""
    answer = client.ask("POST", f"/v1/device-imports{query}", text=text)
    lines = [f"{answer['registered']} devices are registered."]
    lines += [f"{one['device']}\t{one['text']}" for one in answer["tokens"]]
    lines += [f"{one['device']}\t{one['username']}\t{one['password']}" for one in answer["logins"]]
    if answer["tokens"] or answer["logins"]:
        lines.append("Tokens and passwords are not shown again.")
    return answer, lines


_ACTS: dict[str, Callable[[Client, argparse.Namespace], Done]] = {
    "show": _show,
    "enrol": _enrol,
    "replace": _enrol,
    "revoke": _revoke,
    "restore": _restore,
    "remove": _remove,
    "rename": _rename,
    "change": _change,
    "rotate": _rotate,
    "password": _password,
    "import": _import,
}
