"""Lines as sketches print them, in order; each with what must be found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.sources.arduino.sketches import Found, SketchReader

CASES: list[tuple[str, list[Found] | None]] = [
    ("21.5", [Found("value", 21.5)]),
    ("-3", [Found("value", -3.0)]),
    ("1 2.5", [Found("value-1", 1.0), Found("value-2", 2.5)]),
    ("1,2.5,", [Found("value-1", 1.0), Found("value-2", 2.5)]),
    ("1\t2e3", [Found("value-1", 1.0), Found("value-2", 2000.0)]),
    ("nan", [Found("value", None)]),
    ("temp:21.5", [Found("temp", 21.5)]),
    ("temp:21.5 hum:40", [Found("temp", 21.5), Found("hum", 40.0)]),
    ("temp:21.5,hum:40", [Found("temp", 21.5), Found("hum", 40.0)]),
    ("temp=21.5\thum=ovf", [Found("temp", 21.5), Found("hum", None)]),
    ("Air temperature: 21.5, Light: 3", [Found("Air temperature", 21.5), Found("Light", 3.0)]),
    ("Temp: 21.5 °C", [Found("Temp", 21.5, "Cel")]),
    ("Humidity: 55.00%, CO2: 412 ppm", [Found("Humidity", 55, "%"), Found("CO2", 412, "ppm")]),
    ('{"t": 1, "on": true, "s": "x"}', [Found("t", 1.0), Found("on", True), Found("s", "x")]),
    ('{"a": {"b": {"c": 2}}, "n": null, "l": [1]}', [Found("a/b/c", 2.0)]),
    ("{broken", None),
    ("Setup done.", None),
    ("Time: 12:30:45", None),
    ("S,12,345", None),
    ("IP 10.0.0.2", None),
    ("Reading failed!", None),
]


@pytest.mark.parametrize(("line", "expected"), CASES, ids=[line for line, _ in CASES])
def test_a_line_is_read_as_a_person_would(line: str, expected: list[Found] | None) -> None:
    assert SketchReader().read(line) == expected


def test_a_header_names_the_columns_of_the_rows_that_have_as_many() -> None:
    reader = SketchReader()
    assert reader.read("time, temp (C), hum") == []
    assert reader.read("1,21.5,40") == [
        Found("time", 1.0),
        Found("temp (C)", 21.5),
        Found("hum", 40.0),
    ]
    assert reader.read("1,2") == [Found("value-1", 1.0), Found("value-2", 2.0)]
    assert reader.read("a,b") == []
    assert reader.read("1,2") == [Found("a", 1.0), Found("b", 2.0)]


@given(st.text())
def test_no_line_breaks_it(line: str) -> None:
    for label, value, _ in SketchReader().read(line) or []:
        assert isinstance(label, str)
        assert value is None or isinstance(value, float | bool | str)
