from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.control.status.judge import Condition, Known, Said, hear, judge, usual
from wire.status import BufferStatus, SourceStatus, Status

NOW = 1_795_400_000.0
KNOWN = Known(registration="enrolled", arrival=NOW - 5, usual=10.0, carried=NOW - 9000)
WELL = Status(
    "online", since=NOW - 4000, clock="synced", sources=(SourceStatus("board", state="running"),)
)


def judged(status: Status | None, **known: Any) -> tuple[str, str]:
    found = judge(
        None if status is None else hear(status), msgspec.structs.replace(KNOWN, **known), NOW
    )
    return str(found.condition), found.reason


def with_(**changed: Any) -> Status:
    return msgspec.structs.replace(WELL, **changed)


@pytest.mark.parametrize(
    ("status", "known", "condition", "why"),
    [
        (WELL, {}, "online", ""),
        (WELL, {"registration": None}, "online", ""),
        (WELL, {"registration": "revoked", "revocation": "stolen"}, "revoked", "stolen"),
        (WELL, {"registration": "gone"}, "revoked", "by hand"),
        (None, {"arrival": None}, "never seen", "never connected"),
        (with_(state="offline", reason="connection lost"), {}, "offline", "connection lost"),
        (with_(clock="estimated"), {}, "clock unknown", "estimated"),
        (
            with_(buffer=BufferStatus(bytes=87, quota=100, oldest=NOW - 86_400)),
            {}, "buffer filling", "85%",
        ),
        (with_(buffer=BufferStatus(bytes=79, quota=100)), {}, "online", ""),
        (
            with_(sources=(SourceStatus("board", state="failing", reason="no such port"),)),
            {}, "source failing", "board: no such port",
        ),
        (WELL, {"arrival": NOW - 61}, "late", "usually every 10 s"),
        (WELL, {"arrival": NOW - 61, "usual": 30.0}, "online", ""),
        (WELL, {"arrival": None}, "late", "yet"),
        (with_(since=NOW - 30), {"arrival": None}, "online", ""),
        (WELL, {"arrival": NOW - 3600, "carried": NOW - 10}, "online", ""),
        (WELL, {"arrival": NOW - 3600, "carried": NOW, "before": "late"}, "late", "no reading"),
        (
            with_(sources=(SourceStatus("log", state="finished"),)),
            {"arrival": NOW - 9999}, "online", "switched off",
        ),
        (None, {"arrival": NOW - 30}, "online", ""),
        (None, {"arrival": NOW - 100}, "late", "no reading"),
        (None, {"arrival": NOW - 700}, "offline", "no reading"),
        (None, {"arrival": NOW - 700, "carried": NOW - 10}, "online", ""),
    ],
)  # fmt: skip
def test_a_device_is_said_to_be_the_worst_that_is_true(
    status: Status | None, known: dict[str, Any], condition: str, why: str
) -> None:
    found, reason = judged(status, **known)
    assert (found, why in reason) == (condition, True), reason


def test_since_when_it_is_offline_the_device_says_unless_its_clock_is_ahead() -> None:
    away = with_(state="offline", since=NOW - 77)
    assert judge(hear(away), KNOWN, NOW).since == NOW - 77
    assert judge(hear(msgspec.structs.replace(away, since=NOW + 9)), KNOWN, NOW).since is None


@given(
    said=st.none()
    | st.builds(
        Said, online=st.booleans(), reason=st.text(), since=st.none() | st.floats(),
        synced=st.booleans(), filled=st.floats(0, 1), oldest=st.none() | st.floats(),
        failing=st.text(), idle=st.booleans(),
    ),
    known=st.builds(
        Known, registration=st.sampled_from([None, "registered", "enrolled", "revoked", "gone"]),
        arrival=st.none() | st.floats(0, 2e9), usual=st.floats(1, 86_400),
        carried=st.floats(0, 2e9), before=st.sampled_from([None, *Condition]),
    ),
)  # fmt: skip
def test_whatever_a_device_says_there_is_a_verdict_with_a_reason(
    said: Said | None, known: Known
) -> None:
    found = judge(said, known, NOW)
    assert found.reason or found.condition is Condition.ONLINE


def test_the_usual_interval_is_learnt_and_an_absence_changes_it_little() -> None:
    interval = 10.0
    for _ in range(5):
        interval = usual(interval, 600.0)
    assert 300 <= interval <= 600
    assert usual(10.0, 86_400.0) == 20.0
    for _ in range(100):
        interval = usual(interval, 5.0)
    assert interval == 10.0
