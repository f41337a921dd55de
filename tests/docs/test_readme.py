"""Every command of the README does what it says there."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import Stack
from tests.waiting import eventually

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text()
# What stays until it is stopped, and what it prints when it has begun.
STAYS = {"make run": "Ctrl-C", ".venv/bin/fieldline-agent run --config pi-7.toml": "connected"}
# Run by other tests: this suite itself, and the end of the stack that all tests share.
ELSEWHERE = {"make test", ".venv/bin/fieldline down"}


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [re.sub(r"\s+#.*", "", line) for line in lines]


@pytest.fixture(scope="module")
def workplace(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout, in which files may be made."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    for name in ("Makefile", "packaging", "firmware", "pyproject.toml", "build"):
        (folder / name).symlink_to(CHECKOUT / name)
    return folder


def started(stack: Stack, workplace: Path, command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=workplace,
        env={**os.environ, "FIELDLINE_DATA": str(stack.folder.data)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize("command", [one for one in commands() if one not in ELSEWHERE])
def test_a_command_of_the_readme_works(stack: Stack, workplace: Path, command: str) -> None:
    process = started(stack, workplace, command)
    if command not in STAYS:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        assert output.strip()
        return
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if STAYS[command] in line:
            break
    else:
        raise AssertionError(f"it ended by itself: {''.join(said)}")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)


def test_an_agent_added_as_the_readme_says_has_rows(stack: Stack) -> None:
    rows = "SELECT count(*) FROM fieldline.reading WHERE device = 'pi-7'"
    eventually(lambda: stack.query(rows)[0][0] > 0, within=60, what="rows of pi-7")


def test_the_test_command_is_what_ci_calls() -> None:
    assert "make test" in commands()
    assert "make test" in (CHECKOUT / ".ci" / "run").read_text()
    recipe = subprocess.run(
        ["make", "-n", "test"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert "-m pytest" in recipe.stdout


def test_every_page_that_is_linked_is_there() -> None:
    for page in [CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
