"""What real shells complete. `fieldline` is one that knows three devices."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from cloud.stack.commands.completion import script

_KNOWS = """#!/bin/sh
case "$*" in
"completion --names devices") printf 'pi-7\\npi-8\\nplug\\n' ;;
"completion --names groups") printf 'hall-2\\n' ;;
*) echo "asked for $*" >&2; exit 9 ;;
esac
"""

CASES = {
    "fieldline sta": {"start", "status"},
    "fieldline device sho": {"show"},
    "fieldline device show p": {"pi-7", "pi-8", "plug"},
    "fieldline restart b": {"broker", "bridge"},
    "fieldline group add hall-2 pi": {"pi-7", "pi-8"},
    "fieldline group show h": {"hall-2"},
    "fieldline user add ada --role v": {"viewer"},
    "fieldline device show pi-7 --js": {"--json"},
    "fieldline completion ": {"bash", "zsh"},
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    program = tmp_path / "bin" / "fieldline"
    program.parent.mkdir()
    program.write_text(_KNOWS)
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@pytest.mark.parametrize("line", CASES)
def test_bash_completes(line: str, path: str, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(script("bash"))
    words = line.split(" ")
    asking = f"""
        source {tmp_path / "script"}
        COMP_WORDS=({" ".join(words)} {"''" if not words[-1] else ""})
        COMP_CWORD={len(words) - 1}
        $(complete -p fieldline | sed 's/.*-F \\([^ ]*\\).*/\\1/') fieldline
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", asking],
        capture_output=True, text=True, check=False, env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert set(done.stdout.split()) == CASES[line], done.stderr


def test_zsh_completes(path: str, tmp_path: Path) -> None:
    """Typed at a terminal, since zsh completes nowhere else; it lists what there is."""
    (tmp_path / "script").write_text(script("zsh"))
    (tmp_path / ".zshrc").write_text(
        f"PS1='> '; setopt auto_list; unsetopt menu_complete auto_menu; LISTMAX=1000\n"
        f'autoload -U compinit; compinit -u -D\neval "$(<{tmp_path / "script"})"\necho READY\n'
    )
    shell, terminal = pty.openpty()
    running = subprocess.Popen(
        ["zsh", "-i"], stdin=terminal, stdout=terminal, stderr=terminal, close_fds=True,
        env={"PATH": path, "ZDOTDIR": str(tmp_path), "TERM": "dumb", "HOME": str(tmp_path)},
        start_new_session=True,
    )  # fmt: skip
    try:
        _hear(shell, {"READY"})
        for number, (line, wanted) in enumerate(CASES.items()):
            os.write(shell, f"{line}\t\t".encode())
            _hear(shell, wanted)
            os.write(shell, f"\x15echo NEXT$(({number}+100))\n".encode())
            _hear(shell, {f"NEXT{number + 100}"})
    finally:
        running.kill()
        running.wait()
        os.close(shell)
        os.close(terminal)


def _hear(shell: int, wanted: set[str], within_s: float = 20.0) -> None:
    heard, end = "", time.monotonic() + within_s
    while not wanted <= set(re.split(r"\s+|\x1b\[[0-9;?]*[a-zA-Z]|\x07", heard)):
        assert time.monotonic() < end, f"{wanted} is not in {heard!r}"
        if select.select([shell], [], [], 0.1)[0]:
            heard += os.read(shell, 4096).decode("utf-8", "replace")
