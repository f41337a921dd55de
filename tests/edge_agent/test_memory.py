from __future__ import annotations

import subprocess
import sys

from tests.servers import CHECKOUT


def said(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_agent_loads_only_what_it_uses() -> None:
    loaded = said("import sys, edge_agent.agent; print(*sys.modules)").split()
    assert "paho.mqtt.client" in loaded
    unused = ["http", "email", "subprocess", "shutil", "difflib", "csv", "serial", "dataclasses",
              "edge_agent.doctor", "edge_agent.enrolment.api"]  # fmt: skip
    assert not [name for name in unused if name in loaded]
    assert not [name for name in loaded if name.endswith(".source")]


def test_what_is_loaded_later_works_when_it_is_used() -> None:
    for use in (
        "import urllib.request; print(urllib.request.quote('a b'))",
        "from urllib.request import quote; print(quote('a b'))",
        "import urllib.request as r; r.getproxies(); print(r.quote('a b'))",
    ):
        assert said(f"import edge_agent.sinks.mqtt; {use}") == "a%20b"
