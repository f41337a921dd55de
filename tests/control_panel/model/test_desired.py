"""What sources should do, against what they do."""

from __future__ import annotations

from control_panel.model.desired import Sources, edited, source_rows
from control_panel.model.things import Configuration, Desired, Reported


def test_each_source_is_a_row_wherever_it_is_named() -> None:
    configuration = Configuration(
        device="pi-7", state="differs", since=None, differences=(), groups=(), heard=None,
        left_out=(), note="", online=True, reason="", version=3,
        own={"board": {"interval_s": 2.0}},
        desired=Desired(sources={"board": {"interval_s": 2.0, "on": True}}, version=1),
        reported=Reported(
            applied=True, error="", version=1,
            sources={"board": {"interval_s": 2.0, "on": False}, "host": {"on": True}},
        ),
    )  # fmt: skip
    rows = {row.name: row for row in source_rows(configuration, ("hwmon",))}
    assert list(rows) == ["board", "host", "hwmon"]
    assert rows["board"].differs, "it should be on and is off"
    assert rows["board"].own_on is None, "that comes of a group"
    assert not rows["host"].differs, "nothing is said of it"


def test_an_edit_leaves_the_rest_of_the_document() -> None:
    board = {"interval_s": 2.0, "calibration": {"co": {"factor": 2.0}}}
    own: Sources = {"board": board, "host": {"on": True}}
    assert edited(own, "board", False, None) == {
        "host": {"on": True}, "board": {"calibration": {"co": {"factor": 2.0}}, "on": False},
    }  # fmt: skip
    assert edited(own, "host", None, None) == {"board": own["board"]}
    assert edited({}, "new", None, 0.5) == {"new": {"interval_s": 0.5}}
