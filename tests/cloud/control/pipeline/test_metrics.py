from __future__ import annotations

import re
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.cloud.control.api import Api
from tests.cloud.control.played import Supervised
from tests.waiting import eventually

_DOCUMENTED = re.compile(
    r"^\| `(?P<name>fieldline_\w+)(?:\{(?P<labels>[\w,]+)\})?` \|", re.MULTILINE
)


def scraped(client: httpx.Client) -> dict[str, set[str]]:
    """The samples' names and their labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_is_documented_and_every_documented_one_is_there(
    local: httpx.Client, supervised: Supervised
) -> None:
    page = (Path(__file__).parents[4] / "docs" / "operation.md").read_text()
    documented = {
        match["name"]: set((match["labels"] or "").split(",")) - {""}
        for match in _DOCUMENTED.finditer(page)
    }
    eventually(lambda: scraped(local) == documented, what="output and list agree")


def test_every_stage_has_exactly_one_state(local: httpx.Client, supervised: Supervised) -> None:
    eventually(lambda: "fieldline_stage_state" in scraped(local))
    states: dict[str, float] = {}
    for family in text_string_to_metric_families(local.get("/metrics").text):
        for sample in family.samples:
            if sample.name == "fieldline_stage_state":
                stage = sample.labels["stage"]
                states[stage] = states.get(stage, 0) + sample.value
    assert states == dict.fromkeys(("broker", "postgres", "bridge", "stream"), 1.0)


def test_this_machine_needs_no_login_and_a_wrong_one_is_refused(api: Api) -> None:
    with api.client() as client:
        assert client.get("/metrics").status_code == 200
    with api.client("fl_wrong") as client:
        assert client.get("/metrics").status_code == 401
