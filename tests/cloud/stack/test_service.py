"""The unit that systemd runs the stack by."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from cloud.stack import service
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder

FOLDER = Folder(Path("/var/lib/fieldline"))
COMMAND = Path("/opt/fieldline/.venv/bin/fieldline")
MOST_EXPOSURE = 2.0


def written(tmp_path: Path) -> Path:
    file = tmp_path / service.UNIT
    file.write_text(service.unit(FOLDER, service.own_command()))
    return file


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    assert shutil.which("systemd-analyze"), "systemd is not installed"
    done = subprocess.run(
        ["systemd-analyze", "verify", written(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_may_do_little_but_its_work(tmp_path: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", written(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSURE


def test_nothing_is_left_to_fill_in(tmp_path: Path) -> None:
    text = service.unit(Folder(Path("/srv/field 100%")), COMMAND)
    assert not re.findall(r"@[A-Z_]+@", text)
    assert "/srv/field 100%%" in text
    assert f"ExecStart={COMMAND} up" in text
    assert "ProtectHome=true" in text


def test_a_program_in_a_home_is_not_hidden_from_its_service() -> None:
    text = service.unit(FOLDER, Path("/home/ada/fieldline/.venv/bin/fieldline"))
    assert "ProtectHome=read-only" in text


class Commands:
    """What would be run."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []

    def __call__(self, words: Sequence[str]) -> None:
        self.ran.append(list(words))


def test_it_is_installed_and_taken_away_and_the_data_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.os, "geteuid", lambda: 0)  # type: ignore[attr-defined]
    folder, commands, said = Folder(tmp_path / "data"), Commands(), list[str]()
    service.install(folder, Path("/usr/bin/fieldline"), said.append, commands, tmp_path)
    place = tmp_path / "etc/systemd/system" / service.UNIT
    assert place.stat().st_mode & 0o777 == 0o644
    assert f"--data {folder.data}" in place.read_text()
    assert ["systemctl", "enable", service.UNIT] in commands.ran
    assert ["chown", "--recursive", "fieldline:fieldline", str(folder.data)] in commands.ran
    service.remove(folder, said.append, commands, tmp_path)
    assert ["systemctl", "disable", "--now", service.UNIT] in commands.ran
    assert not place.exists()
    assert folder.data.is_dir()


def test_who_is_not_root_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.os, "geteuid", lambda: 1000)  # type: ignore[attr-defined]
    with pytest.raises(StackError, match="only root"):
        service.install(FOLDER, COMMAND, print, Commands(), tmp_path)


@pytest.mark.parametrize("hidden", ["fieldline", "python"])
def test_a_program_that_the_service_cannot_reach_is_refused(
    monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    monkeypatch.setattr(service.os, "geteuid", lambda: 0)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as reached:
        Path(reached).chmod(0o755)
        Path(reached, "python").symlink_to(Path(home, "python3.11"))
        command = Path(reached if hidden == "python" else home, "fieldline")
        with pytest.raises(StackError, match=f"lies below {home}"):
            service.install(FOLDER, command, print, Commands())


def test_systemd_is_told_where_it_listens_and_nobody_else(tmp_path: Path) -> None:
    service.notify({}, "READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        service.notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, "READY=1")
        assert listener.recv(100) == b"READY=1"
