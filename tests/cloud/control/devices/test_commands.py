"""`fieldline device …` through the API, as a person types it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import enrol
from tests.cloud.control.typed import Run, data_folder, typed


@pytest.fixture
def run(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; returns its JSON, or what it said on stderr if it failed."""
    command = typed(data_folder(api, tmp_path), capsys)

    def device(*words: str, status: int = 0) -> Any:
        return command("device", *words, *([] if status else ["--json"]), status=status)

    return device


def test_a_device_is_enrolled_shown_revoked_restored_and_replaced(
    run: Run, local: httpx.Client, name: str, tmp_path: Path
) -> None:
    enrol(local, run("enrol", name)["token"], tmp_path)
    assert run("show", name)["state"] == "enrolled"
    assert run("revoke", name, "--reason", "sold", "--yes")["cut_off"] is True
    assert run("show", name)["reason"] == "sold"
    assert run("restore", name)["state"] == "enrolled"
    enrol(local, run("replace", name)["token"], tmp_path)
    kept = [one["withdrawn"] is None for one in run("show", name)["credentials"]]
    assert kept == [True, False]


def test_a_refusal_is_a_sentence_with_what_to_do(run: Run, name: str) -> None:
    assert "there is no device" in run("show", "nobody", status=1)
    run("enrol", name)
    assert "revoked" not in run("restore", name, status=1)
    assert "say --yes" in run("revoke", name, status=1)


def test_a_faulty_table_is_told_line_by_line(run: Run, name: str, tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text(f"name,site\n{name}-a,Hall\n../b,Hall\n")
    assert "line 3: name" in run("import", str(file), status=1)
    file.write_text(f"name,site\n{name}-a,Hall\n{name}-b,Hall\n")
    assert len(run("import", str(file), "--tokens")["tokens"]) == 2


def test_an_api_that_does_not_run_is_named(run: Run, api: Api, name: str) -> None:
    api.stop()
    try:
        assert "does not answer" in run("show", name, status=3)
    finally:
        api.start()
