"""What every kind of source does alike."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent import sources
from edge_agent.sources import SourceSettings, open_source
from edge_agent.sources.api import SourceFailed
from tests.edge_agent.sources.arduino.bench import BoardOnPty
from tests.edge_agent.sources.fakes import FakeContext, Running, running
from wire.names import is_channel_name
from wire.settings import SettingsRefused, read
from wire.units import is_registered

FOLDER = Path(sources.__file__).parent


class Config(msgspec.Struct, frozen=True):
    source: list[SourceSettings]


Make = Callable[[str], Any]


def settings(**keys: object) -> Any:
    return msgspec.convert(keys, SourceSettings)


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Make]:
    """Settings of each kind with which a source reads something."""
    stop = threading.Event()
    threads: list[threading.Thread] = []
    boards: list[BoardOnPty] = []

    def make(kind: str) -> Any:
        match kind:
            case "arduino":
                board = BoardOnPty()
                boards.append(board)

                def play() -> None:
                    board.wait_for("hello")
                    board.greet("temperature,Cel,-40,125,Temperature")
                    sequence = 0
                    while not stop.wait(0.02):
                        board.line(f"S,{sequence},{sequence * 20},21.5")
                        sequence += 1

                threads.append(threading.Thread(target=play))
                threads[-1].start()
                return settings(kind=kind, name="it", port=board.port)
            case "host":
                return settings(kind=kind, name="it", interval_s=0.1)
            case "thermal":
                zone = tmp_path / "thermal_zone0"
                zone.mkdir()
                (zone / "type").write_text("cpu-thermal\n")
                (zone / "temp").write_text("48312\n")
                return settings(kind=kind, name="it", interval_s=0.1, root=str(tmp_path))
            case "hwmon":
                chip = tmp_path / "hwmon3"
                chip.mkdir()
                (chip / "name").write_text("rpi_volt\n")
                (chip / "in0_input").write_text("5004\n")
                return settings(kind=kind, name="it", interval_s=0.1, root=str(tmp_path))
            case "replay":
                items = [{"time": 1_600_000_000 + i / 10, "x": i} for i in range(100)]
                (tmp_path / "items.json").write_text(json.dumps(items))
                fields = [{"field": "x", "channel": "x", "label": "X"}]
                file = str(tmp_path / "items.json")
                return settings(kind=kind, name="it", file=file, fields=fields)
            case "simulated":
                return settings(
                    kind=kind, name="it", rate_hz=50, signals=[{"channel": "x", "label": "X"}]
                )
        raise AssertionError(kind)

    yield make
    stop.set()
    for thread in threads:
        thread.join()
    for board in boards:
        board.close()


def broken(kind: str, tmp_path: Path) -> Any:
    """Settings of each kind with which a source cannot read anything."""
    nowhere = str(tmp_path / "nowhere")
    match kind:
        case "arduino":
            return settings(kind=kind, name="it", port=nowhere)
        case "host":
            return settings(kind=kind, name="it", proc=nowhere)
        case "thermal" | "hwmon":
            return settings(kind=kind, name="it", root=nowhere)
        case "replay":
            fields = [{"field": "x", "channel": "x"}]
            return settings(kind=kind, name="it", file=nowhere, fields=fields)
    raise AssertionError(kind)


every_kind = pytest.mark.parametrize("kind", sorted(sources.KINDS))


@every_kind
def test_it_stops_within_a_second_when_asked(kind: str, working: Make) -> None:
    context = FakeContext()
    run = Running(open_source(working(kind)), context)
    run.until(lambda: context.readings)
    asked = time.monotonic()
    context.stopping.set()
    assert run.ended() is None
    assert time.monotonic() - asked < 1.0


@every_kind
def test_all_that_it_emits_was_described_before(kind: str, working: Make) -> None:
    context = FakeContext()
    with running(open_source(working(kind)), context) as run:
        run.until(lambda: len(context.batches) >= 3)
    assert context.channels
    assert not context.undescribed
    for name, channel in context.channels.items():
        assert is_channel_name(name)
        assert name.startswith("it/")
        assert not channel.unit or is_registered(channel.unit)
        assert channel.label


@every_kind
def test_readings_have_the_unit_of_their_channel_and_a_time_that_has_come(
    kind: str, working: Make
) -> None:
    context = FakeContext()
    with running(open_source(working(kind)), context) as run:
        run.until(lambda: len(context.batches) >= 3)
    for reading in context.readings:
        assert reading.unit == context.channels[reading.channel].unit
        assert reading.time_utc <= context.now_utc() + 1000
    for name in context.channels:
        times = context.times(name)
        assert times == sorted(set(times))


@pytest.mark.parametrize("kind", sorted(set(sources.KINDS) - {"simulated"}))
def test_what_it_cannot_read_it_fails_over_with_what_to_do(kind: str, tmp_path: Path) -> None:
    """A simulated source has nothing that could be missing."""
    context = FakeContext()
    failure = Running(open_source(broken(kind, tmp_path)), context).ended()
    assert isinstance(failure, SourceFailed)
    assert "nowhere" in failure.reason
    assert failure.advice
    assert not context.readings


@every_kind
def test_its_sample_parses_and_is_what_the_readme_shows(kind: str) -> None:
    sample = (FOLDER / kind / "sample.toml").read_text()
    config = read(sample, Config, file="sample.toml")
    assert [type(s).__struct_config__.tag for s in config.source] == [kind]
    readme = (FOLDER / kind / "README.md").read_text()
    assert re.findall(r"```toml\n(.*?)```", readme, re.DOTALL) == [sample]


@every_kind
def test_an_unknown_key_is_refused(kind: str) -> None:
    sample = (FOLDER / kind / "sample.toml").read_text()
    with pytest.raises(SettingsRefused, match="unknown key 'nonsense'"):
        read(sample.replace("\nname =", "\nnonsense = 1\nname =", 1), Config, file="f")


@every_kind
def test_a_name_that_no_channel_could_begin_with_is_refused(kind: str) -> None:
    sample = (FOLDER / kind / "sample.toml").read_text()
    with pytest.raises(SettingsRefused, match="name"):
        read(re.sub(r'\nname = ".*"', '\nname = "a b"', sample), Config, file="f")


def test_every_folder_is_a_kind() -> None:
    assert set(sources.KINDS) == {p.parent.name for p in FOLDER.glob("*/__init__.py")}
