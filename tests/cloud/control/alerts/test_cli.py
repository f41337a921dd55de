"""`fieldline alert …` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud.control.alerts.episodes import fire
from tests.cloud.control.api import Api
from tests.cloud.control.history.conftest import Past
from tests.cloud.control.notices.receivers import Web
from tests.cloud.control.typed import Run, data_folder, typed


@pytest.fixture
def run(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; returns what it printed, its JSON with `--json`, or stderr if it failed."""
    command = typed(data_folder(api, tmp_path), capsys)
    return lambda *words, status=0: command("alert", *words, status=status)


def test_a_rule_is_made_changed_shown_and_removed(run: Run) -> None:
    said = run("rule", "add", "cli gas", "--above", "50", "--clear-at", "40", "--for", "30s")
    assert said == "cli gas: above 50 for 30 s, until back at 40\n"
    run("rule", "change", "cli gas", "--below", "5", "--severity", "critical")
    rule = run("rule", "show", "cli gas", "--json")
    assert (rule["direction"], rule["threshold"], rule["clear_at"]) == ("below", 5, None)
    assert (rule["for_s"], rule["severity"], rule["version"]) == (30, "critical", 2)
    run("rule", "change", "cli gas", "--silent", "10m", "--disable")
    rule = run("rule", "show", "cli gas", "--json")
    assert (rule["kind"], rule["window_s"], rule["enabled"]) == ("no data", 600, False)
    assert "no data for 630 s" in run("rule", "list")
    assert "--yes" in run("rule", "remove", "cli gas", status=1)
    run("rule", "remove", "cli gas", "--yes")
    assert "there is no rule 'cli gas'" in run("rule", "show", "cli gas", status=1)


def test_a_rate_needs_its_limit_and_its_span(run: Run) -> None:
    assert "needs --above" in run("rule", "add", "cli rate", "--rate-over", "10s", status=1)
    said = run("rule", "add", "cli rate", "--above", "2", "--rate-over", "10s")
    assert said == "cli rate: change a second over 10 s above 2\n"
    run("rule", "remove", "cli rate", "--yes")


def test_what_fires_is_seen_acknowledged_and_snoozed(run: Run, api: Api) -> None:
    run("rule", "add", "cli hot", "--above", "50", "--severity", "critical")
    rule = run("rule", "show", "cli hot", "--json")
    episode = fire(api, rule, "cli-1")
    assert "cli hot" in run("list", "--device", "cli-1")
    assert run("acknowledge", str(episode)) == f"local has seen alert {episode}\n"
    (one,) = run("list", "--device", "cli-1", "--json")
    assert one["acknowledged_by"] == "local"
    said = run("snooze", "add", "1h", "--rule", "cli hot", "--device", "cli-*")
    assert "then what still fires" in said
    assert "fires" in run("history", "--device", "cli-1")
    assert run("list", "--device", "cli-none") == "nothing fires\n"
    run("rule", "remove", "cli hot", "--yes")


def test_a_snooze_is_said_listed_and_ended_early(run: Run) -> None:
    made = run("snooze", "add", "2h", "--channel", "cli/*", "--reason", "known", "--json")
    (line,) = [one for one in run("snooze", "list").splitlines() if "cli/*" in one]
    assert line.split() == [
        str(made["id"]), *made["until"][:19].split("T"), "*", "*", "cli/*", "local", "known",
    ]  # fmt: skip
    assert made in run("snooze", "list", "--json")
    assert "what still fires" in run("snooze", "end", str(made["id"]))
    assert made not in run("snooze", "list", "--json")
    assert "there is no snooze" in run("snooze", "end", str(made["id"]), status=1)


def test_a_rule_is_tried_before_it_is_made_or_changed(run: Run, api: Api) -> None:
    past = Past(api)
    try:
        past.readings(past.channel("one"), 200)  # 0, 1, 2 … a second
        about = "--device", past.device, "--from", "2026-03-02T12:00:00Z"
        assert "no time that can be tried" in run(
            "preview", "--above", "50", *about, "--to", "2026-03-02", status=1
        )
        said = run("preview", "--above", "50", *about, "--to", "2026-03-02T12:10:00Z")
        assert said.startswith(
            "above 50:\nwould have fired 1 times from 2026-03-02 12:00 to 2026-03-02 12:10 UTC\n"
        )
        assert f"{past.device}  one      1      9 min" in said
        assert f"{past.device}  one      199    2026-03-02 12:00:51  fires" in said
        assert "there is no rule 'cli tried'" in run("rule", "show", "cli tried", status=1)
        run("rule", "add", "cli tried", "--above", "500", "--device", past.device)
        tried = "preview", "cli tried", "--json", "--from", "2026-03-02"
        assert run(*tried)["episodes"] == 0
        found = run(*tried, "--above", "150")
        assert (found["episodes"], found["readings"]) == (1, 200)
        assert run("rule", "show", "cli tried", "--json")["threshold"] == 500
        run("rule", "remove", "cli tried", "--yes")
    finally:
        past.close()


def test_maintenance_is_said_and_ended(run: Run) -> None:
    made = run("maintenance", "add", "4h", "--site", "hall 2", "--in", "1h", "--json")
    assert "hall 2" in run("maintenance", "list")
    run("maintenance", "remove", str(made["id"]))
    assert run("maintenance", "list") == "no work is said to be done\n"


def test_a_target_is_added_tried_and_removed(run: Run, tmp_path: Path) -> None:
    web = Web()
    web.start()
    try:
        key = tmp_path / "key"
        key.write_text("sign with this\n")
        made = run("target", "add", "cli hook", "--webhook", web.url, "--secret-file", str(key),
                   "--wait", "1m", "--json")  # fmt: skip
        assert (made["wait_s"], made["interval_s"]) == (60, 60)
        assert web.url in run("target", "list")
        assert run("target", "test", "cli hook") == "sent: 127.0.0.1 says 204 No Content\n"
        web.answers = [404]
        assert "says 404" in run("target", "test", "cli hook", status=1)
    finally:
        web.stop()
    run("target", "remove", "cli hook", "--yes")
    assert "--server" in run("target", "add", "x", "--email", "a@example.org", status=1)
