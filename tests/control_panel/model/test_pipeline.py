"""The stages as a flow, and what may be done with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.pipeline import (
    DEVICES,
    Action,
    Errand,
    Passage,
    Spot,
    Step,
    Why,
    age,
    hindrance,
    hindrance_of_all,
    layout,
    moved,
    new_lines,
)
from control_panel.model.things import Event, Pipeline, Stage

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NEEDS = {
    "broker": (), "kafka": (), "postgres": (), "api": ("postgres", "broker"),
    "bridge": ("broker", "kafka"), "stream": ("kafka", "postgres"), "grafana": ("postgres",),
}  # fmt: skip


def stage(name: str, **members: object) -> Stage:
    plain = Stage(
        name=name, state="running", since=NOW, age=None, busy=None, dependents=(), errors=0, lag=0,
        lag_seconds=0.0, needs=NEEDS[name], newest=None, pid=7, rate_in=None, rate_out=None,
        reason="", restarts=0,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **members)


ALL = [stage(name) for name in NEEDS]


def test_readings_go_from_left_to_right_and_who_looks_on_stands_below() -> None:
    flow = layout(ALL)
    way = [DEVICES, "broker", "bridge", "kafka", "stream", "postgres"]
    assert [flow.spots[name] for name in way] == [Spot(column, 0) for column in range(6)]
    assert flow.spots["api"] == Spot(5, 1)
    assert flow.spots["grafana"] == Spot(4, 1)
    assert (flow.columns, flow.rows) == (6, 2)
    carrying = [(arrow.begin, arrow.end) for arrow in flow.arrows if arrow.carries]
    assert carrying == list(pairwise(way))
    assert {(a.begin, a.end) for a in flow.arrows if not a.carries} == {
        ("postgres", "api"), ("broker", "api"), ("postgres", "grafana"),
    }  # fmt: skip


def test_a_stage_that_is_not_there_is_left_out_of_the_way() -> None:
    flow = layout([one for one in ALL if one.name not in {"bridge", "grafana"}])
    assert ("broker", "kafka") in {(arrow.begin, arrow.end) for arrow in flow.arrows}
    assert "bridge" not in flow.spots


def test_nothing_is_laid_out_of_nothing() -> None:
    assert layout([]).spots == {DEVICES: Spot(0, 0)}


def test_an_arrow_says_the_rate_of_who_gives_or_else_of_who_takes() -> None:
    stages = [stage("broker", rate_in=5.0), stage("bridge", rate_in=4.0, rate_out=0.0),
              stage("kafka", rate_in=3.0)]  # fmt: skip
    rates = {
        (arrow.begin, arrow.end): (arrow.rate, arrow.passage) for arrow in layout(stages).arrows
    }
    assert rates == {
        (DEVICES, "broker"): (5.0, Passage.FLOWS),
        ("broker", "bridge"): (4.0, Passage.FLOWS),
        ("bridge", "kafka"): (0.0, Passage.QUIET),
    }


@pytest.mark.parametrize("state", ["stopped", "starting", "stalled", "failed"])
def test_nothing_passes_by_a_stage_that_does_not_run(state: str) -> None:
    arrows = layout([stage("broker"), stage("bridge", state=state), stage("kafka")]).arrows
    assert [arrow.passage for arrow in arrows] == [Passage.QUIET, Passage.BLOCKED, Passage.BLOCKED]


@pytest.mark.parametrize(
    ("action", "members", "role", "why"),
    [
        (Action.STOP, {}, "viewer", Why.VIEWER),
        (Action.STOP, {}, "operator", None),
        (Action.START, {}, "operator", Why.RUNNING),
        (Action.START, {"state": "stopped"}, "operator", None),
        (Action.START, {"state": "failed"}, "admin", None),
        (Action.STOP, {"state": "stopped"}, "operator", Why.STOPPED),
        (Action.RESTART, {"state": "stopped"}, "operator", Why.STOPPED),
        (Action.RESTART, {"state": "stalled"}, "operator", None),
        (Action.RESTART, {"busy": "stop"}, "operator", Why.BUSY),
    ],
)
def test_what_is_possible_depends_on_who_asks_and_what_the_stage_does(
    action: Action, members: dict[str, object], role: str, why: Why | None
) -> None:
    assert hindrance(stage("kafka", **members), action, role) == why


def test_the_api_cannot_be_stopped_from_here() -> None:
    assert hindrance(stage("api"), Action.STOP, "admin") == Why.OWN
    assert hindrance(None, Action.STOP, "admin") == Why.UNKNOWN


def test_everything_can_be_started_if_one_stage_is_down_and_stopped_if_one_runs() -> None:
    down = [stage(one.name, state="stopped") if one.name == "kafka" else one for one in ALL]
    assert hindrance_of_all(down, Action.START, "operator") is None
    assert hindrance_of_all(ALL, Action.START, "operator") == Why.RUNNING
    left = [one if one.name in {"api", "postgres"} else stage(one.name, state="stopped")
            for one in ALL]  # fmt: skip
    assert hindrance_of_all(left, Action.STOP, "operator") == Why.STOPPED
    assert hindrance_of_all(ALL, Action.STOP, "operator") is None
    assert hindrance_of_all(ALL, Action.STOP, "viewer") == Why.VIEWER
    assert hindrance_of_all([], Action.STOP, "operator") == Why.UNKNOWN
    busy = [*ALL, stage("kafka", busy="stop")]
    assert hindrance_of_all(busy, Action.STOP, "operator") == Why.BUSY


def test_the_newest_row_grows_older_by_itself() -> None:
    assert age(stage("stream", age=2.0), NOW, NOW + timedelta(seconds=10)) == 12.0
    assert age(stage("stream", age=2.0), NOW, NOW - timedelta(seconds=10)) == 2.0
    assert age(stage("stream"), NOW, NOW) is None


def test_an_event_moves_a_stage_at_once() -> None:
    before = Pipeline(at=NOW, stages=tuple(ALL))
    event = Event(kind="pipeline", subject="kafka", what="stalled", data={"reason": "no disk"})
    after = moved(before, event)
    changed = [(one.name, one.state, one.reason) for one in after.stages if one not in ALL]
    assert changed == [("kafka", "stalled", "no disk")]
    assert moved(before, Event(kind="pipeline", subject="kafka", what="stop begun")) == before
    stopped = moved(before, Event(kind="pipeline", subject="kafka", what="stop done")).stages[1]
    assert (stopped.state, stopped.rate_in) == ("stopped", 0.0)


def said(subject: str, what: str, **data: str) -> Event:
    return Event(kind="pipeline", subject=subject, what=what, data=data)


def test_a_restart_goes_forward_with_each_event() -> None:
    errand, done = Errand(Action.RESTART, ["bridge", "broker"]), list[float]()
    for subject, what in (
        ("bridge", "stop begun"), ("bridge", "stop done"), ("broker", "stop begun"),
        ("broker", "stop done"), ("broker", "start begun"), ("broker", "start done"),
        ("bridge", "start begun"), ("bridge", "start done"),
    ):  # fmt: skip
        assert errand.take(said(subject, what))
        done.append(errand.done)
    assert done == sorted(set(done))
    assert (done[-1], errand.failed) == (1.0, False)
    errand.look(Pipeline(at=NOW, stages=tuple(ALL)))
    assert errand.over
    assert not errand.take(said("bridge", "stop begun"))


def test_what_is_about_another_stage_is_passed_over() -> None:
    errand = Errand(Action.STOP, ["bridge"])
    assert not errand.take(said("kafka", "stop begun"))
    assert not errand.take(said("bridge", "stalled"))


def test_a_failed_step_keeps_its_reason() -> None:
    errand = Errand(Action.RESTART, ["bridge"])
    errand.take(said("bridge", "stop failed", detail="it does not answer"))
    errand.take(said("bridge", "start done"))
    errand.look(Pipeline(at=NOW, stages=(stage("bridge"),)))
    assert errand.failed
    assert errand.reasons == {"bridge": "it does not answer"}


def test_it_is_over_when_nobody_is_busy_even_if_no_event_came() -> None:
    errand, over = Errand(Action.STOP, ["bridge", "kafka"]), list[bool]()
    for seconds, bridge, kafka in (
        (0, stage("bridge", busy="stop"), stage("kafka", busy="stop")),
        (1, stage("bridge", state="stopped"), stage("kafka")),
        (4, stage("bridge", state="stopped"), stage("kafka")),
        (8, stage("bridge", state="stopped"), stage("kafka", reason="still there")),
    ):
        errand.look(Pipeline(at=NOW + timedelta(seconds=seconds), stages=(bridge, kafka)))
        over.append(errand.over)
    assert over == [False, False, False, True]
    assert errand.steps == {"bridge": Step.STOPPED, "kafka": Step.FAILED}
    assert errand.reasons == {"kafka": "still there"}


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ([], ["a"], ["a"]),
        (["a", "b"], ["a", "b"], []),
        (["a", "b"], ["a", "b", "c"], ["c"]),
        (["a", "b"], ["b", "c"], ["c"]),
        (["a", "a"], ["a", "a", "a"], ["a"]),
        (["a", "b"], ["x", "y"], None),
        (["a"], [], None),
    ],
)
def test_a_followed_log_grows_at_its_end(
    before: list[str], now: list[str], new: list[str] | None
) -> None:
    assert new_lines(before, now) == new


@given(st.lists(st.text("ab", max_size=2)), st.integers(1, 8), st.data())
def test_no_line_that_is_new_is_left_out(log: list[str], tail: int, data: st.DataObject) -> None:
    split = data.draw(st.integers(0, len(log)))
    before, now = log[:split][-tail:], log[-tail:]
    new = new_lines(before, now)
    shown = list(now) if new is None else [*before, *new]
    assert shown[-len(now) :] == now if now else True
