"""The stack's own accounts at the broker: each has the least that it needs, written down here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud.control.principal import Role
from cloud.stack import accounts
from tests.cloud.control.api import Api
from tests.cloud.control.test_access import token_of
from tests.security.test_access_matrix import ELSEWHERE, FILTERS, KINDS, UNHEARD
from tests.security.wire_client import NOT_AUTHORISED, V5, V311, Client, Login

CONTROL = "$CONTROL/dynamic-security/v1"


@dataclass(frozen=True)
class May:
    """What an account may say (kinds, of any device) and subscribe to."""

    says: frozenset[str] = frozenset()
    hears: frozenset[str] = frozenset()
    changes_accounts: bool = False
    by_name: bool = False
    """Also what it hears of all devices, of one."""


def of_all(*kinds: str) -> frozenset[str]:
    return frozenset(f"fieldline/v1/+/{kind}" for kind in kinds)


WANTED = {
    accounts.BRIDGE: May(
        frozenset({"receipt"}),
        of_all("data", "backfill", "status", "meta")
        | {"$share/bridge/fieldline/v1/+/data", "$share/bridge/fieldline/v1/+/backfill"},
    ),
    accounts.CONTROL: May(
        frozenset({"cmd", "config/desired"}),
        of_all("status", "meta", "cmd/reply", "config/desired", "config/reported"),
        changes_accounts=True,
    ),
    accounts.WATCHER: May(hears=frozenset({"fieldline/v1/#", "$SYS/#"})),
    accounts.ADMIN: May(changes_accounts=True),
    "panel": May(
        hears=of_all(
            "data", "backfill", "receipt", "status", "meta", "config/desired", "config/reported"
        )
    ),
}

TOPICS = [f"fieldline/v1/mx-acc/{kind}" for kind in KINDS]
TOPICS += [one.format(own="mx-acc", other="mx-00") for one in ELSEWHERE]
ASKED = sorted(
    {
        *TOPICS,
        *(one.format(own="mx-acc", other="mx-00") for one in FILTERS),
        *of_all(*KINDS),
        *(f"$share/bridge/fieldline/v1/+/{kind}" for kind in KINDS),
        *(f"$share/x/fieldline/v1/+/{kind}" for kind in KINDS),
        f"{CONTROL}/#", f"{CONTROL}/response", f"$share/x/{CONTROL}/response",
    }
)  # fmt: skip


def login(api: Api, name: str) -> Login:
    ca = Path(api.broker.ca)
    if name != "panel":
        return Login(api.broker.port, ca, name, api.broker.password_of(name))
    with api.client(token_of(api, Role.VIEWER)) as viewer:
        answer = viewer.post("/v1/live")
    assert answer.status_code == 201, answer.text
    given = answer.json()
    return Login(api.broker.port, ca, given["username"], given["password"])


def covers(wider: str, asked: str) -> bool:
    """Whether a pattern allows a filter: what a subscription to all may hear, one to a part may."""
    if wider == asked:
        return True
    if wider.endswith("/#"):
        # The filter `x/#` holds `x` itself.
        return asked == wider[:-2] or asked.startswith(wider[:-1])
    parts, others = wider.split("/"), asked.split("/")
    return len(parts) == len(others) and all(
        one in {"+", other} and other != "#" for one, other in zip(parts, others, strict=True)
    )


@pytest.mark.parametrize("version", [V311, V5])
@pytest.mark.parametrize("name", WANTED)
def test_an_account_of_the_stack_may_do_what_it_is_for_and_no_more(
    api: Api, name: str, version: int
) -> None:
    wanted = WANTED[name]
    with Client(login(api, name), version) as client:
        assert client.code == 0
        codes = dict(zip(ASKED, client.subscribe_all(ASKED), strict=True))
        heard = {one for one, code in codes.items() if code < 128}
        literal = name in {accounts.BRIDGE, accounts.CONTROL}
        allowed = {
            one
            for one in ASKED
            if one in wanted.hears
            or (not literal and any(covers(pattern, one) for pattern in wanted.hears))
            or (wanted.changes_accounts and covers(f"{CONTROL}/#", one))
        }
        assert heard == allowed
        if version == V311:
            return
        said = dict(zip(TOPICS, client.publish_all(TOPICS, b""), strict=True))
        told = {topic for topic, code in said.items() if code in {0, UNHEARD}}
        expected = {f"fieldline/v1/mx-acc/{kind}" for kind in wanted.says}
        if wanted.changes_accounts:
            expected |= {CONTROL, f"{CONTROL}/response"}
        assert told == expected
        assert set(said.values()) <= {0, UNHEARD, NOT_AUTHORISED}
