"""Each route against each role; `routes.json` says who may."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

import psycopg
import pytest

from cloud.control.app import page
from cloud.control.principal import Role, digest
from tests.cloud.control.api import Api

WANTED: dict[str, str] = json.loads(Path(__file__).with_name("routes.json").read_text())
VALUES = {"number": "4611686018427387904", "action": "nothing", "stage": "nowhere"}


def token_of(api: Api, role: Role) -> str:
    """Make somebody of a role, logged in, past every password."""
    token = f"fl_{secrets.token_urlsafe(32)}"
    with psycopg.connect(api.postgres.dsn("fieldline_owner"), autocommit=True) as owner:
        owner.execute(
            "WITH p AS (INSERT INTO control.person (username, role) VALUES (%s, %s) RETURNING id) "
            "INSERT INTO control.token (person, hash, client) SELECT id, %s, 'test' FROM p",
            [f"{role}-{secrets.token_hex(4)}", role, digest(token)],
        )
    return token


def status(api: Api, route: str, token: str | None) -> int:
    method, path = route.split()
    filled = re.sub(r"{(\w+)}", lambda found: VALUES.get(found[1], "nobody"), path)
    with api.client(token) as client, client.stream(method, filled) as answer:
        return answer.status_code


def test_every_route_has_its_role_stated() -> None:
    paths = page()["paths"]
    known = {f"{method.upper()} {path}" for path, how in paths.items() for method in how}
    assert known == set(WANTED)


@pytest.mark.parametrize("route", WANTED)
def test_a_route_lets_in_who_may_and_nobody_else(api: Api, route: str) -> None:
    wanted = WANTED[route]
    if wanted in {"open", "here"}:
        assert status(api, route, None) not in {401, 403}
        return
    assert status(api, route, None) == 401
    for role in Role:
        allowed = role.includes(Role(wanted))
        got = status(api, route, token_of(api, role))
        assert (got != 403) == allowed, (role, got)
        assert got != 401
        assert got < 500 or got == 503, (role, got)
