"""Rules are said, changed and taken away; what fires is listed, acknowledged, snoozed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.cloud.control.alerts.episodes import fire, make_rule, resolve
from tests.cloud.control.api import Api


def later(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def test_a_rule_is_made_changed_and_deleted_and_each_act_recorded(local: httpx.Client) -> None:
    rule = make_rule(local, clear_at=40, for_s=30, site="hall ?", channel="gas/*")
    path = f"/v1/alert-rules/{rule['id']}"
    seen = local.get(path)
    assert seen.json() == rule
    body = {key: rule[key] for key in ("name", "kind", "direction", "severity")}
    changed = local.put(
        path, json={**body, "threshold": 60}, headers={"If-Match": seen.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["threshold"], changed.json()["clear_at"]) == (60, None)
    assert changed.json()["version"] == 2
    assert changed.json()["changed"] > rule["changed"]
    stale = local.put(path, json={**body, "threshold": 1}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert local.delete(path, headers={"If-Match": '"2"'}).status_code == 204
    assert local.get(path).status_code == 404
    acts = local.get("/v1/audit", params={"subject": f"alert-rule/{rule['id']}"}).json()["items"]
    assert [one["action"] for one in reversed(acts)] == [
        "alert-rule.create", "alert-rule.change", "alert-rule.delete",
    ]  # fmt: skip


def test_a_name_is_given_once(local: httpx.Client) -> None:
    rule = make_rule(local)
    again = local.post("/v1/alert-rules", json={
        "name": rule["name"], "kind": "no data", "window_s": 60})  # fmt: skip
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"kind": "threshold", "direction": "above"}, "needs direction and threshold"),
        ({"kind": "threshold", "direction": "above", "threshold": 5, "clear_at": 6}, "other side"),
        ({"kind": "threshold", "direction": "below", "threshold": 5, "clear_at": 4}, "other side"),
        ({"kind": "rate", "direction": "above", "threshold": 5}, "window_s goes with"),
        ({"kind": "no data"}, "window_s goes with"),
        ({"kind": "no data", "window_s": 60, "threshold": 3}, "has no direction"),
        ({"kind": "no data", "window_s": 60, "name": "two\nlines"}, "no line breaks"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(
    local: httpx.Client, said: dict[str, Any], words: str
) -> None:
    answer = local.post("/v1/alert-rules", json={"name": "odd", **said})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_what_fires_is_listed_until_it_no_longer_does(api: Api, local: httpx.Client) -> None:
    rule = make_rule(local)
    episode = fire(api, rule, "kiln-1")
    (alert,) = local.get("/v1/alerts", params={"device": "kiln-1"}).json()["items"]
    assert (alert["rule"], alert["state"], alert["episode"]) == (rule["name"], "firing", episode)
    assert (
        local.get("/v1/alerts", params={"device": "kiln-1", "severity": "info"}).json()["items"]
        == []
    )
    resolve(api, episode)
    assert local.get("/v1/alerts", params={"device": "kiln-1"}).json()["items"] == []
    (one,) = local.get("/v1/alerts/history", params={"device": "kiln-1"}).json()["items"]
    assert one["ended"] is not None
    assert (one["value"], one["worst"]) == (86.8, 90.1)


def test_pages_of_alerts_and_of_history_hold_each_once(api: Api, local: httpx.Client) -> None:
    rule = make_rule(local)
    made = {fire(api, rule, f"page-{number}") for number in range(5)}
    for path in ("/v1/alerts", "/v1/alerts/history"):
        found: list[int] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = local.get(path, params={"rule": rule["name"], "limit": "2", **more}).json()
            found += [one["episode"] for one in page["items"]]
            if (cursor := page["next"]) is None:
                break
        assert (set(found), len(found)) == (made, 5)


def test_who_has_seen_an_alert_is_kept(api: Api, local: httpx.Client) -> None:
    episode = fire(api, make_rule(local), "seen-1")
    path = f"/v1/alerts/{episode}/acknowledgement"
    kept = local.put(path, json={"note": "on my way"})
    assert kept.json()["by"] == "local"
    (alert,) = local.get("/v1/alerts", params={"device": "seen-1"}).json()["items"]
    assert (alert["acknowledged_by"], alert["note"]) == ("local", "on my way")
    unseen = local.get("/v1/alerts", params={"device": "seen-1", "acknowledged": "false"})
    assert unseen.json()["items"] == []
    assert local.delete(path).status_code == 204
    assert local.delete(path).status_code == 404
    assert local.put("/v1/alerts/999999999/acknowledgement").status_code == 404


def test_a_snooze_and_a_window_are_said_and_ended(local: httpx.Client) -> None:
    for path, body in (
        ("/v1/snoozes", {"device": "kiln-*", "until": later(hours=1), "reason": "known"}),
        ("/v1/maintenance-windows",
         {"site": "hall 1", "begins": later(hours=1), "ends": later(hours=2)}),
    ):  # fmt: skip
        made = local.post(path, json=body)
        assert made.status_code == 201, made.text
        number = made.json()["id"]
        assert number in [one["id"] for one in local.get(path).json()["items"]]
        assert local.delete(f"{path}/{number}").status_code == 204
        assert number not in [one["id"] for one in local.get(path).json()["items"]]
        assert local.delete(f"{path}/{number}").status_code == 404


def test_what_is_over_already_is_refused(local: httpx.Client) -> None:
    assert local.post("/v1/snoozes", json={"until": later(seconds=-1)}).status_code == 422
    body = {"begins": later(hours=2), "ends": later(hours=1)}
    assert local.post("/v1/maintenance-windows", json=body).status_code == 422
    missing = {"rule": 2**40, "until": later(hours=1)}
    assert local.post("/v1/snoozes", json=missing).status_code == 404
