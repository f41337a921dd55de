"""Lines of a stage's log, as people read them."""

import logging

import pytest

from cloud.log import JsonLines
from control_panel.model.log_lines import readable


def written(level: int, message: str, error: Exception | None = None) -> str:
    info = (type(error), error, None) if error is not None else None
    record = logging.LogRecord("cloud.x", level, "x.py", 1, message, None, info)
    record.created, record.msecs = 1_700_000_000.25, 250.0
    return JsonLines("bridge").format(record)


def test_what_a_stage_writes_is_time_and_words() -> None:
    assert readable(written(logging.INFO, "connected")) == "2023-11-14T22:13:20.250Z: connected"


def test_what_is_worse_than_news_says_so() -> None:
    assert readable(written(logging.WARNING, "away")).endswith("Z: WARNING: away")


def test_a_trace_follows_on_lines_of_its_own() -> None:
    lines = readable(written(logging.ERROR, "broke", ValueError("of what"))).splitlines()
    assert lines[0].endswith("ERROR: broke")
    assert lines[-1] == "ValueError: of what"


@pytest.mark.parametrize(
    "line", ["1700000000: New client", "", "{", '{"at": 7}', '{"message": "x"}', "[]", '{"a'],
)  # fmt: skip
def test_another_form_stays_as_it_is(line: str) -> None:
    assert readable(line) == line
