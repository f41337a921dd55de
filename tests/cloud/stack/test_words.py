import pytest

from cloud.stack import words


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (21.53, "Cel", "21.53 °C"),
        (1.0, "", "1"),
        (0.0049312, "/", "0.004931"),
        (123456789.0, "B", "123 MB"),
        (123456789.0, "1", "123456789 1"),
        (54.3, "/100", "54.3 %"),
        (None, "Cel", "-"),
        (float("inf"), "", "inf"),
    ],
)
def test_readings_are_written_as_people_read_them(
    value: float | None, unit: str, text: str
) -> None:
    assert words.value(value, unit) == text


@pytest.mark.parametrize(
    ("then", "text"),
    [
        (100.0, "0.0 s ago"),
        (40.0, "60 s ago"),
        (-500.0, "10 min ago"),
        (None, "-"),
        (160.0, "in 60 s"),
    ],
)
def test_ages_are_told_in_their_largest_unit(then: float | None, text: str) -> None:
    assert words.ago(then, 100.0) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0.25, "0.2/s"), (12.4, "12/s"), (1500.0, "1.5k/s"), (None, "-")]
)
def test_rates_keep_two_digits_that_mean_something(number: float | None, text: str) -> None:
    assert words.rate(number) == text
