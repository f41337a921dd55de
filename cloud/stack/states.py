"""When a stage is running: by what it does, not by having a process. Pure."""

from enum import StrEnum

import msgspec

GRACE_S = 90.0
"""How long a stage may take to come up before its silence is called a stall."""
PATIENCE_S = 15.0
"""How long a stage that has work may go without progress."""


class State(StrEnum):
    """What a stage is said to do."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STALLED = "stalled"
    FAILED = "failed"


class Probe(msgspec.Struct, frozen=True):
    """What a stage answered. Rates a second; `lag` what has come in and not gone out.

    `error` says why it did not answer; `behind_s` how long the oldest work has waited;
    `at` when it was measured, if that was not just now.
    """

    error: str = ""
    rate_in: float | None = None
    rate_out: float | None = None
    lag: int | None = None
    behind_s: float = 0.0
    newest: float | None = None
    at: float | None = None


class Life(msgspec.Struct, frozen=True):
    """What supervisord knows: its word for the state (`DOWN` if there is none), since when, why."""

    state: str
    pid: int | None = None
    started: float = 0.0
    restarts: int = 0
    last_words: str = ""


def judge(life: Life | None, probe: Probe, now: float) -> tuple[State, str]:
    """Say what a stage does and, unless it is running, why. No life: it runs elsewhere."""
    if life is None:
        return _by_progress(probe, now, now - GRACE_S)
    match life.state:
        case "DOWN":
            return State.STOPPED, "nothing is up; `fieldline up` starts it"
        case "STOPPED" | "STOPPING":
            return State.STOPPED, "stopped by hand; `fieldline start` starts it"
        case "EXITED" | "FATAL" | "UNKNOWN":
            return State.FAILED, life.last_words or "it ended"
        case "BACKOFF":
            return State.FAILED, life.last_words or "it ends as soon as it is started"
    state, reason = _by_progress(probe, now, life.started)
    if reason and life.restarts:
        reason += f"; it ended {life.restarts} times, saying: {life.last_words or 'nothing'}"
    return state, reason


def _by_progress(probe: Probe, now: float, started: float) -> tuple[State, str]:
    silent = probe.error
    if not silent and probe.at is not None and probe.at < max(started, now - PATIENCE_S):
        silent = f"has said nothing for {now - max(probe.at, started):.0f} s"
    if silent:
        state = State.STARTING if now - started < GRACE_S else State.STALLED
        return state, silent
    if probe.lag and not probe.rate_out and probe.behind_s >= PATIENCE_S:
        return State.STALLED, f"{probe.lag} wait, and none has gone on for {probe.behind_s:.0f} s"
    return State.RUNNING, ""


def rate(before: tuple[float, float] | None, now: tuple[float, float]) -> float | None:
    """Return a counter's rate from two samples (time, count); None if they cannot tell."""
    if before is None or now[0] - before[0] < 0.2 or now[1] < before[1]:
        return None
    return (now[1] - before[1]) / (now[0] - before[0])
