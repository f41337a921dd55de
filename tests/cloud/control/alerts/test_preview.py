"""What a rule would have made of stored readings, before it is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
import pytest

from cloud.control.alerts import preview
from tests.cloud.control.api import Api
from tests.cloud.control.history.conftest import BEGIN, Past

RULE = {
    "name": "tried", "kind": "threshold", "device": None, "channel": None, "site": None,
    "direction": "above", "threshold": 50.0, "clear_at": 40.0, "for_s": 0.0, "window_s": None,
    "severity": "warning", "enabled": True,
}  # fmt: skip


@pytest.fixture
def past(api: Api) -> Iterator[Past]:
    made = Past(api)
    yield made
    made.close()


def tried(local: httpx.Client, device: str, seconds: float = 600, **said: Any) -> dict[str, Any]:
    body = {
        "rule": {**RULE, "device": device, **said},
        "since": BEGIN.isoformat(),
        "until": (BEGIN + timedelta(seconds=seconds)).isoformat(),
    }
    answer = local.post("/v1/alert-rules/preview", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_rule_is_tried_on_what_is_stored(local: httpx.Client, past: Past) -> None:
    for channel in ("one", "two"):
        past.readings(past.channel(channel), 200)  # 0, 1, 2 … a second
    found = tried(local, past.device, channel="o*")
    assert (found["readings"], found["channels"], found["episodes"]) == (200, 1, 1)
    (one,) = found["latest"]
    assert (one["device"], one["channel"]) == (past.device, "one")
    assert one["began"].startswith("2026-03-02T12:00:51")
    assert (one["ended"], one["value"], one["worst"]) == (None, 51, 199)
    assert found["often"][0]["firing_s"] == 600 - 51
    assert tried(local, past.device, threshold=500.0, clear_at=None)["episodes"] == 0


def test_a_change_and_a_silence_are_tried(local: httpx.Client, past: Past) -> None:
    past.readings(past.channel("one"), 200)
    rate: dict[str, Any] = {"kind": "rate", "window_s": 10, "clear_at": None}
    assert tried(local, past.device, **rate, threshold=0.5)["episodes"] == 1
    assert tried(local, past.device, **rate, threshold=1.5)["episodes"] == 0
    silent: dict[str, Any] = {
        "kind": "no data", "direction": None, "threshold": None, "clear_at": None,
    }  # fmt: skip
    (one,) = tried(local, past.device, **silent, window_s=60)["latest"]
    assert one["began"].startswith("2026-03-02T12:04:19")  # the last at 12:03:19
    assert tried(local, past.device, **silent, window_s=500)["episodes"] == 0


def test_nothing_is_made_by_a_trial(local: httpx.Client, past: Past) -> None:
    before = local.get("/v1/alert-rules", params={"limit": "1000"}).json()
    past.readings(past.channel("one"), 200)
    assert tried(local, past.device)["episodes"] == 1
    assert local.get("/v1/alert-rules", params={"limit": "1000"}).json() == before
    assert local.get("/v1/alerts", params={"device": past.device}).json()["items"] == []


@pytest.mark.parametrize("seconds", [0, -5, 367 * 86_400])
def test_a_time_that_cannot_be_tried_is_refused(local: httpx.Client, seconds: float) -> None:
    since = BEGIN - timedelta(days=700)
    body = {"rule": RULE, "since": since.isoformat(),
            "until": (since + timedelta(seconds=seconds)).isoformat()}  # fmt: skip
    answer = local.post("/v1/alert-rules/preview", json=body)
    assert (answer.status_code, answer.json()["title"]) == (422, "bad range")


def test_too_many_readings_are_refused_with_what_to_do(local: httpx.Client, past: Past) -> None:
    past.execute(
        "INSERT INTO storage.rollup_1h SELECT %s, %s, %s, 0, 0, 0, 0, 0, %s, 0, %s",
        BEGIN, past.channel("one"), preview.MOST_READINGS + 1, BEGIN, BEGIN,
    )  # fmt: skip
    body = {"rule": {**RULE, "device": past.device}, "since": BEGIN.isoformat()}
    answer = local.post("/v1/alert-rules/preview", json=body)
    assert (answer.status_code, answer.json()["title"]) == (422, "too much")
    assert "2,000,001 readings" in answer.json()["detail"]


def test_a_rule_ends_where_it_says_going_down() -> None:
    rule = preview.made_of({**RULE, "direction": "below", "threshold": 5.0, "clear_at": 8.0}, BEGIN)
    start = rule.changed
    times = np.arange(5) * 1_000_000 + start
    (one,) = preview.episodes(rule, times, np.array([9.0, 4.0, 3.0, 7.0, 8.0]), start + 10**7)
    assert (one.began - start, one.ended, one.worst) == (1_000_000, start + 4_000_000, 3.0)
