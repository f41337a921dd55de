import logging

import pytest

from cloud.bridge.seldom import Seldom


def test_a_thing_is_said_when_new_and_again_after_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = [0.0]
    seldom = Seldom(logging.getLogger("seldom"), clock=lambda: clock[0])
    caplog.set_level(logging.INFO)
    for clock[0] in (0.0, 1.0, 59.0, 60.0, 61.0):
        seldom.say("kafka", "away")
    seldom.say("kafka", "refuses")
    seldom.say("mqtt", "away")
    seldom.over("kafka", "back")
    seldom.over("kafka", "back")
    assert [record.getMessage() for record in caplog.records] == [
        "away",
        "away",
        "refuses",
        "away",
        "back",
    ]
