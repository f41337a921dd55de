"""Alerts in their order, rules as people write them, and when to notify."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.control.alerts.models import RuleRequest
from control_panel.model.alerts import (
    Draft,
    Notification,
    Pace,
    Wrong,
    check,
    draft_of,
    notification_of,
    number_of,
    seconds_of,
    span_text,
    standing,
)
from control_panel.model.things import Alert, Event, Rule

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def alert(device: str, severity: str = "warning", minutes: int = 0, **members: object) -> Alert:
    plain = {
        "channel": "gas/co", "rule": "gas", "state": "firing", "value": 1.0, "note": None,
        "acknowledged_by": None, "episode": 1,
    }  # fmt: skip
    since = NOW - timedelta(minutes=minutes)
    return Alert(device=device, severity=severity, since=since, **(plain | members))  # type: ignore[arg-type]


def test_the_worst_comes_first_and_then_the_newest() -> None:
    found = standing(
        [alert("a", "info"), alert("b", minutes=5), alert("c", "critical", 9), alert("d"),
         alert("e", acknowledged_by="ada"), alert("f", state="pending"), alert("g", state="ok")]
    )  # fmt: skip
    assert [one.device for one in found.firing] == ["c", "d", "b", "a"]
    assert [one.device for one in found.acknowledged] == ["e"]
    assert [one.device for one in found.pending] == ["f"]


@pytest.mark.parametrize(
    ("draft", "wrong"),
    [
        (Draft(name="gas", threshold="50"), {}),
        (Draft(name="gas", threshold="50", clear_at="40", for_s="30 s"), {}),
        (Draft(name="cold", direction="below", threshold="-3,5", clear_at="0"), {}),
        (Draft(name="silent", kind="no data", window_s="10 min"), {}),
        (Draft(name="fast", kind="rate", threshold="2", window_s="1 h 30 min"), {}),
        (Draft(), {"name": Wrong.MISSING, "threshold": Wrong.MISSING}),
        (Draft(name="gas", threshold="much"), {"threshold": Wrong.NO_NUMBER}),
        (Draft(name="gas", threshold="nan"), {"threshold": Wrong.NO_NUMBER}),
        (Draft(name="gas", threshold="50", clear_at="60"), {"clear_at": Wrong.WRONG_SIDE}),
        (Draft(name="gas", threshold="50", for_s="soon"), {"for_s": Wrong.NO_SPAN}),
        (Draft(name="gas", threshold="50", for_s="40 d"), {"for_s": Wrong.TOO_LONG_A_SPAN}),
        (Draft(name="fast", kind="rate", threshold="2"), {"window_s": Wrong.MISSING}),
        (Draft(name="silent", kind="no data", window_s="0"), {"window_s": Wrong.ZERO}),
        (Draft(name="a\tb", threshold="5"), {"name": Wrong.NOT_PRINTABLE}),
        (Draft(name="n" * 101, threshold="5"), {"name": Wrong.TOO_LONG}),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_by_field(draft: Draft, wrong: dict[str, Wrong]) -> None:
    assert check(draft)[1] == wrong


texts = st.text("a*/ .", max_size=4)
numbers = st.one_of(st.just(""), st.floats(-100, 100).map(str), st.just("x"))
spans = st.sampled_from(["", "5", "30 s", "2h", "40 d", "x", "0"])
drafts = st.builds(
    Draft, name=texts, kind=st.sampled_from(["threshold", "rate", "no data"]), device=texts,
    channel=texts, direction=st.sampled_from(["above", "below"]), threshold=numbers,
    clear_at=numbers, for_s=spans, window_s=spans,
)  # fmt: skip


@given(drafts)
def test_what_is_found_good_the_server_takes(draft: Draft) -> None:
    made, wrong = check(draft)
    if not wrong:
        RuleRequest(**made)


@given(drafts)
def test_a_rule_that_is_edited_and_left_as_it_is_stays_the_same(draft: Draft) -> None:
    made, wrong = check(draft)
    if not wrong:
        rule = Rule(id=1, version=1, created=NOW, changed=NOW, **made)
        assert check(draft_of(rule)) == (made, {})


@given(st.floats(0.001, 1e6))
def test_a_span_is_read_as_it_was_written(seconds: float) -> None:
    assert seconds_of(span_text(seconds)) == pytest.approx(seconds)


def test_numbers_may_have_a_comma() -> None:
    assert number_of("-1,5") == -1.5
    assert number_of("1e999") is None
    assert seconds_of("1 h 30 min") == 5400
    assert seconds_of("") is None


def test_an_event_becomes_a_notification() -> None:
    data = {"title": "gas fires", "rule": "gas", "device": "pi", "channel": "co", "value": 3}
    event = Event(kind="notification", subject="fieldline-1", what="firing", data=data)
    assert notification_of(event) == Notification("gas fires", "firing", "gas", "pi", "co", 3.0, 1)
    assert notification_of(Event(kind="alert")) is None
    bare = notification_of(Event(kind="notification", what="firing"))
    assert bare == Notification("", "firing", "", "", "", None, 1)


def test_too_many_notifications_are_held_and_counted() -> None:
    pace = Pace(most=2, within=timedelta(seconds=10))
    said = [pace.let(NOW + timedelta(seconds=second)) for second in (0, 1, 2, 3, 10, 10.5, 20)]
    assert said == [0, 0, None, None, 2, None, 1]
