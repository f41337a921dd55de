"""`fieldline user`, `fieldline token`, `fieldline pair`, `fieldline audit`, through the API."""

import argparse
import getpass
import json
import socket
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

Done = tuple[Any, list[str]]


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Do one of them."""
    client = Client(read_plan(folder).api)
    answer, lines = _ACTS[options.action](client, options)
    if options.json:
        print(json.dumps(answer, indent=2))
    elif lines:
        print("\n".join(lines))
    return 0


def invite_first(client: Client) -> str:
    """Return the link of the first administrator's invitation; empty if there is one already."""
    users = client.ask("GET", "/v1/users")["items"]
    admins = [one for one in users if one["role"] == "admin" and not one["disabled"]]
    if any(one["has_password"] for one in admins):
        return ""
    if admins:
        return str(client.ask("POST", f"{_path(admins[0]['username'])}/invitation")["link"])
    made = client.ask("POST", "/v1/users", {"username": "admin", "role": "admin"})
    return str(made["invitation"]["link"])


def _path(username: str) -> str:
    return f"/v1/users/{quote(username, safe='')}"


def _add(client: Client, options: argparse.Namespace) -> Done:
    body = {"username": options.name, "role": options.role}
    made = client.ask("POST", "/v1/users", body)
    return made, _invited(made["invitation"])


def _invite(client: Client, options: argparse.Namespace) -> Done:
    made = client.ask("POST", f"{_path(options.name)}/invitation")
    return made, _invited(made)


def _accept(client: Client, options: argparse.Namespace) -> Done:
    password = _new_password()
    body = {
        "code": _code_of(options.code),
        "password": password,
        "client": f"fieldline on {socket.gethostname()}",
    }
    session = client.ask("POST", "/v1/invitations/acceptance", body)
    return session, [f"{session['username']} ({session['role']}) can log in now"]


def _code_of(text: str) -> str:
    """Return the code of an invitation's link, or what is a code already."""
    if not text.startswith("fieldline:"):
        return text
    return "".join(parse_qs(urlsplit(text).query).get("code", [""]))


def _new_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("A new password, 12 characters or more: ")
    if getpass.getpass("The same again: ") != password:
        raise StackError("the two are not the same; nothing was set")
    return password


def _invited(invitation: dict[str, Any]) -> list[str]:
    return [
        f"{invitation['username']} sets a password with this link, here or in the panel:",
        "",
        f"  {invitation['link']}",
        "",
        f"It works once, until {asking.moment(invitation['expires'])}, and is not shown again.",
        *asking.reached_from(invitation, "a panel"),
    ]


def _list(client: Client, _: argparse.Namespace) -> Done:
    users = client.ask("GET", "/v1/users")["items"]
    rows = [(one["username"], one["role"], _way_in(one), one["created"][:10]) for one in users]
    return users, _table(("NAME", "ROLE", "STATE", "SINCE"), rows) or [
        "nobody yet; invite somebody with `fieldline user add NAME --role ROLE`"
    ]


def _way_in(user: dict[str, Any]) -> str:
    if user["disabled"]:
        return "shut out"
    return "active" if user["has_password"] else "invited"


def _change(client: Client, options: argparse.Namespace) -> Done:
    change: dict[str, Any] = {}
    if options.role:
        change["role"] = options.role
    if options.disable or options.enable:
        change["disabled"] = bool(options.disable)
    seen = client.ask("GET", _path(options.name))
    changed = client.ask("PATCH", _path(options.name), change, headers=_seen(seen))
    return changed, [f"{changed['username']} is {changed['role']}, {_way_in(changed)}"]


def _remove(client: Client, options: argparse.Namespace) -> Done:
    seen = client.ask("GET", _path(options.name))
    client.ask("DELETE", _path(options.name), headers=_seen(seen))
    return None, [f"{options.name} is removed; what they did stays in `fieldline audit`"]


def _seen(user: dict[str, Any]) -> dict[str, str]:
    return {"If-Match": f'"{user["version"]}"'}


def _tokens(client: Client, _: argparse.Namespace) -> Done:
    tokens = client.ask("GET", "/v1/tokens?all=true")["items"]
    rows = [
        (str(one["id"]), one["username"], one["client"], (one["last_used"] or "never")[:19],
         one["last_address"] or "")
        for one in tokens
    ]  # fmt: skip
    table = _table(("ID", "USER", "CLIENT", "LAST USED", "FROM"), rows)
    return tokens, table or ["nobody is logged in"]


def _revoke(client: Client, options: argparse.Namespace) -> Done:
    client.ask("DELETE", f"/v1/tokens/{options.id}")
    return None, [f"client {options.id} is logged out"]


def _pair(client: Client, options: argparse.Namespace) -> Done:
    import segno

    drawn = client.ask("POST", "/v1/pairings", {"username": options.name})
    code = segno.make(drawn["text"], error="m", micro=False)
    bits = [[bool(bit) for bit in row] for row in code.matrix_iter(border=2)]
    return drawn, [
        *_drawn(bits),
        f"Open the panel before {asking.moment(drawn['expires'])}, and paste this, or scan the",
        "picture:",
        "",
        f"  {drawn['text']}",
        *asking.reached_from(drawn, "a panel"),
    ]


def _drawn(bits: list[list[bool]]) -> list[str]:
    """Draw a QR code in half blocks, two rows a line; light on dark, as terminals are."""
    bits = bits + [[False] * len(bits[0])] * (len(bits) % 2)
    blocks = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
    return [
        "".join(blocks[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(bits[::2], bits[1::2], strict=True)
    ]


def _audit(client: Client, options: argparse.Namespace) -> Done:
    asked = {"limit": options.lines, "person": options.person, "subject": options.subject}
    query = urlencode({key: value for key, value in asked.items() if value})
    acts = client.ask("GET", f"/v1/audit?{query}")["items"]
    rows = [
        (one["time"][:19], one["person"], one["action"], one["subject"], one["address"])
        for one in reversed(acts)
    ]
    return acts, _table(("TIME (UTC)", "WHO", "WHAT", "WHICH", "FROM"), rows) or ["nothing yet"]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


_ACTS = {
    "user add": _add,
    "user invite": _invite,
    "user accept": _accept,
    "user list": _list,
    "user change": _change,
    "user remove": _remove,
    "token list": _tokens,
    "token revoke": _revoke,
    "pair": _pair,
    "audit": _audit,
}
