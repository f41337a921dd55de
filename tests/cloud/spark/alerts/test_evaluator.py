"""Rules in the stream's transaction, on a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cloud.spark.alerts.fold import Episode
from cloud.spark.alerts.rules import SILENCE, Rule
from tests.cloud.databases import own_database
from tests.cloud.spark.alerts import naive
from tests.cloud.spark.alerts.site import SECOND, Site, now, part
from tests.cloud.spark.alerts.test_fold import rules, some_readings
from tests.servers import Postgres
from wire.names import new_epoch

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
LONG_AGO = 1_790_000_000 * SECOND
EDITED = "version = version + 1, changed = now()"


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[str]:
    with own_database(postgres, "alert_tests") as name:
        yield name


@pytest.fixture
def site(postgres: Postgres, database: str) -> Iterator[Site]:
    made = Site(postgres, database)
    made.owner.execute("DELETE FROM control.alert_rule")
    made.look()
    made.hear()
    yield made
    made.close()


@pytest.fixture
def start() -> int:
    """A minute ago: what begins then is news."""
    return now() - MINUTE


def test_what_fires_is_seen_and_told_with_the_commit(site: Site, start: int) -> None:
    rule = site.rule(device="kiln", severity="critical")
    site.send("kiln", (start, 9.0), (start + 1, 11.0), (start + 2, 12.0))
    assert site.states(rule) == [("kiln", "firing")]
    assert site.hear() == [("firing", rule, 11.0)]
    stored = site.send("kiln", (start + 3, 14.0), (start + 4, 10.0))
    assert site.states(rule) == [("kiln", "ok")]
    assert site.history(rule) == [Episode(start + 1, start + 4, 11.0, 14.0)]
    assert site.late(rule) == [False]
    assert site.hear() == [("resolved", rule, None)]
    (transition,) = stored.alerts
    message = json.loads(transition.message())
    at = datetime.fromtimestamp((start + 4) / 1e6, UTC)
    assert datetime.fromisoformat(message.pop("at")) == at
    assert message == {
        "episode": transition.episode, "what": "resolved", "rule": rule, "severity": "critical",
        "device": "kiln", "channel": "t", "value": None,
    }  # fmt: skip


def test_a_rule_is_about_what_it_names(site: Site, start: int) -> None:
    every = site.rule()
    some = site.rule(device="hall-*", channel="gas/*")
    site.send("hall-1", (start, 11.0), channel="gas/co")
    site.send("hall-1", (start, 11.0), channel="t")
    site.send("shed", (start, 11.0), channel="gas/co")
    assert site.states(some) == [("hall-1", "firing")]
    assert site.states(every) == [("hall-1", "firing"), ("hall-1", "firing"), ("shed", "firing")]


def test_a_device_that_moves_away_is_no_more_the_sites(
    site: Site, start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.spark.alerts.evaluator._DEVICES_EVERY_S", 0.0)
    site.owner.execute(
        "INSERT INTO control.device (device, kind, site) VALUES ('mover', 'agent', 'Roof')"
    )
    rule = site.rule(site="Roof")
    site.send("mover", (start, 11.0))
    assert site.states(rule) == [("mover", "firing")]
    site.owner.execute("UPDATE control.device SET site = 'Cellar' WHERE device = 'mover'")
    site.look()
    assert site.states(rule) == []
    assert [e.ended is None for e in site.history(rule)] == [False]
    site.send("mover", (start + 1, 11.0))
    assert len(site.history(rule)) == 1


def test_a_revoked_device_is_not_called_silent_and_the_doctors_is_nobodys(
    site: Site, start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.spark.alerts.evaluator._DEVICES_EVERY_S", 0.0)
    rule = site.rule(kind=SILENCE, window_s=30.0, since=start / 1e6)
    for device in ("stolen", "fieldline-doctor"):
        site.send(device, (start, 1.0))
    site.look()
    assert ("stolen", "firing") in site.states(rule)
    assert "fieldline-doctor" not in dict(site.states(rule))
    site.owner.execute(
        "INSERT INTO control.device_status VALUES ('stolen', 'revoked', '', now(), 1)"
    )
    site.look()
    assert "stolen" not in dict(site.states(rule))


def test_booleans_are_numbers_and_strings_are_not_looked_at(site: Site, start: int) -> None:
    rule = site.rule(device="door", threshold=0.5)
    site.send("door", (start, False), (start + 1, "open"), (start + 2, True), (start + 3, "shut"))
    assert site.history(rule) == [Episode(start + 2, None, 1.0, 1.0)]


def test_readings_of_producers_that_number_nothing_count_once(site: Site, start: int) -> None:
    rule = site.rule(device="plug")
    payload = json.dumps([{"n": "t", "t": start / 1e6, "v": 11.0}]).encode()
    for _ in range(2):
        site.store.store([part("plug", payload)], "log")
    assert len(site.history(rule)) == 1
    assert site.hear() == [("firing", rule, 11.0)]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(rules, min_size=1, max_size=3), some_readings, st.data())
def test_any_order_any_batches_and_any_restarts_give_the_episodes_of_the_sorted_whole(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    said: list[Rule],
    readings: list[tuple[int, float]],
    data: st.DataObject,
) -> None:
    device = f"p-{new_epoch()}"
    apart = data.draw(st.sampled_from([SECOND, MINUTE, 60 * MINUTE]))
    monkeypatch.setattr("cloud.spark.alerts.mending._APART_US", apart)
    moved = [(LONG_AGO + t, v) for t, v in readings]
    obeyed = {}
    for rule in said:
        since = datetime.fromtimestamp((LONG_AGO + rule.changed) / 1e6, UTC)
        later = replace(rule, since=since)
        obeyed[site.rule_like(later, device)] = later
    arrivals = data.draw(st.permutations(moved))
    while arrivals:
        size = data.draw(st.integers(1, len(arrivals)))
        middle = data.draw(st.integers(0, size))
        batch = [arrivals[:middle], arrivals[middle:size]]
        arrivals = arrivals[size:]
        site.store.store([site.pack(device, some) for some in batch if some], "log")
        if data.draw(st.booleans()):
            site.restart()
    for name, rule in obeyed.items():
        assert site.history(name) == naive.episodes(rule, moved)
        assert all(site.late(name))
        site.forget(name)
    assert site.hear() == []


def test_what_was_pending_when_the_stream_died_fires_when_its_time_has_come(
    site: Site, start: int
) -> None:
    rule = site.rule(device="oven", for_s=10.0)
    site.send("oven", (start, 11.0), (start + 9 * SECOND, 12.0))
    assert site.states(rule) == [("oven", "pending")]
    site.restart()
    site.send("oven", (start + 10 * SECOND, 13.0))
    assert site.history(rule) == [Episode(start + 10 * SECOND, None, 13.0, 13.0)]


def test_a_replay_of_the_log_changes_nothing(site: Site, start: int) -> None:
    rule = site.rule(device="again")
    packs = [site.pack("again", [(start + n, v)]) for n, v in enumerate((9.0, 11.0, 9.0, 11.0))]
    for one in packs:
        site.store.store([one], "log")
    before = site.history(rule)
    assert len(before) == 2
    site.hear()
    site.restart()
    site.store.store(packs, "log")
    assert site.history(rule) == before
    assert site.hear() == []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM control.alert_rule WHERE name = %s",
        f"UPDATE control.alert_rule SET enabled = false, {EDITED} WHERE name = %s",
        f"UPDATE control.alert_rule SET threshold = 20, {EDITED} WHERE name = %s",
    ],
    ids=["deleted", "disabled", "changed"],
)
@pytest.mark.parametrize("restarted", [False, True])
def test_what_a_rule_left_firing_ends_with_it(
    site: Site, start: int, change: str, restarted: bool
) -> None:
    device = f"c-{new_epoch()}"
    rule = site.rule(device=device)
    site.send(device, (start, 11.0))
    site.hear()
    if restarted:
        site.store.close()
    site.owner.execute(change.encode(), (rule,))
    if restarted:
        site.restart()
    site.look()
    assert site.hear() == [("resolved", rule, None)]
    (episode,) = site.history(rule)
    assert episode.ended is not None
    assert episode.ended > start + 30 * SECOND
    assert site.states(rule) == []
    site.send(device, (now(), 12.0))
    assert site.history(rule) == [episode]


def test_a_changed_rule_looks_at_what_comes_after_the_change(site: Site, start: int) -> None:
    rule = site.rule(device="edited", since=(start + 10) / 1e6)
    site.send("edited", (start, 11.0), (start + 9, 11.0))
    assert site.history(rule) == []
    site.send("edited", (start + 10, 11.0))
    assert site.history(rule) == [Episode(start + 10, None, 11.0, 11.0)]


def test_a_backlog_is_history_until_it_shows_what_still_fires(site: Site) -> None:
    rule = site.rule(device="boat")
    began = now() - HOUR
    site.send("boat", (began, 11.0), (began + MINUTE, 9.0), (began + 2 * MINUTE, 12.0))
    assert site.late(rule) == [True, True]
    assert site.hear() == []
    site.send("boat", (now(), 13.0))
    assert site.late(rule) == [True, False]
    assert site.hear() == [("firing", rule, 12.0)]


def test_late_readings_take_back_what_never_was(site: Site, start: int) -> None:
    rule = site.rule(device="hasty", for_s=20.0)
    site.send("hasty", (start, 11.0), (start + 20 * SECOND, 12.0))
    assert site.hear() == [("firing", rule, 12.0)]
    site.send("hasty", (start + 10 * SECOND, 9.0))
    assert site.history(rule) == []
    assert site.hear() == [("resolved", rule, None)]
    assert site.states(rule) == [("hasty", "pending")]


@pytest.mark.parametrize("kind", ["threshold", "rate", SILENCE])
def test_late_readings_hours_apart_change_what_each_other_left(site: Site, kind: str) -> None:
    said = {"window_s": None if kind == "threshold" else 5400.0, "device": "apart", "kind": kind}
    rules = [site.rule(**said, threshold=threshold) for threshold in (-1e9, 0.0005)]
    start = LONG_AGO + 7 * 24 * 60 * MINUTE
    known = [(start + n * 60 * MINUTE, 20.0 + n * n) for n in (0, 1, 8, 16, 17)]
    late = [(start + n * MINUTE, v) for n, v in ((121, 0.0), (301, 90.0), (313, -3.0), (721, 5.0))]
    site.send("apart", *known)
    site.send("apart", *late)
    made = naive.rule(kind=kind, window_s=said["window_s"] or 0.0)
    for name, threshold in zip(rules, (-1e9, 0.0005), strict=True):
        ruled = replace(made, threshold=threshold, clear_at=threshold)
        assert site.history(name) == naive.episodes(ruled, [*known, *late])
        site.forget(name)


def test_an_episode_keeps_its_number_when_late_readings_move_its_ends(
    site: Site, start: int
) -> None:
    rule = site.rule(device="moved")
    (began,) = site.send("moved", (start, 9.0), (start + 10, 11.0)).alerts
    site.send("moved", (start + 5, 15.0))
    assert site.history(rule) == [Episode(start + 5, None, 15.0, 15.0)]
    assert site.hear() == [("firing", rule, 11.0)]
    (ended,) = site.send("moved", (start + 11, 9.0)).alerts
    assert ended.episode == began.episode


def test_silence_is_found_by_looking_and_ends_with_a_reading(site: Site) -> None:
    rule = site.rule(kind=SILENCE, device="quiet", window_s=60.0)
    last = now() - 90 * SECOND
    site.send("quiet", (last, 1.0))
    assert site.history(rule) == []
    site.look(through=last + 60 * SECOND)
    assert site.history(rule) == []
    site.look()
    site.look()
    assert site.history(rule) == [Episode(last + 60 * SECOND, None, None, None)]
    assert site.states(rule) == [("quiet", "firing")]
    site.restart()
    site.look()
    back = now()
    site.send("quiet", (back, 1.0))
    assert site.history(rule) == [Episode(last + 60 * SECOND, back, None, None)]
    assert site.late(rule) == [False]
    assert site.hear() == [("firing", rule, None), ("resolved", rule, None)]


def test_a_silence_seen_in_retrospect_is_history_and_readings_in_it_take_it_back(
    site: Site, start: int
) -> None:
    rule = site.rule(kind=SILENCE, device="gap", window_s=10.0)
    site.send("gap", (start, 1.0), (start + 40 * SECOND, 1.0))
    assert site.history(rule) == [
        Episode(start + 10 * SECOND, start + 40 * SECOND, None, None)
    ]  # fmt: skip
    assert site.late(rule) == [True]
    site.send("gap", *((start + n * 10 * SECOND, 1.0) for n in (1, 2, 3)))
    assert site.history(rule) == []
    assert site.hear() == []


def test_a_reading_that_was_only_slow_ends_a_silence_that_never_was(site: Site) -> None:
    rule = site.rule(kind=SILENCE, device="slow", window_s=60.0)
    last = now() - 90 * SECOND
    site.send("slow", (last, 1.0))
    site.look()
    site.send("slow", (last + 50 * SECOND, 1.0))
    assert site.history(rule) == []
    assert site.hear() == [("firing", rule, None), ("resolved", rule, None)]
    site.look()
    assert site.history(rule) == []


def test_a_device_that_was_silent_before_the_rule_is_given_the_rules_time(site: Site) -> None:
    site.send("ancient", (LONG_AGO, 1.0))
    made = now()
    rule = site.rule(kind=SILENCE, device="ancient", window_s=60.0, since=made / 1e6)
    site.look()
    assert site.history(rule) == []
    site.look(through=made + 61 * SECOND)
    (episode,) = site.history(rule)
    assert episode.began // SECOND == (made + 60 * SECOND) // SECOND


def test_what_was_made_of_readings_that_have_expired_stays(site: Site) -> None:
    rule = site.rule(device="old")
    site.send("old", *((LONG_AGO + n * SECOND, v) for n, v in enumerate((11.0, 9.0, 12.0, 9.0))))
    before = site.history(rule)
    assert len(before) == 2
    site.owner.execute(
        "INSERT INTO storage.expired VALUES ('raw', 'reading_x', to_timestamp(0),"
        " to_timestamp(%s), now(), 0, 0)",
        (LONG_AGO / 1e6 + 10,),
    )
    try:
        site.send("old", (LONG_AGO + SECOND // 2, 9.0))
        assert site.history(rule) == before
    finally:
        site.owner.execute("DELETE FROM storage.expired")
    site.send("old", (LONG_AGO + SECOND // 4, 9.0))
    assert site.history(rule)[0] == Episode(LONG_AGO, LONG_AGO + SECOND // 4, 11.0, 11.0)


@pytest.mark.logs_errors
def test_rules_that_cannot_be_evaluated_never_cost_a_reading(site: Site, start: int) -> None:
    rule = site.rule(device="hard")
    site.owner.execute("REVOKE INSERT ON storage.alert_episode FROM fieldline_stream")
    try:
        stored = site.send("hard", (start, 11.0))
    finally:
        site.owner.execute("GRANT INSERT ON storage.alert_episode TO fieldline_stream")
    assert stored.readings == 1
    assert site.history(rule) == []
    site.send("hard", (start + 1, 12.0))
    assert site.history(rule) == [Episode(start + 1, None, 12.0, 12.0)]
