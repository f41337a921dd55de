"""accounts.json is the truth about who may log in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloud.stack import accounts
from cloud.stack.accounts import Kind
from cloud.stack.errors import AccountRefused


def test_an_account_knows_its_password_and_does_not_hold_it(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    accounts.ensure(file, [("pi-1", Kind.DEVICE, "correct horse")])
    account = accounts.read(file)["pi-1"]
    assert account.has("correct horse")
    assert not account.has("correct horsf")
    assert "correct horse" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_ensuring_twice_changes_nothing_and_a_new_password_replaces_the_old(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    accounts.ensure(file, [("pi-1", Kind.DEVICE, "one")])
    before = file.read_bytes()
    accounts.ensure(file, [("pi-1", Kind.DEVICE, "one")])
    assert file.read_bytes() == before
    accounts.ensure(file, [("pi-1", Kind.DEVICE, "two")])
    assert accounts.read(file)["pi-1"].has("two")


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "pi 1", "-x", "x" * 64])
def test_a_name_that_would_reach_into_other_topics_is_refused(name: str) -> None:
    with pytest.raises(AccountRefused, match="cannot be a device's name"):
        accounts.make(name, Kind.DEVICE, "x")


@pytest.mark.parametrize("name", sorted(accounts.OWN))
@pytest.mark.parametrize("kind", [Kind.DEVICE, Kind.FOREIGN])
def test_a_device_cannot_take_the_place_of_the_stacks_own_accounts(
    tmp_path: Path, name: str, kind: Kind
) -> None:
    file = tmp_path / "accounts.json"
    accounts.ensure(file, [(name, Kind.ADMIN, "one")])
    with pytest.raises(AccountRefused, match="choose another name"):
        accounts.ensure(file, [(name, kind, "two")])
    assert accounts.read(file)[name].has("one")


def test_what_is_not_allowed_is_denied() -> None:
    made = accounts.dynamic_security([accounts.make("pi-1", Kind.DEVICE, "x")])
    assert made["defaultACLAccess"] == {
        "publishClientSend": False,
        "publishClientReceive": False,
        "subscribe": False,
        "unsubscribe": True,
    }
    assert "pi-1" in json.dumps(made["roles"])
    for acl in made["roles"][0]["acls"]:
        assert acl["topic"].startswith("fieldline/v1/pi-1/")
        wide = acl["topic"] == "fieldline/v1/pi-1/#" and acl["acltype"] == "publishClientReceive"
        assert wide or not set("+#") & set(acl["topic"])


def test_two_credentials_of_a_device_have_its_one_role() -> None:
    made = accounts.dynamic_security(
        [
            accounts.Account("pi-1~1", Kind.DEVICE, device="pi-1"),
            accounts.Account("pi-1~2", Kind.DEVICE, device="pi-1"),
        ]
    )
    assert [role["rolename"] for role in made["roles"]] == ["pi-1"]
    assert [client["roles"] for client in made["clients"]] == [[{"rolename": "pi-1"}]] * 2
    assert not any("password" in client for client in made["clients"])


def test_a_damaged_file_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "accounts.json").write_text("[{]")
    with pytest.raises(AccountRefused, match="backup"):
        accounts.read(tmp_path / "accounts.json")
