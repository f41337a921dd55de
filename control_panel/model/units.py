"""How units are written for people; on the wire they are SenML's (`wire.units`)."""

_WRITTEN = {
    "Cel": "°C",
    "Ohm": "Ω",
    "deg": "°",
    "%RH": "% RH",
    "%EL": "%",
    "/100": "%",
    "/": "",
    "count": "",
    "m2": "m²",
    "m3": "m³",
    "m/s2": "m/s²",
    "m3/s": "m³/s",
    "W/m2": "W/m²",
    "cd/m2": "cd/m²",
    "kg/m3": "kg/m³",
    "ug/m3": "µg/m³",
}


def written(unit: str) -> str:
    """Return the unit as it is shown."""
    return _WRITTEN.get(unit, unit)
