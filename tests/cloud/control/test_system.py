from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from importlib import metadata

import httpx
import psycopg
import pytest

from tests.cloud.control.api import Api
from tests.waiting import eventually


def notify(api: Api, payload: str) -> None:
    with psycopg.connect(api.postgres.dsn("fieldline_control")) as connection:
        connection.execute("SELECT pg_notify('fieldline_event', %s)", (payload,))


def test_health_needs_no_login(api: Api) -> None:
    with api.client() as client:
        answer = client.get("/v1/health")
    assert answer.json() == {"status": "ok"}
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("token", [None, "fl_wrong", ""])
def test_without_a_good_token_nothing_is_told(api: Api, token: str | None) -> None:
    with api.client(token) as client:
        answer = client.get("/v1/events")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 401
    assert "log in anew" in problem["fix"]
    assert problem["instance"] == answer.headers["x-request-id"]


def test_a_server_says_what_it_is_and_who_asks(local: httpx.Client) -> None:
    told = local.get("/v1/server").json()
    assert told["version"] == metadata.version("fieldline")
    assert abs((datetime.fromisoformat(told["time"]) - datetime.now(UTC)).total_seconds()) < 10
    assert local.get("/v1/sessions/current").json() == {"username": "local", "role": "admin"}


def test_an_unknown_route_is_a_problem_too(local: httpx.Client) -> None:
    answer = local.get("/v1/nix")
    assert (answer.status_code, answer.json()["title"]) == (404, "not found")


def test_a_committed_change_is_told_and_one_rolled_back_is_not(
    api: Api, local: httpx.Client
) -> None:
    told: list[str] = []

    def listen() -> None:
        with local.stream("GET", "/v1/events", params={"kind": "device"}) as answer:
            for line in answer.iter_lines():
                told.append(line)
                if "last" in line:
                    return

    thread = threading.Thread(target=listen)
    thread.start()

    def heard_first() -> bool:
        notify(api, '{"kind":"device","subject":"told-of","what":"first"}')
        return any("first" in line for line in told)

    eventually(heard_first, what="the first event")
    with psycopg.connect(api.postgres.dsn("fieldline_control")) as connection:
        connection.execute(
            "SELECT pg_notify('fieldline_event', %s)",
            ('{"kind":"device","subject":"told-of","what":"undone"}',),
        )
        connection.rollback()
    notify(api, '{"kind":"other","subject":"told-of","what":"not asked for"}')
    notify(api, '{"kind":"device","subject":"told-of","what":"last"}')
    thread.join(20)
    assert not thread.is_alive()
    data = [json.loads(line[6:]) for line in told if line.startswith("data: ")]
    # The API itself tells of other devices meanwhile.
    mine = {one["what"] for one in data if one["subject"] == "told-of"}
    assert mine == {"first", "last"}
    assert "event: other" not in told


def test_a_body_that_is_too_large_is_refused(local: httpx.Client) -> None:
    answer = local.post("/v1/health", content=b"x" * (5 * 1024 * 1024))
    assert (answer.status_code, answer.json()["title"]) == (413, "too large")


def test_the_openapi_page_is_served(api: Api) -> None:
    with api.client() as client:
        page = client.get("/v1/openapi.json").json()
    assert "/v1/events" in page["paths"]


def test_tls_1_1_is_refused(api: Api) -> None:
    context = ssl.create_default_context(cafile=str(api.certificates.ca))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", api.port), timeout=30) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_it_stops_at_once_while_somebody_listens_to_events(api: Api, local: httpx.Client) -> None:
    said_before = len(api.log.read_text())
    with local.stream("GET", "/v1/events") as answer:
        assert answer.status_code == 200
        began = time.monotonic()
        api.stop()
        assert time.monotonic() - began < 4
    log = api.log.read_text()[said_before:]
    api.start()
    assert "Traceback" not in log
