"""Finds a server on this machine by itself, by the files that `fieldline up` writes.

Whoever may read the data folder's own token may do everything there already; so with it the panel
is paired for a person without any code, as `fieldline pair NAME` does it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from control_panel.client import files, links
from control_panel.client.api import Api, route
from control_panel.client.errors import ClientError, NotKept
from control_panel.client.links import Link
from control_panel.model.things import Invited, Page, Pairing, User


class Nearby(msgspec.Struct, frozen=True):
    """A server on this machine; `token` is empty if its folder is somebody else's."""

    data: str
    url: str
    ca: str
    token: str


class _Api(msgspec.Struct, frozen=True):
    host: str
    port: int
    ca: str
    token_file: str
    public_host: str = ""

    @property
    def url(self) -> str:
        """Where it is told to others, so that its certificate and its links have that name."""
        host = self.public_host or self.host
        return f"https://{f'[{host}]' if ':' in host else host}:{self.port}"


class _Plan(msgspec.Struct, frozen=True):
    api: _Api


def folders(environment: Mapping[str, str]) -> Iterator[Path]:
    """Name the data folders where a server of this machine may be (docs/protocols.md)."""
    if named := environment.get("FIELDLINE_DATA"):
        yield Path(named)
    home = Path(environment.get("HOME") or "~").expanduser()
    yield Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "fieldline"
    if os.name == "posix":
        yield Path("/var/lib/fieldline")


def look(places: Iterator[Path]) -> list[Nearby]:
    """Return the servers whose API answers, in the order of the places. Raises nothing."""
    found: dict[str, Nearby] = {}
    for place in places:
        try:
            one = _read(place)
            if one is not None and one.url not in found:
                with closing(Api(one.url, one.ca)) as api:
                    api.get(route("health"), dict[str, str], within_s=3)
                found[one.url] = one
        except ClientError:
            continue  # not ours to read, or it does not run
    return list(found.values())


def people(server: Nearby) -> list[User]:
    """Return who may be logged in there: those with a password or a token. Raises ClientError."""
    with closing(_api(server)) as api:
        users = api.get(route("users"), Page[User]).items
    return [user for user in users if not user.disabled]


def pair(server: Nearby, username: str) -> Link:
    """Draw a link that logs this panel in as somebody. Raises ClientError."""
    with closing(_api(server)) as api:
        drawn = api.post(route("pairings"), Pairing, {"username": username})
    return links.read(drawn.text)


def invite(server: Nearby, username: str) -> Link:
    """Make a first administrator, who chooses a password next. Raises ClientError."""
    with closing(_api(server)) as api:
        made = api.post(route("users"), Invited, {"username": username, "role": "admin"})
    return links.read(made.invitation.link)


def _api(server: Nearby) -> Api:
    return Api(server.url, server.ca, server.token)


def _read(place: Path) -> Nearby | None:
    held = files.read(place / "run" / "plan.json")
    if held is None:
        return None
    try:
        plan = msgspec.json.decode(held, type=_Plan)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotKept(f"{place} is no data folder ({error})", "Name the server instead") from None
    ca = files.read(Path(plan.api.ca)) or b""
    try:
        token = (files.read(Path(plan.api.token_file)) or b"").decode().strip()
    except NotKept:
        token = ""
    return Nearby(str(place), plan.api.url, ca.decode(), token)
