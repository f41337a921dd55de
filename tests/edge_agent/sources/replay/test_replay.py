"""Recordings become readings, completely and once."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as options
from hypothesis import strategies as st

from edge_agent.sources.api import Reading, SourceFailed
from edge_agent.sources.replay import Settings
from edge_agent.sources.replay import open as open_source
from edge_agent.sources.replay.source import EXAMPLES, Pace
from tests.edge_agent.sources.fakes import FakeContext, Running
from wire.settings import read

T0 = 1_600_000_000


def replay(context: FakeContext, file: Path, **keys: Any) -> FakeContext:
    keys = {"fields": [{"field": "x", "channel": "x"}], "speed": "at_once", **keys}
    table = {"name": "r", "file": str(file), "kind": "replay", **keys}
    open_source(msgspec.convert(table, Settings)).run(context)
    return context


def write(folder: Path, items: Sequence[object], name: str = "items.json") -> Path:
    file = folder / name
    file.write_text(json.dumps(items))
    return file


class Cut(Exception):
    """The process is killed here."""


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_day_of_a_pi_comes_out_reading_for_reading(n: int) -> None:
    class Config(msgspec.Struct):
        source: list[Settings]

    file = f"iot-device-0{n}.toml"
    settings = read((EXAMPLES / file).read_text(), Config, file=file).source[0]
    context = FakeContext()
    open_source(msgspec.structs.replace(settings, times="keep")).run(context)

    messages = json.loads((EXAMPLES / "pi-environment-24h.json").read_text())
    mine = [m for m in messages if m["device"] == f"iot-device-0{n}"]
    names = {"temp": "temperature"}
    expected = Counter(
        (f"history/{names.get(field, field)}", round(m["ts"] * 1e6), value)
        for m in mine
        for field, value in m["data"].items()
    )
    found = Counter((r.channel, r.time_utc, r.value) for r in context.readings)
    assert found == expected
    assert {type(v) for v in context.values("history/light")} == {bool}
    assert not context.counters
    assert not context.undescribed


def test_nested_fields_filters_and_types(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        [
            {"at": {"ms": T0 * 1000 + 1}, "d": {"a": 1, "b": True, "c": "on"}, "who": "me", "n": 1},
            {"at": {"ms": T0 * 1000 + 2}, "d": {"a": 2}, "who": "you", "n": 1},
            {"at": {"ms": T0 * 1000 + 3}, "d": {"a": 3}, "who": "me", "n": 2},
        ],
    )
    context = replay(
        FakeContext(),
        file,
        time={"field": "at.ms", "unit": "ms"},
        where={"who": "me", "n": 1},
        fields=[{"field": f"d.{f}", "channel": f, "unit": "V", "label": "L"} for f in "abc"],
    )
    at = T0 * 1_000_000 + 1000
    assert context.readings == [
        Reading("r/a", at, 1.0, "V"),
        Reading("r/b", at, True, "V"),
        Reading("r/c", at, "on", "V"),
    ]


@pytest.mark.parametrize(
    ("unit", "raw", "time_utc"),
    [
        ("s", 1594598735.7727768, 1594598735772777),
        ("s", 1594598735, 1594598735000000),
        ("s", "1594598735.5", 1594598735500000),
        ("ms", 1594598735772.7768, 1594598735772777),
        ("us", 1594598735772777, 1594598735772777),
        ("rfc3339", "2020-07-13T00:05:35.772777Z", 1594598735772777),
        ("rfc3339", "2020-07-13T02:05:35+02:00", 1594598735000000),
    ],
)
def test_times_are_exact_to_the_microsecond(
    unit: str, raw: object, time_utc: int, tmp_path: Path
) -> None:
    file = write(tmp_path, [{"t": raw, "x": 1}])
    context = replay(FakeContext(), file, time={"field": "t", "unit": unit})
    assert context.times("r/x") == [time_utc]


@pytest.mark.parametrize(
    ("item", "counter"),
    [
        ({"x": 1}, "items_without_time"),
        ({"time": None, "x": 1}, "items_without_time"),
        ({"time": "noon", "x": 1}, "items_with_bad_time"),
        ({"time": True, "x": 1}, "items_with_bad_time"),
        ({"time": float("nan"), "x": 1}, "items_with_bad_time"),
        ({"time": float("inf"), "x": 1}, "items_with_bad_time"),
        ({"time": 12, "x": 1}, "items_with_bad_time"),
        ([1, 2], "unreadable_items"),
        ("text", "unreadable_items"),
        ({"time": T0}, "missing_values"),
        ({"time": T0, "x": None}, "missing_values"),
        ({"time": T0, "x": float("nan")}, "bad_values"),
        ({"time": T0, "x": float("-inf")}, "bad_values"),
        ({"time": T0, "x": 1e200}, "bad_values"),
        ({"time": T0, "x": {"y": 1}}, "bad_values"),
        ({"time": T0, "x": "x" * 9000}, "bad_values"),
    ],
)
def test_what_does_not_fit_is_counted_and_the_others_pass(
    item: object, counter: str, tmp_path: Path
) -> None:
    good = {"time": T0 + 1, "x": 5}
    context = replay(FakeContext(), write(tmp_path, [good, item, good]))
    assert context.values("r/x") == [5.0, 5.0]
    assert context.counters == {counter: 1}


def test_a_field_that_does_not_fit_spares_the_others(tmp_path: Path) -> None:
    file = write(tmp_path, [{"time": T0, "x": [], "y": 2}])
    fields = [{"field": "x", "channel": "x"}, {"field": "y", "channel": "y"}]
    context = replay(FakeContext(), file, fields=fields)
    assert context.values("r/y") == [2.0]
    assert context.counters == {"bad_values": 1}


@pytest.mark.parametrize(
    ("raw", "form", "expected"),
    [
        ("21.5", "auto", 21.5),
        ("true", "auto", True),
        ("open", "auto", "open"),
        ("007", "text", "007"),
        ("1", "boolean", True),
        ("nan", "auto", None),
        ("open", "number", None),
        ("2", "boolean", None),
    ],
)
def test_a_cell_of_csv_is_what_it_looks_like_or_what_it_must_be(
    raw: str, form: str, expected: object, tmp_path: Path
) -> None:
    file = tmp_path / "r.csv"
    file.write_text(f'time,x,"a, b"\n{T0},{raw},1\nshort\n\n')
    fields = [{"field": "x", "channel": "x", "type": form}, {"field": "a, b", "channel": "c"}]
    context = replay(FakeContext(), file, fields=fields)
    assert context.values("r/x") == ([] if expected is None else [expected])
    assert context.values("r/c") == [1.0]
    assert context.counters["unreadable_items"] == 1
    assert context.counters["bad_values"] == (expected is None)


def test_lines_of_json_pass_over_one_that_is_broken(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(f'\n {{"time": {T0}, "x": 1}}\n{{"time"\n\n{{"time": {T0}, "x": 2}}')
    context = replay(FakeContext(), file)
    assert context.values("r/x") == [1.0, 2.0]
    assert context.counters == {"unreadable_items": 1}


@given(
    items=st.lists(
        st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=100), max_size=4)
    ),
    indent=st.sampled_from([None, 1]),
)
@options(deadline=None, max_examples=50)
def test_an_array_is_read_in_pieces_as_it_is_read_whole(
    items: list[dict[str, Any]], indent: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from edge_agent.sources.replay import items as module

    text = json.dumps(items, indent=indent, ensure_ascii=False)
    pieces = iter([text[1:][i : i + 3] for i in range(0, len(text), 3)])
    assert list(module._array(lambda: next(pieces, ""))) == items


def test_a_broken_array_gives_what_came_before_and_then_fails(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(f'[{{"time": {T0}, "x": 1}}, {{"time": {T0 + 1}, "x": 2}}, {{"time": ]')
    context = FakeContext()
    with pytest.raises(SourceFailed, match="item 3"):
        replay(context, file)
    assert context.values("r/x") == [1.0, 2.0]


class LateContext(FakeContext):
    """What is emitted is on disk only after three waits, as with a commit once a second."""

    waits = 0
    coming: str | None = None

    def emit(self, readings: Sequence[Reading], position: str | None = None) -> None:
        super().emit(readings, None)
        self.coming = position

    def wait(self, seconds: float) -> bool:
        self.waits += 1
        if self.waits == 3:
            self.position = self.coming
        return False


def test_it_fails_only_when_what_came_before_is_on_disk_so_that_it_never_comes_twice(
    tmp_path: Path,
) -> None:
    file = tmp_path / "r.json"
    file.write_text(f'[{{"time": {T0}, "x": 1}}, {{"time": ]')
    context = LateContext()
    with pytest.raises(SourceFailed):
        replay(context, file)
    assert context.position is not None
    again = LateContext(context.position)
    with pytest.raises(SourceFailed):
        replay(again, file)
    assert not again.readings


def test_end_now_moves_all_so_that_the_newest_is_now(tmp_path: Path) -> None:
    file = write(tmp_path, [{"time": T0 + t, "x": t} for t in (0, 60, 30)])
    before = FakeContext().now_utc()
    context = replay(FakeContext(), file, times="end_now")
    first, newest, middle = context.times("r/x")
    assert before <= newest <= context.now_utc()
    assert newest - first == 60_000_000
    assert newest - middle == 30_000_000


@pytest.mark.parametrize("times", ["keep", "end_now"])
def test_a_replay_that_is_killed_continues_exactly(times: str, tmp_path: Path) -> None:
    """After each hand-over in turn; nothing comes twice, nothing is left out, one shift for all."""
    items = [{"time": T0 + i, "x": i, "odd": bool(i % 2)} for i in range(3000)]
    file = write(tmp_path, items)
    where = {"odd": True}
    readings: list[Reading] = []
    position = None
    kills = 0
    while True:
        context = FakeContext(position)

        def kill(context: FakeContext = context) -> None:
            raise Cut

        context.after_emit = kill
        try:
            replay(context, file, times=times, where=where)
        except Cut:
            kills += 1
        readings += context.readings
        if context.position == position:
            break
        position = context.position
    assert kills == 3
    assert [r.value for r in readings] == list(range(1, 3000, 2))
    assert len({r.time_utc - int(r.value) * 1_000_000 for r in readings}) == 1


def test_a_replay_that_has_ended_does_not_begin_again(tmp_path: Path) -> None:
    file = write(tmp_path, [{"time": T0, "x": 1}])
    position = replay(FakeContext(), file).position
    assert not replay(FakeContext(position), file).readings


def test_a_recording_that_grows_continues_and_another_one_is_played_from_the_start(
    tmp_path: Path,
) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(f'{{"time": {T0}, "x": 1}}\n')
    position = replay(FakeContext(), file).position
    with file.open("a") as more:
        more.write(f'{{"time": {T0}, "x": 2}}\n')
    assert replay(FakeContext(position), file).values("r/x") == [2.0]
    file.write_text(f'{{"time": {T0}, "x": 7}}\n')
    assert replay(FakeContext(position), file).values("r/x") == [7.0]


def test_items_go_out_at_the_pace_asked_for_whatever_their_order(tmp_path: Path) -> None:
    offsets = [0, 10, 5, 20]
    file = write(tmp_path, [{"time": T0 + t, "x": t} for t in offsets])
    context = FakeContext()
    came: list[float] = []
    context.after_emit = lambda: came.append(time.monotonic())
    replay(context, file, speed=100.0)
    assert context.values("r/x") == [0, 10, 5, 20]
    assert [len(b) for b in context.batches] == [1, 2, 1]
    assert came[1] - came[0] >= 0.09
    assert came[2] - came[0] >= 0.19


def test_a_long_pause_ends_when_the_agent_stops(tmp_path: Path) -> None:
    file = write(tmp_path, [{"time": T0 + t, "x": t} for t in (0, 3600)])
    fields = [{"field": "x", "channel": "x"}]
    settings = msgspec.convert(
        {"name": "r", "file": str(file), "kind": "replay", "fields": fields}, Settings
    )
    context = FakeContext()
    run = Running(open_source(settings), context)
    run.until(lambda: context.readings)
    context.stopping.set()
    assert run.ended(1.0) is None
    assert context.values("r/x") == [0.0]


def test_a_pace_begins_with_the_first_item() -> None:
    pace = Pace(10.0)
    assert pace.seconds_until(T0 * 1_000_000) <= 0
    assert pace.seconds_until((T0 + 10) * 1_000_000) == pytest.approx(1.0, abs=0.1)
    assert Pace("at_once").seconds_until(0) == 0
