import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.strategies import range_sets, ranges
from wire.ranges import RangeSet, RangesRefused

Ranges = list[list[int]]
a_number = st.integers(-2, 75)


def is_canonical(made: RangeSet) -> bool:
    ends = [end for pair in made.ranges for end in pair]
    gaps = zip(made.ranges, made.ranges[1:], strict=False)
    return ends == sorted(ends) and all(left[1] + 1 < right[0] for left, right in gaps)


@given(st.lists(ranges))
def test_a_set_of_ranges_has_the_members_of_its_ranges(drawn: Ranges) -> None:
    made = RangeSet.of(drawn)
    members = {number for first, last in drawn for number in range(first, last + 1)}
    assert set(made) == members
    assert list(made) == sorted(members)
    assert len(made) == len(members)
    assert bool(made) == bool(members)
    assert is_canonical(made)


@given(range_sets, range_sets)
def test_the_operators_are_those_of_python_sets(left: RangeSet, right: RangeSet) -> None:
    for made, expected in (
        (left | right, set(left) | set(right)),
        (left & right, set(left) & set(right)),
        (left - right, set(left) - set(right)),
    ):
        assert set(made) == expected
        assert is_canonical(made)
    assert (left == right) == (set(left) == set(right))
    assert left != right or hash(left) == hash(right)


@given(range_sets, a_number)
def test_a_number_is_in_a_set_if_it_is_a_member(made: RangeSet, number: int) -> None:
    assert (number in made) == (number in set(made))


@given(range_sets, a_number)
def test_adding_a_number_makes_it_a_member(made: RangeSet, number: int) -> None:
    added = made.add(number)
    assert set(added) == set(made) | {number}
    assert is_canonical(added)


@given(range_sets, st.integers(0, 30))
def test_holes_are_what_is_missing_below_the_highest(made: RangeSet, start: int) -> None:
    highest = max(made, default=start - 1)
    assert set(made.holes(start)) == set(range(start, highest + 1)) - set(made)
    assert is_canonical(made.holes(start))


@given(range_sets, st.integers(0, 15))
def test_the_lowest_ranges_are_the_first(made: RangeSet, n: int) -> None:
    assert made.lowest(n).ranges == made.ranges[:n]


@given(range_sets)
def test_ranges_travel_as_lists(made: RangeSet) -> None:
    assert RangeSet.of(made.to_json()) == made


def test_a_set_of_the_whole_of_an_epoch_costs_nothing() -> None:
    whole = RangeSet.of([[0, 2**62]])
    assert len(whole) == 2**62 + 1
    assert (whole - RangeSet.of([[5, 5]])).to_json() == [[0, 4], [6, 2**62]]


@pytest.mark.parametrize("item", [[2, 1], [1], [1, 2, 3], [1.0, 2], [True, 2], ["1", "2"], []])
def test_what_is_no_range_is_refused(item: list[int]) -> None:
    with pytest.raises(RangesRefused):
        RangeSet.of([[0, 1], item])
