"""The logs of API, bridge and stream have one form, and say for whom."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from cloud import log
from cloud.stack.status import last_words

KEYS = ["at", "level", "stage", "logger", "message"]


def record(message: str, **extra: str) -> logging.LogRecord:
    made = logging.LogRecord("cloud.bridge.link", logging.WARNING, "x", 1, message, (), None)
    made.__dict__.update(extra)
    return made


def test_a_line_is_one_json_object_with_the_documented_keys() -> None:
    line = log.JsonLines("bridge").format(record("Grüße\nfrom\x00 afar"))
    assert "\n" not in line
    said = json.loads(line)
    assert list(said) == KEYS
    assert (said["stage"], said["level"]) == ("bridge", "WARNING")
    assert said["message"] == "Grüße\nfrom\x00 afar"


def test_the_request_is_said_where_there_is_one() -> None:
    formatter = log.JsonLines("api", lambda: "abcdef01")
    assert json.loads(formatter.format(record("x")))["request"] == "abcdef01"
    assert json.loads(formatter.format(record("x", request="own")))["request"] == "own"


def test_who_had_a_stage_started_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    progress = tmp_path / "bridge.json"
    log.request_file(progress).write_text("abcdef01")
    log.say_who_started(str(progress))
    log.say_who_started(str(progress))
    assert [getattr(one, "request", None) for one in caplog.records] == ["abcdef01", ""]


@pytest.mark.parametrize("stage", ["bridge", "stream"])
def test_a_stage_that_an_api_request_started_logs_its_id(tmp_path: Path, stage: str) -> None:
    """The real program: it names the request before it finds that nothing answers."""
    progress = tmp_path / f"{stage}.json"
    log.request_file(progress).write_text("abcdef01")
    nowhere, password = tmp_path / "none", tmp_path / "password"
    password.write_text("x" * 20)
    config = tmp_path / f"{stage}.toml"
    settings = {
        "bridge": f'[mqtt]\nhost = "127.0.0.1"\nport = 1\nca = "{nowhere}"\nusername = "b"\n'
        f'password_file = "{password}"\n[kafka]\nbootstrap = "127.0.0.1:1"\n'
        f'[bridge]\nprogress_file = "{progress}"\n',
        "stream": '[kafka]\nbootstrap = "127.0.0.1:1"\n[postgres]\ndsn = "host=127.0.0.1"\n'
        f'[spark]\ncheckpoints = "{tmp_path}"\njars = "{nowhere}"\n'
        f'[stream]\nprogress_file = "{progress}"\n',
    }
    config.write_text(settings[stage])
    module = {"bridge": "cloud.bridge", "stream": "cloud.spark"}[stage]
    done = subprocess.run(
        [sys.executable, "-m", module, "--config", config],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    first = json.loads(done.stderr.splitlines()[0])
    assert list(first) == [*KEYS, "request"]
    assert (first["stage"], first["message"], first["request"]) == (stage, "starting", "abcdef01")


def test_the_last_words_of_such_a_log_are_its_message(tmp_path: Path) -> None:
    file = tmp_path / "stream.log"
    file.write_text(log.JsonLines("stream").format(record("Kafka is away")) + "\n")
    assert last_words(file) == "Kafka is away"
