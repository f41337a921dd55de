"""The package as Debian's own tools judge it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from edge_agent import settings
from tests.servers import CHECKOUT

UNIT = CHECKOUT / "packaging" / "deb" / "files" / "fieldline-agent.service"
MOST_EXPOSED = 1.5


@pytest.fixture(scope="module", params=["amd64", "arm64"])
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built."""
    out = tmp_path_factory.mktemp(request.param)
    done = subprocess.run(
        [sys.executable, "packaging/deb", "--arch", request.param, "--out", str(out)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.splitlines()[-1])


def said(*words: str | Path) -> str:
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True).stdout


def test_lintian_finds_nothing(package: Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", "--pedantic", str(package)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_it_has_the_version_of_the_project(package: Path) -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    assert said("dpkg-deb", "-f", package, "Version").strip() == version


def test_it_holds_the_agent_and_nothing_of_the_server(package: Path) -> None:
    files = said("dpkg-deb", "-c", package)
    names = {line.split()[5] for line in files.splitlines()}
    assert "./usr/lib/fieldline-agent/edge_agent/agent.py" in names
    assert "./lib/systemd/system/fieldline-agent.service" in names
    assert not [name for name in names if re.search(r"/cloud/|/tests/|__pycache__|pyspark", name)]


def test_its_codec_is_of_its_architecture(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    (codec,) = tmp_path.glob("usr/lib/fieldline-agent/msgspec/_core*.so")
    machine = int.from_bytes(codec.read_bytes()[18:20], "little")
    assert {62: "amd64", 183: "arm64"}[machine] in package.name  # e_machine, elf(5)


def test_its_sample_configuration_is_one_that_the_agent_takes(
    package: Path, tmp_path: Path
) -> None:
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    assert settings.read(tmp_path / "etc/fieldline/agent.toml").source


def test_the_unit_is_confined(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text())
    verdict = said("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", verdict)
    assert found is not None
    assert float(found[1]) <= MOST_EXPOSED
