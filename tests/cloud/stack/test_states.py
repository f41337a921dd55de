import pytest

from cloud.stack.states import GRACE_S, PATIENCE_S, Life, Probe, State, judge, rate

NOW = 1_000_000.0
LONG_UP = Life("RUNNING", pid=1, started=NOW - 1000)
YOUNG = Life("RUNNING", pid=1, started=NOW - 5)


@pytest.mark.parametrize(
    ("life", "probe", "state"),
    [
        (LONG_UP, Probe(), State.RUNNING),
        (LONG_UP, Probe(error="does not answer"), State.STALLED),
        (YOUNG, Probe(error="does not answer"), State.STARTING),
        (LONG_UP, Probe(at=NOW - 1, lag=0, rate_out=0), State.RUNNING),
        (LONG_UP, Probe(at=NOW - 1, lag=50, rate_out=3, behind_s=60), State.RUNNING),
        (LONG_UP, Probe(at=NOW - 1, lag=50, rate_out=0, behind_s=PATIENCE_S - 1), State.RUNNING),
        (LONG_UP, Probe(at=NOW - 1, lag=50, rate_out=0, behind_s=PATIENCE_S), State.STALLED),
        (LONG_UP, Probe(at=NOW - PATIENCE_S - 1, lag=0), State.STALLED),
        (YOUNG, Probe(at=NOW - 6, lag=0), State.STARTING),
        (Life("STOPPED"), Probe(), State.STOPPED),
        (Life("BACKOFF", last_words="no such file"), Probe(), State.FAILED),
        (Life("FATAL"), Probe(), State.FAILED),
        (Life("EXITED"), Probe(), State.FAILED),
        (None, Probe(), State.RUNNING),
        (None, Probe(error="nobody listens"), State.STALLED),
    ],
)
def test_a_stage_is_judged_by_what_it_does(life: Life | None, probe: Probe, state: State) -> None:
    found, reason = judge(life, probe, NOW)
    assert found is state
    assert bool(reason) == (state is not State.RUNNING)


def test_a_silent_stage_is_stalled_once_its_time_to_come_up_has_passed() -> None:
    silent = Probe(error="does not answer")
    assert judge(Life("RUNNING", started=NOW - GRACE_S + 1), silent, NOW)[0] is State.STARTING
    assert judge(Life("RUNNING", started=NOW - GRACE_S - 1), silent, NOW)[0] is State.STALLED


def test_a_failure_is_told_in_the_words_of_the_one_that_failed() -> None:
    life = Life("BACKOFF", last_words="Address already in use")
    assert judge(life, Probe(), NOW) == (State.FAILED, "Address already in use")


def test_rates_need_two_samples_of_one_life() -> None:
    assert rate((10.0, 100.0), (12.0, 150.0)) == 25.0
    assert rate(None, (12.0, 150.0)) is None
    assert rate((10.0, 100.0), (12.0, 5.0)) is None  # the server began anew
    assert rate((12.0, 100.0), (12.0, 150.0)) is None
