"""`fieldline …` as a person types it, against an API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloud.stack import plan
from cloud.stack.cli import main
from tests.cloud.control.api import Api

Run = Callable[..., Any]


def data_folder(api: Api, folder: Path) -> Path:
    """Make a data folder whose plan names the API."""
    nobody = plan.Account("", "")
    made = plan.Plan(
        plan.Mqtt("127.0.0.1", api.broker.port, api.broker.ca, nobody, nobody),
        plan.Kafka("127.0.0.1:1"),
        plan.Postgres("127.0.0.1", 1, "fieldline", "disable", "", ""),
        plan.Api("127.0.0.1", api.port, str(api.certificates.ca),
                 str(api.folder.secret("local-token"))),
        plan.STAGES,
    )  # fmt: skip
    (folder / "run").mkdir()
    (folder / "run" / "plan.json").write_bytes(msgspec.json.encode(made))
    return folder


def typed(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run commands; each returns what it printed, or its JSON with `--json`."""

    def command(*words: str, status: int = 0) -> Any:
        got = main([*words, "--data", str(data)])
        out, err = capsys.readouterr()
        assert got == status, out + err
        return json.loads(out) if "--json" in words else err + out

    return command
