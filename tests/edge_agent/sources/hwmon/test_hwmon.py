"""Trees of /sys/class/hwmon as machines have them."""

import shutil
from pathlib import Path

import pytest

from edge_agent.sources.hwmon import Settings
from edge_agent.sources.hwmon import open as open_source
from tests.edge_agent.sources.cases import expected, outcome
from tests.edge_agent.sources.fakes import SteppedContext

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_sensor_that_works_is_read_and_every_other_counted(case: Path) -> None:
    assert outcome(Settings("it", root=str(case))) == expected(case)


def test_names_do_not_hang_on_the_order_in_which_drivers_were_loaded(tmp_path: Path) -> None:
    laptop = Path(__file__).parent / "cases" / "laptop"
    chips = [folder for folder in laptop.iterdir() if folder.name.startswith("hwmon")]
    shutil.copytree(laptop / "devices", tmp_path / "devices")
    for number, chip in enumerate(sorted(chips, reverse=True)):
        shutil.copytree(chip, tmp_path / f"hwmon{number}", symlinks=True)
    assert outcome(Settings("it", root=str(tmp_path))) == expected(laptop)


def test_a_chip_that_is_plugged_in_is_found_within_a_minute(tmp_path: Path) -> None:
    def plug(number: int, name: str) -> None:
        (tmp_path / f"hwmon{number}").mkdir()
        (tmp_path / f"hwmon{number}" / "name").write_text(name)
        (tmp_path / f"hwmon{number}" / "temp1_input").write_text("20000")

    plug(0, "first")
    context = SteppedContext(1_700_000_000_000_000, waits=8)
    context.after_emit = lambda: plug(1, "second") if len(context.batches) == 1 else None
    open_source(Settings("it", interval_s=10.0, root=str(tmp_path))).run(context)
    assert len(context.values("it/first/temp1")) == 9
    assert len(context.values("it/second/temp1")) == 3
    assert not context.undescribed


def test_chips_of_a_name_that_have_no_device_are_numbered(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"hwmon{number}").mkdir()
        (tmp_path / f"hwmon{number}" / "name").write_text("twin")
        (tmp_path / f"hwmon{number}" / "temp1_input").write_text(f"{number}000")
    channels = outcome(Settings("it", root=str(tmp_path)))["channels"]
    names = ["twin"] + [f"twin-{n}" for n in range(2, 10)]
    assert channels == {
        f"it/{name}/temp1": ["twin temp1", "Cel", n] for n, name in enumerate(names)
    }
