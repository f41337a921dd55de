"""How readings look in tables."""

import pytest

from control_panel.qt.readings import short_text
from control_panel.qt.words import NONE


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (21.25, "Cel", "21.25 °C"),
        (99.4975123, "/100", "99.498 %"),
        (True, "", "on"),
        (66_891_100_000.0, "B", "66.89 GB"),
        (114_370.0, "B/s", "114.37 kB/s"),
        (float("inf"), "B", "inf B"),
        ("open", "", "open"),
        (None, "Cel", f"{NONE} °C"),
    ],
)
def test_a_value_stands_with_its_unit(
    value: float | str | bool | None, unit: str, said: str
) -> None:
    assert short_text(value, unit) == said
