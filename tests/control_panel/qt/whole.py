"""The whole panel: people whose panel it is, and what it shows."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QPushButton

from control_panel.client import links
from control_panel.client.api import Api as Client
from control_panel.client.api import route
from control_panel.client.secrets import Secrets
from control_panel.client.servers import Servers
from control_panel.model.things import Invited, Pairing
from control_panel.qt.application import Panels
from tests.control_panel.trading import let_in

PASSWORD = "correct horse battery staple"
Opened = Callable[[Path], Panels]


def person(local: Client, role: str = "operator") -> str:
    """Make somebody with a password; their name."""
    name = f"panel-{uuid.uuid4().hex[:8]}"
    made = local.post(route("users"), Invited, {"username": name, "role": role})
    let_in(links.read(made.invitation.link), PASSWORD)
    return name


def known(local: Client, folder: Path, role: str = "operator") -> str:
    """Have somebody's panel know the server already; their name."""
    name = person(local, role)
    drawn = local.post(route("pairings"), Pairing, {"username": name})
    server, session = let_in(links.read(drawn.text))
    Servers(folder).use(server)
    Secrets(folder).put(server.name, session.token)
    return name


def said(panels: Panels) -> str:
    """Return the line at the bottom."""
    return panels.window.state_line.said.text()


def button(panels: Panels, text: str) -> QPushButton:
    """Return the one button with that text that a person sees."""
    found = [
        one
        for one in panels.window.findChildren(QPushButton)
        if one.text() == text and one.isVisibleTo(panels.window)
    ]
    assert len(found) == 1, [one.text() for one in found]
    return found[0]
