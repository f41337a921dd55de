import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cloud.stack import stopping, supervision
from cloud.stack.folder import Folder
from cloud.stack.plan import NeverUp, read_plan
from cloud.stack.programs import MARK, Program, supervisor_config
from cloud.stack.status import last_words
from cloud.stack.stopping import stop_all
from cloud.stack.supervision import NotUp, Supervisor
from tests.waiting import eventually


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "a b")
    made.run.mkdir(parents=True)
    made.logs.mkdir()
    return made


def _launch(folder: Folder, *programs: Program) -> None:
    folder.supervisor_config.write_text(
        supervisor_config(folder, programs, as_root=False, open_files=4096)
    )
    supervision.launch(folder)


def test_nobody_answering_is_said_with_what_to_do(folder: Folder) -> None:
    with Supervisor(folder) as supervisor, pytest.raises(NotUp, match="fieldline up"):
        supervisor.processes()
    with pytest.raises(NeverUp, match="fieldline up"):
        read_plan(folder)


def test_a_socket_left_by_a_crash_of_the_machine_is_healed(folder: Folder) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder.socket))
    folder.supervisor_pid.write_text("1\n")
    assert not supervision.is_up(folder)
    _launch(folder, Program("sleeper", ["sleep", "1000"], 1))
    try:
        assert supervision.is_up(folder)
        assert folder.socket.stat().st_mode & 0o077 == 0
    finally:
        stop_all(folder, lambda _: None)
    assert not supervision.is_up(folder)


def test_a_process_that_is_killed_comes_back_and_is_counted(folder: Folder) -> None:
    _launch(folder, Program("sleeper", ["sleep", "1000"], 1))
    try:
        with Supervisor(folder) as supervisor:
            first = eventually(lambda: supervisor.processes()[0].pid)
            assert first is not None
            os.kill(first, signal.SIGKILL)
            eventually(
                lambda: supervisor.processes()[0].pid not in {None, first},
                within=15,
                what="it runs again",
            )
        assert supervision.restarts(folder) == {"sleeper": 1}
    finally:
        stop_all(folder, lambda _: None)


def test_programs_may_have_more_files_open_than_a_shell_allows(folder: Folder) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, before[1]))
    try:
        _launch(folder, Program("sleeper", ["sleep", "1000"], 1))
        with Supervisor(folder) as supervisor:
            pid = eventually(lambda: supervisor.processes()[0].pid)
        assert pid is not None
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (4096, before[1])
        assert 4096 < supervision.most_open_files() <= before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        stop_all(folder, lambda _: None)


def test_what_outlives_its_supervisor_is_found_and_ended(folder: Folder) -> None:
    environment = {MARK: str(folder.data), "PATH": "/usr/bin:/bin"}
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)"
    meek = subprocess.Popen(["sleep", "99"], env=environment)
    hard = subprocess.Popen([sys.executable, "-c", stubborn], env=environment)
    other = subprocess.Popen(["sleep", "99"], env={MARK: f"{folder.data}2"})
    try:
        eventually(lambda: supervision.leftovers(folder) == sorted([meek.pid, hard.pid]))

        def still() -> list[int]:
            return [one.pid for one in (meek, hard) if one.poll() is None]

        supervision.end(supervision.leftovers(folder), still, patience_s=0.5)
        assert meek.returncode == -signal.SIGTERM
        assert hard.wait(30) in {-signal.SIGKILL, -signal.SIGTERM}
        assert other.poll() is None
    finally:
        for one in (meek, hard, other):
            one.kill()
            one.wait()


def test_stopping_twice_is_no_error(folder: Folder) -> None:
    said: list[str] = []
    stop_all(folder, said.append)
    assert said == [f"nothing runs in {folder.data}"]


def test_the_last_words_of_a_log_are_its_last_line_that_says_something(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 9000 + "\nAddress already in use\n\n  \n")
    assert last_words(log) == "Address already in use"
    assert last_words(tmp_path / "none") == ""


@pytest.mark.parametrize(
    ("patience_s", "child", "said"),
    [
        (15.0, "trap '' TERM; while [ -e {flag} ]; do sleep 0.1; done", []),
        (0.2, "exec sleep 99", ["stopping 1 process that a stage has left running"]),
    ],
)
def test_what_a_stage_had_started_may_end_after_it(
    folder: Folder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    patience_s: float,
    child: str,
    said: list[str],
) -> None:
    monkeypatch.setattr(stopping, "_LAST_S", patience_s)
    flag = tmp_path / "flag"
    flag.touch()
    script = tmp_path / "child.sh"
    script.write_text(child.format(flag=flag) + "\n")
    # Spark's JVM is such a child: supervisord waits for its own children alone.
    stage = f"import subprocess, time; subprocess.Popen(['sh', {str(script)!r}]); time.sleep(99)"
    _launch(folder, Program("stage", [sys.executable, "-c", stage], 1))
    eventually(lambda: len(supervision.leftovers(folder)) >= 2, what="the child runs")
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)

    is_up = supervision.is_up

    def and_then_the_child_ends(of: Folder) -> bool:
        up = is_up(of)
        if not up:
            flag.unlink(missing_ok=True)
        return up

    monkeypatch.setattr(supervision, "is_up", and_then_the_child_ends)
    stop_all(folder, say)
    assert supervision.leftovers(folder) == []
    assert lines[:-1] == ["stopping the agents of this machine (1 process)", *said]
