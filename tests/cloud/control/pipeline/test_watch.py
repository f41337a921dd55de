import msgspec

from cloud.control.pipeline.watch import MOST_RESTARTS, RESTART_AFTER_S, Watch
from cloud.stack.states import State
from cloud.stack.status import Stage


def stage(name: str = "stream", state: State = State.RUNNING, pid: int | None = 7) -> Stage:
    reason = "9 wait, and none has gone on" if state is State.STALLED else ""
    return Stage(name, state, pid, None, None, 9, None, 0, reason, started=50.0)


STALLED = stage(state=State.STALLED)


def restarts(watch: Watch, begin: float, end: float, *stages: Stage) -> list[float]:
    """When a restart was asked for, looking once a second."""
    times = (begin + second for second in range(int(end - begin)))
    return [now for now in times if watch.look(stages, now)[2]]


def test_a_state_is_told_with_since_when() -> None:
    watch = Watch()
    _, changes, _ = watch.look([stage()], 100)
    assert (changes[0].before, watch.since("stream")) == (None, 50.0)
    assert watch.look([stage()], 102)[1] == []
    _, changes, _ = watch.look([STALLED], 104)
    assert (changes[0].before, changes[0].state) == (State.RUNNING, State.STALLED)
    assert watch.since("stream") == 104


def test_a_stalled_stage_is_restarted_after_the_stated_time() -> None:
    assert restarts(Watch(), 0, 200, STALLED) == [RESTART_AFTER_S]


def test_progress_in_between_begins_the_time_anew() -> None:
    watch = Watch()
    restarts(watch, 0, 100, STALLED)
    watch.look([stage()], 100)
    assert restarts(watch, 101, 300, STALLED) == [101 + RESTART_AFTER_S]


def test_after_the_limit_it_is_failed_with_the_reason_until_it_makes_progress() -> None:
    watch = Watch()
    assert len(restarts(watch, 0, 3000, STALLED)) == MOST_RESTARTS
    (shown,), _, _ = watch.look([STALLED], 3001)
    assert shown.state is State.FAILED
    assert "3 restarts" in shown.reason
    assert "9 wait" in shown.reason
    assert restarts(watch, 3001, 20_000, STALLED) == []
    assert watch.look([stage()], 20_001)[0][0].state is State.RUNNING


def test_the_limit_is_of_an_hour() -> None:
    watch = Watch()
    for begin in (0, 1000, 2000, 3601):
        watch.look([stage()], begin)
        assert len(restarts(watch, begin + 1, begin + 200, STALLED)) == 1


def test_a_person_may_try_again() -> None:
    watch = Watch()
    restarts(watch, 0, 3000, STALLED)
    watch.forgive("stream")
    assert watch.look([STALLED], 3001)[0][0].state is State.STALLED
    assert len(restarts(watch, 3001, 3200, STALLED)) == 1


def test_what_cannot_gain_by_it_is_not_restarted() -> None:
    away = stage("kafka", State.STOPPED)
    assert restarts(Watch(), 0, 1000, STALLED, away) == []
    assert restarts(Watch(), 0, 1000, msgspec.structs.replace(STALLED, pid=None)) == []
    assert restarts(Watch(), 0, 1000, msgspec.structs.replace(STALLED, name="api")) == []
    watch = Watch()
    assert not any(watch.look([STALLED], now, busy={"stream"})[2] for now in range(1000))
