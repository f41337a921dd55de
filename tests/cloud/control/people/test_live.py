"""A panel hears devices at the broker with a login of its own, for as long as its token lasts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import Player, enrolled
from tests.cloud.control.people.test_people import somebody
from tests.waiting import eventually

NOT_AUTHORISED = 135
"""MQTT 5.0, table 2-6."""


@pytest.fixture
def panels() -> Iterator[list[Player]]:
    """Those that are to be closed in the end."""
    made: list[Player] = []
    yield made
    for panel in made:
        panel.close()


def draw(api: Api, token: str) -> dict[str, Any]:
    with api.client(token) as client:
        answer = client.post("/v1/live")
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


def panel_of(api: Api, login: dict[str, Any]) -> Player:
    return Player(
        login=(login["username"], login["password"], login["port"], str(api.certificates.ca))
    )


def test_a_viewer_hears_every_device_and_says_nothing(
    api: Api, local: httpx.Client, panels: list[Player], tmp_path: Path
) -> None:
    login = draw(api, somebody(api, local, "viewer")[1])
    device = enrolled(local, "live-1", tmp_path)
    panel, sender = panel_of(api, login), Player(device)
    panels += [panel, sender]
    assert all(code < 128 for code in panel.subscribe_all(login["topics"]))
    assert panel.subscribe("fieldline/v1/live-1/data") < 128
    assert sender.publish("fieldline/v1/live-1/data", b"[]") == 0
    eventually(lambda: ("fieldline/v1/live-1/data", b"[]") in panel.heard, what="it is heard")
    for topic in ("#", "fieldline/v1/+/cmd", "$SYS/#", "$CONTROL/#", "fieldline/#"):
        assert panel.subscribe(topic) >= 128, topic
    assert panel.publish("fieldline/v1/live-1/data") == NOT_AUTHORISED


def test_it_ends_when_the_token_does(api: Api, local: httpx.Client, panels: list[Player]) -> None:
    username, token = somebody(api, local, "viewer")
    other = panel_of(api, draw(api, somebody(api, local, "viewer")[1]))
    login = draw(api, token)
    panel = panel_of(api, login)
    panels += [panel, other]
    with api.client(token) as client:
        assert client.delete("/v1/sessions/current").status_code == 204
    assert panel.gone.wait(30)
    again = panel_of(api, login)
    panels.append(again)
    assert again.code.is_failure
    assert not other.gone.is_set()
    acts = local.get("/v1/audit", params={"person": username}).json()["items"]
    assert "live.begin" in [one["action"] for one in acts]


def test_who_is_removed_hears_nothing_more(
    api: Api, local: httpx.Client, panels: list[Player]
) -> None:
    username, token = somebody(api, local, "viewer")
    panel = panel_of(api, draw(api, token))
    panels.append(panel)
    seen = local.get(f"/v1/users/{username}").headers["etag"]
    assert local.delete(f"/v1/users/{username}", headers={"If-Match": seen}).status_code == 204
    assert panel.gone.wait(30)


def test_another_login_of_the_same_client_replaces_its_password(
    api: Api, local: httpx.Client, panels: list[Player]
) -> None:
    token = somebody(api, local, "viewer")[1]
    first, second = draw(api, token), draw(api, token)
    assert first["username"] == second["username"]
    panels += [panel_of(api, first), panel_of(api, second)]
    assert panels[0].code.is_failure
    assert not panels[1].code.is_failure


def test_this_machines_own_token_is_no_panel(local: httpx.Client) -> None:
    assert local.post("/v1/live").status_code == 409
