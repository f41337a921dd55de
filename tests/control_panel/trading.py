"""Links are traded at a server where other tests guess from the same address."""

from __future__ import annotations

from http import HTTPStatus

from control_panel.client import pairing
from control_panel.client.errors import Refused
from control_panel.client.links import Link
from control_panel.client.servers import Server
from control_panel.model.things import LoggedIn
from tests.waiting import eventually


def let_in(link: Link, password: str = "") -> tuple[Server, LoggedIn]:
    """Trade a link, as soon as this address may again."""

    def trade() -> tuple[Server, LoggedIn] | None:
        try:
            return pairing.redeem(link, password)
        except Refused as error:
            if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                return None
            raise

    traded = eventually(trade, what="the server takes a link")
    assert traded is not None
    return traded
