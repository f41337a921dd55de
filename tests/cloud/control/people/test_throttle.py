from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud.control.people.throttle import Throttle

ADA = ("user", "ada")
HERE = ("address", "10.0.0.7")


def test_people_may_mistype() -> None:
    throttle = Throttle()
    for _ in range(4):
        throttle.attempt(ADA, now=0.0)
    assert throttle.seconds_left(ADA, now=0.0) == 0.0


def test_each_further_wrong_attempt_doubles_the_wait() -> None:
    throttle = Throttle()
    waits = []
    for _ in range(9):
        throttle.attempt(ADA, now=0.0)
        waits.append(throttle.seconds_left(ADA, now=0.0))
    assert waits[4:] == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_login_of_ones_own_does_not_let_an_address_guess_on() -> None:
    throttle = Throttle()
    for _ in range(9):
        throttle.attempt(ADA, HERE, now=0.0)
    throttle.attempt(("user", "eve"), HERE, now=0.0)
    throttle.right(HERE)
    throttle.forget(("user", "eve"))
    assert throttle.seconds_left(HERE, now=0.0) == 16.0
    assert throttle.seconds_left(ADA, now=0.0) == 16.0


def test_the_right_password_forgets_what_was_wrong_with_the_name() -> None:
    throttle = Throttle()
    for _ in range(9):
        throttle.attempt(ADA, now=0.0)
    throttle.forget(ADA)
    assert throttle.seconds_left(ADA, now=0.0) == 0.0


def test_invented_names_do_not_push_an_address_out() -> None:
    throttle = Throttle()
    for number in range(20_000):
        throttle.attempt(("user", str(number)), now=0.0)
        if number < 9:
            throttle.attempt(HERE, now=0.0)
    assert throttle.seconds_left(HERE, now=0.0) == 16.0


@given(st.integers(0, 200), st.floats(0, 1e6))
def test_the_wait_has_an_end(wrong: int, later: float) -> None:
    throttle = Throttle()
    for _ in range(wrong):
        throttle.attempt(ADA, now=0.0)
    assert throttle.seconds_left(ADA, now=later) <= 300.0
