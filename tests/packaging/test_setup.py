"""What a person meets while the machine is set up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SETUP = CHECKOUT / "packaging" / "setup"


def run_setup(
    *arguments: str, path: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the set-up as a person does; with `path`, its folder's commands are the only ones."""
    env = {**os.environ, **environment}
    if path is not None:
        env["PATH"] = str(path)
    return subprocess.run(
        [sys.executable, str(SETUP), *arguments],
        env=env, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def in_setup(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of Python among the set-up's modules, which are not importable as a package."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(SETUP)!r})\n{code}"],
        env={**os.environ, "PATH": str(path)},
        text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def script(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


def test_help_has_an_example() -> None:
    assert "example: python3 packaging/setup --check" in run_setup("--help").stdout


def test_a_second_set_up_finds_nothing_to_do() -> None:
    result = run_setup("--check")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("ready") == 3, result.stdout
    assert "to install: none" in result.stdout


def test_a_machine_that_is_not_debian_gets_a_sentence(commands: Path) -> None:
    result = run_setup("--check", path=commands)
    assert result.returncode == 1
    assert "no dpkg" in result.stderr
    assert "docs/operation.md" in result.stderr


def test_packages_that_dpkg_does_not_call_installed_are_missing(commands: Path) -> None:
    # As dpkg-query says it of one installed, one removed but configured, and one unknown.
    script(
        commands,
        "dpkg-query",
        'echo "gcc installed"; echo "mosquitto config-files"; echo "none: maven" >&2; exit 1',
    )
    result = in_setup(
        "import debian; print(debian.missing(['gcc', 'mosquitto', 'maven']))", commands
    )
    assert result.stdout.strip() == "['mosquitto', 'maven']", result.stderr


def test_without_sudo_the_sentence_names_the_command_for_root(commands: Path) -> None:
    result = in_setup(
        "import os, debian\nos.geteuid = lambda: 1000\ndebian.as_root(['gcc', 'maven'])", commands
    )
    assert "apt-get install --no-install-recommends gcc maven" in result.stderr
    assert "no sudo here" in result.stderr


def test_a_sudo_that_wants_a_password_is_not_asked_where_nobody_can_type(commands: Path) -> None:
    script(commands, "sudo", "exit 1")
    result = in_setup(
        "import os, debian\nos.geteuid = lambda: 1000\ndebian.as_root(['gcc'])", commands
    )
    assert "sudo apt-get install --no-install-recommends gcc" in result.stderr


def test_an_apt_without_network_gets_a_sentence_with_its_own_words(commands: Path) -> None:
    script(
        commands, "apt-get", 'echo "E: Failed to fetch: Temporary failure resolving" >&2; exit 100'
    )
    script(commands, "sh", 'exec /bin/sh "$@"')
    result = in_setup(
        "import debian, pathlib, say\nt = say.Teller(1); t.step('Debian packages')\n"
        f"debian._apt([], ['update'], t, pathlib.Path({str(commands / 'apt.log')!r}))",
        commands,
    )
    assert "Temporary failure resolving" in result.stderr
    assert "check the network and the proxy" in result.stderr


def test_progress_of_apt_is_told_in_words(commands: Path) -> None:
    result = in_setup(
        "import debian\n"
        "print(debian.progress_of('pmstatus:maven:42.5:Unpacking maven (amd64)'))\n"
        "print(debian.progress_of('dlstatus:3:7.0:Retrieving file 3 of 40'))\n"
        "print(debian.progress_of('Reading state information...'))",
        commands,
    )
    assert result.stdout.splitlines() == [
        "installing, 42 %: Unpacking maven (amd64)",
        "downloading, 7 %: Retrieving file 3 of 40",
        "None",
    ]


def test_another_python_gets_a_sentence(commands: Path) -> None:
    result = in_setup(
        "import sys, python\nsys.version_info = (3, 9, 2, 'final', 0)\npython.check_interpreter()",
        commands,
    )
    assert "Python 3.11 is needed, this is 3.9.2" in result.stderr


def test_requirements_are_pinned_with_hashes_and_name_no_server() -> None:
    text = (CHECKOUT / "packaging" / "requirements.txt").read_text()
    names = [line for line in text.splitlines() if line and line[0] not in " #"]
    assert len(names) > 30
    assert all(re.match(r"[a-z0-9-]+(\[[a-z]+\])?==\S+ \\$", name) for name in names), names
    assert "://" not in text
    assert text.count("--hash=sha256:") >= len(names)


def test_requirements_hold_every_pin_of_the_project_file() -> None:
    requirements = (CHECKOUT / "packaging" / "requirements.txt").read_text().lower()
    project = (CHECKOUT / "pyproject.toml").read_text()
    pins = re.findall(r'"([a-z][a-z0-9-]+)(?:\[[a-z]+\])?==([^"]+)"', project)
    assert len(pins) > 15
    for name, version in pins:
        assert re.search(
            rf"^{re.escape(name)}(\[\w+\])?=={re.escape(version)}", requirements, re.MULTILINE
        )


def test_a_pip_without_network_is_said_to_lack_the_network(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-cache-dir", "-d", str(tmp_path),
         "--index-url", "http://127.0.0.1:9/simple", "--retries", "1", "no-such-thing==1.0"],
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert said.returncode != 0
    lines = (said.stdout + said.stderr).splitlines()
    told = in_setup(f"import python; print(python.why({lines!r}))", tmp_path).stdout
    assert told.startswith("pip could not reach its package index (Connection refused). Check ")
    assert "No matching distribution" not in told
    told = in_setup("import python; print(python.why(['ERROR: a hash differs']))", tmp_path).stdout
    assert "ERROR: a hash differs" in told
