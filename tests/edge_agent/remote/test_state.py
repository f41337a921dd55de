from __future__ import annotations

from pathlib import Path

from edge_agent.remote.state import FILE, REPLIES, State, load, save
from wire.command import Reply
from wire.configuration import Calibration, Desired, SourceConfiguration


def test_the_state_survives_as_it_was_written(tmp_path: Path) -> None:
    board = SourceConfiguration(on=True, calibration={"c": Calibration(2.0, 1.0)})
    state = State(False, {"a": SourceConfiguration(interval_s=2.0)}, Desired(3, {"b": board}), "")
    save(tmp_path, state)
    assert load(tmp_path) == state


def test_the_last_hundred_answers_are_kept(tmp_path: Path) -> None:
    state = State()
    for n in range(REPLIES + 1):
        state = state.with_reply(Reply(str(n), ok=True, at=0.0))
    assert len(state.replies) == REPLIES
    assert state.reply("0") is None
    assert state.reply("1") == Reply("1", ok=True, at=0.0)


def test_a_damaged_file_is_set_aside_and_the_device_is_as_its_file_says(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"sampling":fal')
    assert load(tmp_path) == State()
    assert (tmp_path / "remote.damaged.json").read_bytes() == b'{"sampling":fal'
    assert not (tmp_path / FILE).exists()
