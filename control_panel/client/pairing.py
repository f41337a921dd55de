"""Logs a panel in at a server for the first time."""

import socket
from contextlib import closing

from control_panel.client import trust
from control_panel.client.api import Api, route
from control_panel.client.links import Link
from control_panel.client.servers import Server
from control_panel.model.things import LoggedIn

_LONGEST = 80


def client_name(host: str = "") -> str:
    """Return by which name the list of a person's clients shows this panel."""
    return f"panel on {host or socket.gethostname()}"[:_LONGEST]


def redeem(link: Link, password: str = "") -> tuple[Server, LoggedIn]:
    """Trade a link's code for a token; an invitation's also needs the password that is chosen.

    The code is sent only to a server with the CA that the link names. Raises ClientError.
    """
    ca = trust.fetch(link.url, link.ca)
    body = {"code": link.code, "client": client_name()}
    if link.act == "invite":
        return _traded(
            link.url, ca, route("invitations", "acceptance"), body | {"password": password}
        )
    return _traded(link.url, ca, route("pairings", "redemption"), body)


def log_in(url: str, ca: str, username: str, password: str) -> tuple[Server, LoggedIn]:
    """Log in by name and password at a server whose CA is known. Raises ClientError."""
    body = {"username": username, "password": password, "client": client_name()}
    return _traded(url, ca, route("sessions"), body)


def _traded(url: str, ca: str, path: str, body: dict[str, str]) -> tuple[Server, LoggedIn]:
    with closing(Api(url, ca)) as api:
        session = api.post(path, LoggedIn, body)
        ca = trust.renewed(api.connections)
    return Server(url, ca, session.username, session.role), session
