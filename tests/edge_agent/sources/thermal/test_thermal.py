"""Trees of /sys/class/thermal as machines have them."""

from pathlib import Path

import pytest

from edge_agent.sources.thermal import Settings
from tests.edge_agent.sources.cases import expected, outcome

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_sensor_that_works_is_read_and_every_other_counted(case: Path) -> None:
    assert outcome(Settings("it", root=str(case))) == expected(case)
