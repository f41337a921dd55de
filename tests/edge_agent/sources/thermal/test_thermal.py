"""Trees of /sys/class/thermal as machines have them."""

from pathlib import Path

import pytest

from edge_agent.sources.thermal import Settings
from tests.edge_agent.sources.cases import expected, outcome

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_sensor_that_works_is_read_and_every_other_counted(case: Path) -> None:
    assert outcome(Settings("it", root=str(case))) == expected(case)


def test_zones_of_one_type_are_numbered_in_their_order(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "type").write_text("core")
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(f"{number}000")
    channels = outcome(Settings("it", root=str(tmp_path)))["channels"]
    names = ["core"] + [f"core-{n}" for n in range(2, 13)]
    assert channels == {f"it/{name}": ["core", "Cel", n] for n, name in enumerate(names)}
