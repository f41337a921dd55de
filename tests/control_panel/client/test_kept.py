"""What the panel keeps on disk: servers without secrets, secrets apart from them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked, PasswordDeleteError

from control_panel.client import files
from control_panel.client.errors import NotKept
from control_panel.client.secrets import Secrets
from control_panel.client.servers import Server, Servers


def no_keyring() -> KeyringBackend:
    """What the library finds on a computer without one."""
    return fail.Keyring()  # type: ignore[no-untyped-call]


class Ring(KeyringBackend):
    """A keyring that is unlocked, as a desktop has one."""

    priority: ClassVar[float] = 5

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError("there is none")


class Locked(Ring):
    """A keyring whose owner does not unlock it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("dismissed")


@pytest.mark.parametrize("ring", [Ring(), no_keyring()], ids=["a keyring", "no keyring"])
def test_a_secret_is_kept_and_forgotten(tmp_path: Path, ring: KeyringBackend) -> None:
    secrets = Secrets(tmp_path, ring)
    assert secrets.get("ada@plant:8443") is None
    secrets.put("ada@plant:8443", "fl_1")
    secrets.put("bob@plant:8443", "fl_2")
    secrets.put("ada@plant:8443", "fl_3")
    assert Secrets(tmp_path, ring).get("ada@plant:8443") == "fl_3"
    secrets.forget("ada@plant:8443")
    secrets.forget("ada@plant:8443")
    assert secrets.get("ada@plant:8443") is None
    assert secrets.get("bob@plant:8443") == "fl_2"


def test_with_a_keyring_no_file_is_written(tmp_path: Path) -> None:
    Secrets(tmp_path, Ring()).put("ada@plant:8443", "fl_1")
    assert list(tmp_path.iterdir()) == []


def test_without_one_the_file_is_for_its_owner_alone_and_that_is_said(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "new", no_keyring())
    secrets.put("ada@plant:8443", "fl_1")
    file = tmp_path / "new" / "secrets.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert str(file) in secrets.where
    assert "no keyring" in secrets.where


def test_a_keyring_that_stays_locked_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotKept, match="keyring does not give") as caught:
        Secrets(tmp_path, Locked()).get("ada@plant:8443")
    assert "Unlock" in caught.value.fix


def test_the_server_used_last_comes_first(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    here, there = Server("https://a:1", "PEM", "ada"), Server("https://b:1", "PEM", "ada")
    assert servers.known() == []
    servers.use(here)
    servers.use(there)
    servers.use(Server("https://a:1", "NEW", "ada"))
    assert Servers(tmp_path).known() == [Server("https://a:1", "NEW", "ada"), there]
    servers.forget("ada@a:1")
    assert servers.known() == [there]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    for name in ("servers.json", "secrets.json"):
        (tmp_path / name).write_bytes(b"\x00{")
    with pytest.raises(NotKept, match=r"servers.json is damaged"):
        Servers(tmp_path).known()
    with pytest.raises(NotKept, match=r"secrets.json is damaged"):
        Secrets(tmp_path, no_keyring()).get("x")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(NotKept, match="cannot be written"):
        files.write(tmp_path / "folder" / "x", b"")


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {"HOME": "/home/ada"}, "/home/ada/.config/fieldline"),
        ("linux", {"HOME": "/home/ada", "XDG_CONFIG_HOME": "/c"}, "/c/fieldline"),
        ("darwin", {"HOME": "/Users/ada"}, "/Users/ada/Library/Application Support/Fieldline"),
        ("win32", {"APPDATA": "/c/Roaming"}, "/c/Roaming/Fieldline"),
    ],
)
def test_settings_are_where_the_platform_keeps_them(
    platform: str, environment: dict[str, str], folder: str
) -> None:
    assert files.settings_folder(environment, platform) == Path(folder)
