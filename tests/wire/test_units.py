import pytest

from wire import units


@pytest.mark.parametrize("unit", ["Cel", "%RH", "lon", "/", "ppm", "hPa", "kWh", "dBm", "deg", "B"])
def test_these_units_are_registered(unit: str) -> None:
    assert units.is_registered(unit)
    assert units.name(unit)


@pytest.mark.parametrize("unit", ["", "°C", "celsius", "C ", "kw", "W.s"])
def test_these_units_are_not(unit: str) -> None:
    assert not units.is_registered(unit)
    assert units.name(unit) is None


def test_a_secondary_unit_is_a_transformation_of_a_primary_one() -> None:
    for unit, (_, primary, scale, offset) in units.SECONDARY.items():
        assert unit not in units.PRIMARY
        assert primary in units.PRIMARY
        assert scale > 0
        assert offset == 0 or unit == "dBm"
