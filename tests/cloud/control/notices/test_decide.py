from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.control.notices import message
from cloud.control.notices.decide import ATTEMPTS, Case, Drop, Hold, Send, again_after, decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
USUAL = {
    "firing": True, "fires": True, "held_back": False, "acknowledged_by": None,
    "snoozed_until": None, "maintenance_until": None, "enabled": True, "sent_last_hour": 0,
    "most_an_hour": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("different", "decision"),
    [
        ({}, Send()),
        ({"fires": False}, Send()),  # it was short, and is told
        ({"enabled": False}, Drop("the target is switched off")),
        ({"snoozed_until": SOON}, Hold(SOON, "snoozed until 2026-01-01 00:05 UTC")),
        ({"maintenance_until": SOON}, Hold(SOON, "maintenance until 2026-01-01 00:05 UTC")),
        ({"held_back": True}, Send()),
        ({"held_back": True, "fires": False}, Drop("it was over before it was to be told")),
        ({"held_back": True, "acknowledged_by": "ada"}, Drop("ada has seen it")),
        ({"sent_last_hour": 3}, Drop("more than 3 within an hour")),
        ({"firing": False, "fires": False}, Send()),
        ({"firing": False, "snoozed_until": SOON}, Send()),
        ({"firing": False, "sent_last_hour": 3},
         Hold(NOW + timedelta(minutes=1), "more than 3 within an hour")),
    ],
)  # fmt: skip
def test_what_becomes_of_a_message(
    different: dict[str, object], decision: Send | Hold | Drop
) -> None:
    assert decide(Case(**{**USUAL, **different}), NOW) == decision  # type: ignore[arg-type]


def test_a_failure_is_tried_again_less_and_less_often_and_given_up() -> None:
    waits = [again_after(attempts) for attempts in range(1, ATTEMPTS + 1)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900, None]


@given(st.text(), st.text(), st.floats(allow_nan=False))
def test_no_name_breaks_the_line_of_a_subject(rule: str, channel: str, value: float) -> None:
    said = {"rule": rule, "severity": "info", "device": "d", "channel": channel, "site": None,
            "value": value}  # fmt: skip
    line = message.subject(message.of(1, "firing", [said], 0))
    assert line.isprintable()
    assert len(line) <= 200


def test_a_signature_is_what_openssl_makes_of_it() -> None:
    # printf '{}' | openssl dgst -sha256 -hmac key
    assert message.signature(b"{}", "key") == (
        "sha256=a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032"
    )


def test_the_body_names_all_of_an_alert() -> None:
    said = {"rule": "r", "severity": "critical", "device": "d", "channel": "c", "site": "s",
            "value": 1.5, "began": "2026-01-01T00:00:00Z"}  # fmt: skip
    sent = msgspec.json.decode(message.body(message.of(7, "firing", [said], 2)))
    assert (sent["id"], sent["what"], sent["more"], sent["ended"]) == (
        "fieldline-7", "firing", 2, None)  # fmt: skip
