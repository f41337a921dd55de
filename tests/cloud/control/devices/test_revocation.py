"""Shut out, let in again, replaced, given a new key: at the real broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import (
    NOT_AUTHORISED,
    Identity,
    Key,
    Player,
    enrol,
    enrolled,
    invite,
    register,
)
from tests.waiting import eventually
from wire import topics

Play = Callable[..., Player]


def may_publish(play: Play, identity: Identity) -> bool:
    player = play(identity)
    code = player.publish(topics.data(identity.device))
    player.close()
    return code < 128


def test_an_enrolled_device_sends_and_hears_below_its_own_prefix(
    local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    identity = enrolled(local, name, tmp_path)
    player = play(identity)
    assert player.publish(topics.data(name)) in {0, 16}
    assert player.subscribe(topics.cmd(name)) == 1
    assert player.publish(topics.data("pi-other")) == NOT_AUTHORISED


def test_a_revoked_device_is_told_and_cut_off_within_two_seconds(
    local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    identity = enrolled(local, name, tmp_path)
    player = play(identity)
    player.subscribe(topics.cmd(name))
    player.answers["revoked"] = lambda _: {"ok": True, "result": {}}
    began = time.monotonic()
    answer = local.post(f"/v1/devices/{name}/revocation", json={"reason": "stolen"})
    assert player.gone.wait(2)
    assert time.monotonic() - began < 2
    assert answer.json()["told"] is True
    assert answer.json()["cut_off"] is True
    device = answer.json()["device"]
    assert (device["state"], device["reason"]) == ("revoked", "stolen")
    assert device["restorable_until"] > device["revoked"]
    # The broker ends the connection after a refusal; and one certificate is one session.
    for topic, retain in ((topics.data(name), False), (topics.status(name), True)):
        again = play(identity)
        assert again.publish(topic, retain=retain) == NOT_AUTHORISED
        again.close()
    assert play(identity).subscribe(topics.cmd(name)) >= 128


def test_a_device_that_does_not_answer_is_cut_off_all_the_same(
    local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    player = play(enrolled(local, name, tmp_path))
    player.subscribe(topics.cmd(name))
    began = time.monotonic()
    answer = local.post(f"/v1/devices/{name}/revocation", json={})
    assert player.gone.wait(2)
    assert time.monotonic() - began < 2
    assert answer.json()["told"] is False
    assert any(topic == topics.cmd(name) for topic, _ in player.heard)


def test_a_restored_device_goes_on_with_the_key_it_has(
    local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    identity = enrolled(local, name, tmp_path)
    local.post(f"/v1/devices/{name}/revocation", json={})
    assert not may_publish(play, identity)
    answer = local.delete(f"/v1/devices/{name}/revocation")
    assert answer.json()["state"] == "enrolled"
    assert may_publish(play, identity)
    assert local.delete(f"/v1/devices/{name}/revocation").status_code == 409


def test_after_the_grace_period_nothing_brings_it_back_but_a_replacement(
    api: Api, local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    identity = enrolled(local, name, tmp_path)
    local.post(f"/v1/devices/{name}/revocation", json={})
    with psycopg.connect(api.postgres.dsn()) as owner:
        owner.execute(
            "UPDATE control.device SET revoked = now() - interval '31 days' WHERE device = %s",
            (name,),
        )
    answer = local.delete(f"/v1/devices/{name}/revocation")
    assert (answer.status_code, answer.json()["title"]) == (409, "not restorable")
    api.stop()
    api.start()
    eventually(lambda: local.get(f"/v1/devices/{name}").json()["state"] == "gone")
    successor = enrol(local, invite(local, name, "replacement"), tmp_path)
    assert may_publish(play, successor)
    assert not may_publish(play, identity)


def test_a_replacement_goes_on_with_the_series_and_the_old_key_ends(
    local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    old = enrolled(local, name, tmp_path)
    player = play(old)
    assert player.publish(topics.data(name)) < 128
    token = invite(local, name, "replacement")
    assert player.publish(topics.data(name)) < 128  # the old one goes on until the new one comes
    new = enrol(local, token, tmp_path)
    assert new.device == old.device == name
    assert player.gone.wait(30)
    assert may_publish(play, new)
    assert not may_publish(play, old)
    states = [
        one["withdrawn"] is None for one in local.get(f"/v1/devices/{name}").json()["credentials"]
    ]
    assert states == [True, False]


def test_a_key_is_changed_without_the_device_being_away(
    local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    old = enrolled(local, name, tmp_path)
    player, key = play(old), Key()
    player.subscribe(topics.cmd(name))
    given: dict[str, Any] = {}

    def take(arguments: dict[str, Any]) -> dict[str, Any]:
        given.update(arguments)
        (tmp_path / "new.certificate").write_text(arguments["pem"])
        (tmp_path / "new.key").write_text(key.pem())
        new = Identity(
            name, "", old.port, old.ca, tmp_path / "new.certificate", tmp_path / "new.key"
        )
        assert may_publish(play, new)  # both work while it changes
        assert not player.gone.is_set()
        return {"ok": True, "result": {}}

    player.answers["csr"] = lambda _: {"ok": True, "result": {"pem": key.request()}}
    player.answers["certificate"] = take
    answer = local.post(f"/v1/devices/{name}/rotation")
    assert answer.status_code == 200, answer.text
    assert answer.json()["withdrawn"] == [old.username]
    assert given["ca"] == old.ca.read_text()
    assert player.gone.wait(30)
    assert not may_publish(play, old)


def test_a_device_that_refuses_its_new_certificate_keeps_the_old_one(
    local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    old = enrolled(local, name, tmp_path)
    player = play(old)
    player.subscribe(topics.cmd(name))
    player.answers["csr"] = lambda _: {"ok": True, "result": {"pem": Key().request()}}
    player.answers["certificate"] = lambda _: {"ok": False, "error": "the disk is full"}
    answer = local.post(f"/v1/devices/{name}/rotation")
    assert (answer.status_code, "the disk is full" in answer.text) == (502, True)
    assert player.publish(topics.data(name)) < 128
    assert may_publish(play, old)


def test_no_key_is_changed_of_a_device_that_is_away(
    local: httpx.Client, name: str, tmp_path: Path
) -> None:
    enrolled(local, name, tmp_path)
    answer = local.post(f"/v1/devices/{name}/rotation")
    assert (answer.status_code, answer.json()["title"]) == (504, "device silent")


def test_a_foreign_device_is_shut_out_and_let_in_with_its_password(
    local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    login = register(local, name, kind="foreign")["login"]
    ca = tmp_path / "ca.pem"
    ca.write_text(login["ca"])

    def log_in(password: str) -> Player:
        return play(login=(login["username"], password, login["port"], str(ca)))

    player = log_in(login["password"])
    assert player.publish(login["topic"]) < 128
    assert player.publish(topics.status(name)) == NOT_AUTHORISED
    assert local.post(f"/v1/devices/{name}/revocation", json={}).json()["cut_off"]
    assert player.gone.wait(30)
    assert log_in(login["password"]).code.is_failure
    local.delete(f"/v1/devices/{name}/revocation")
    assert not log_in(login["password"]).code.is_failure
    renewed = local.post(f"/v1/devices/{name}/password").json()["password"]
    assert log_in(login["password"]).code.is_failure
    assert not log_in(renewed).code.is_failure


@pytest.mark.parametrize("act", ["revocation", "rotation", "enrolment", "replacement", "password"])
def test_what_is_done_to_an_unknown_device_is_not_found(local: httpx.Client, act: str) -> None:
    answer = local.post(f"/v1/devices/nobody/{act}", json={})
    assert (answer.status_code, answer.json()["title"]) == (404, "not found")
