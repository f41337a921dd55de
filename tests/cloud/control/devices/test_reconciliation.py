"""PostgreSQL is the truth: accounts.json and the broker are brought to it, whatever was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from cloud.stack import accounts
from cloud.stack.accounts import Account, Kind
from tests.cloud.control.alone import alone_api
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import (
    Identity,
    Key,
    Player,
    enrol,
    enrolled,
    invite,
    register,
)
from tests.servers import Postgres
from tests.waiting import eventually
from wire import topics

Play = Callable[..., Player]


@pytest.fixture(scope="module")
def alone(postgres: Postgres) -> Iterator[Api]:
    """An API with a broker and a database that nobody else uses."""
    with alone_api(postgres, "rights") as running:
        yield running


@pytest.fixture
def admin(alone: Api) -> Iterator[httpx.Client]:
    with alone.client(alone.local_token) as client:
        yield client


def lets_in(play: Play, identity: Identity) -> bool:
    player = play(identity)
    code = player.publish(topics.data(identity.device))
    player.close()
    return code < 128


def test_a_broker_that_lost_everything_while_it_ran_is_brought_back(
    alone: Api, admin: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    identity = enrolled(admin, name, tmp_path)
    file = alone.broker.accounts
    eventually(lambda: identity.username in accounts.read(file), what="accounts.json has it")
    kept = {n: one for n, one in accounts.read(file).items() if not one.of_device}
    alone.broker.kill()
    accounts.write(file, kept)
    alone.broker.wipe()
    alone.broker.start()
    eventually(lambda: lets_in(play, identity), what="the device may send again")
    eventually(lambda: identity.username in accounts.read(file))


def test_a_broker_that_starts_from_the_file_alone_knows_every_device(
    alone: Api, admin: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    identity = enrolled(admin, name, tmp_path)
    login = register(admin, f"{name}-plug", kind="foreign")["login"]
    out = enrolled(admin, f"{name}-out", tmp_path)
    admin.post(f"/v1/devices/{out.device}/revocation", json={})
    alone.stop()
    try:
        alone.broker.kill()
        alone.broker.wipe()
        alone.broker.start()
        assert lets_in(play, identity)
        assert not lets_in(play, out)
        foreign = play(login=(login["username"], login["password"], login["port"], alone.broker.ca))
        assert foreign.publish(login["topic"]) < 128
    finally:
        alone.start()


def test_what_was_revoked_while_the_broker_was_away_is_shut_out_when_it_is_back(
    alone: Api, admin: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    identity = enrolled(admin, name, tmp_path)
    eventually(lambda: identity.username in accounts.read(alone.broker.accounts))
    stale = alone.broker.accounts.read_text()
    alone.broker.kill()
    answer = eventually(lambda: admin.post(f"/v1/devices/{name}/revocation", json={}))
    assert (answer.status_code, answer.json()["cut_off"]) == (200, False)
    alone.broker.accounts.write_text(stale)  # the worst case: the file is old, too
    alone.broker.start()
    eventually(lambda: not lets_in(play, identity), what="the revoked device is shut out")
    eventually(lambda: identity.username not in accounts.read(alone.broker.accounts))


def test_a_device_can_enrol_while_the_broker_is_away(
    alone: Api, admin: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    register(admin, name)
    token = invite(admin, name)
    alone.broker.kill()
    identity = enrol(admin, token, tmp_path)
    alone.broker.start()
    eventually(lambda: lets_in(play, identity), what="it may send when the broker is back")


def test_devices_made_without_the_api_are_adopted_and_withdrawn_ones_are_not(
    alone: Api, admin: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    gone = enrolled(admin, f"{name}-gone", tmp_path)
    admin.post(f"/v1/devices/{gone.device}/revocation", json={})
    admin.delete(f"/v1/devices/{gone.device}")
    alone.stop()
    alone.broker.add(name)
    alone.broker.add(f"{name}-plug", Kind.FOREIGN)
    known = accounts.read(alone.broker.accounts)
    ghost = Account(gone.username, Kind.DEVICE, device=gone.device)
    accounts.write(alone.broker.accounts, {**known, gone.username: ghost})
    alone.start()
    eventually(lambda: admin.get(f"/v1/devices/{name}").status_code == 200)
    device = admin.get(f"/v1/devices/{name}").json()
    assert (device["state"], device["kind"]) == ("enrolled", "agent")
    assert admin.get(f"/v1/devices/{name}-plug").json()["kind"] == "foreign"
    assert admin.get(f"/v1/devices/{gone.device}").json()["state"] == "gone"
    assert gone.username not in accounts.read(alone.broker.accounts)
    assert not lets_in(play, gone)
    # An adopted device with a password goes over to a key of its own by a replacement.
    new = enrol(admin, invite(admin, name, "replacement"), tmp_path)
    assert lets_in(play, new)
    login = (name, alone.broker.password_of(name), alone.broker.port, alone.broker.ca)
    assert play(login=login).code.is_failure


def test_a_device_made_by_the_command_while_the_api_runs_is_taken_in(
    alone: Api, admin: httpx.Client, name: str
) -> None:
    alone.broker.add(name)
    eventually(lambda: admin.get(f"/v1/devices/{name}").status_code == 200)
    assert admin.get(f"/v1/devices/{name}").json()["credentials"][0]["kind"] == "password"
    login = (name, alone.broker.password_of(name), alone.broker.port, alone.broker.ca)
    player = Player(login=login)
    assert admin.post(f"/v1/devices/{name}/revocation", json={}).json()["cut_off"]
    assert player.gone.wait(30)
    player.close()


def test_an_account_that_nobody_knows_is_taken_away(alone: Api, play: Play, name: str) -> None:
    stray = accounts.make(name, Kind.DEVICE, "secret")
    alone.broker.tell(accounts.creation(stray, "secret"))
    alone.stop()
    alone.start()
    login = (name, "secret", alone.broker.port, alone.broker.ca)
    eventually(lambda: play(login=login).code.is_failure, what="the stray is shut out")


def test_the_stacks_own_accounts_are_left_alone(alone: Api, play: Play) -> None:
    for own in (accounts.BRIDGE, accounts.WATCHER, accounts.ADMIN):
        login = (own, alone.broker.password_of(own), alone.broker.port, alone.broker.ca)
        assert not play(login=login).code.is_failure, own


def test_a_change_that_is_rolled_back_reaches_neither_file_nor_broker(
    alone: Api, admin: httpx.Client, name: str
) -> None:
    register(admin, name)
    token = invite(admin, name)
    with psycopg.connect(alone.postgres.dsn()) as owner:
        owner.execute("ALTER TABLE control.credential ADD CONSTRAINT never CHECK (false) NOT VALID")
        owner.commit()
        try:
            body = {"token": token, "request": Key().request()}
            assert admin.post("/v1/enrolment", json=body).status_code == 500
        finally:
            owner.execute("ALTER TABLE control.credential DROP CONSTRAINT never")
            owner.commit()
    assert not any(one.role == name for one in accounts.read(alone.broker.accounts).values())
    with alone.client(alone.local_token) as again:  # the server closes after a bug
        assert again.get(f"/v1/devices/{name}").json()["state"] == "registered"
