"""Somebody who is logged in at the real API, as the panel does it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from control_panel.client import links
from control_panel.client.api import Api as Client
from control_panel.client.api import route
from control_panel.client.servers import Server
from control_panel.model.things import Invited
from tests.cloud.control.api import Api
from tests.control_panel.trading import let_in

LoggedIn = tuple[Server, str]


@pytest.fixture
def local(api: Api) -> Iterator[Client]:
    """This machine's own administrator."""
    client = Client(api.url, api.certificates.ca.read_text(), api.local_token)
    yield client
    client.close()


@pytest.fixture
def logged_in(local: Client) -> Callable[[str], LoggedIn]:
    """Make a new person of a role; their server and token."""

    def make(role: str) -> LoggedIn:
        name = f"panel-{uuid.uuid4().hex[:8]}"
        made = local.post(route("users"), Invited, {"username": name, "role": role})
        link = links.read(made.invitation.link)
        server, session = let_in(link, "correct horse battery staple")
        return server, session.token

    return make
