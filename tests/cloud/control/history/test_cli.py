"""`fieldline completeness` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud.control.api import Api
from tests.cloud.control.history.conftest import Past
from tests.cloud.control.typed import Run, data_folder, typed


@pytest.fixture
def run(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command."""
    return typed(data_folder(api, tmp_path), capsys)


def test_what_has_arrived_is_told_by_device_and_by_day(run: Run, past: Past) -> None:
    epoch = "a" * 16
    assert run("completeness", past.device) == f"of {past.device} nothing has come\n"
    past.execute(
        "INSERT INTO storage.ledger (device, epoch, stored, next, lost) "
        "VALUES (%s, %s, '{[0,8)}', 10, '{[8,10)}')", past.id, epoch,
    )  # fmt: skip
    past.execute(
        "INSERT INTO storage.ledger_day VALUES (%s, %s, '2026-03-01', 0, 5), "
        "(%s, %s, '2026-03-02', 5, 3)", past.id, epoch, past.id, epoch,
    )  # fmt: skip
    past.execute("INSERT INTO storage.loss VALUES (%s, %s, 'quota', '{[8,10)}')", past.id, epoch)
    said = run("completeness", past.device)
    assert [line.split() for line in said.splitlines()[1:3]] == [
        ["2026-03-01", "5", "0", "0", "0"], ["2026-03-02", "3", "0", "2", "0"],
    ]  # fmt: skip
    assert said.endswith(f"lost: 2 of epoch {epoch}: quota\n")
    told = run("completeness", past.device, "--since", "2026-03-02", "--json")
    assert [day["day"] for day in told["days"]] == ["2026-03-02"]
    assert told["losses"][0]["reason"] == "quota"
    assert "valid date" in run("completeness", past.device, "--since", "monday", status=1)


def test_the_exit_status_says_that_packs_are_missing(run: Run, past: Past) -> None:
    past.execute(
        "INSERT INTO storage.ledger (device, epoch, stored, next) "
        "VALUES (%s, 'e', '{[0,3)}', 5)", past.id,
    )  # fmt: skip
    (row,) = [line for line in run("completeness", status=1).splitlines() if past.device in line]
    assert row.split() == [past.device, "e", "3", "0", "0", "2"]
    assert "2026" not in run("completeness", past.device)
