from __future__ import annotations

from edge_agent.buffer.delivery import RESEND_S, Delivery
from wire.ranges import RangeSet
from wire.receipt import Receipt

NONE = RangeSet()


def some(*ranges: list[int]) -> RangeSet:
    return RangeSet.of(ranges)


def receipt(accepted: RangeSet, stored: RangeSet = NONE, log: str = "a") -> Receipt:
    return Receipt(log, "e", accepted, stored)


def a_delivery(last: int = 9) -> Delivery:
    return Delivery("e", some([0, last]), now=0.0, hole_s=180.0)


def test_what_is_sent_and_not_accepted_is_sent_again_after_a_while() -> None:
    delivery = a_delivery()
    delivery.sent(some([0, 9]))
    assert not delivery.due()
    delivery.receipt(receipt(some([0, 3], [5, 9])))
    delivery.tick(RESEND_S)
    assert not delivery.due()
    delivery.tick(2 * RESEND_S)
    assert delivery.due() == some([4, 4])


def test_while_nothing_is_accepted_patience_grows() -> None:
    delivery, now, resends = a_delivery(), 0.0, 0
    while now < 3600:
        if delivery.due():
            resends += 1
            delivery.sent(delivery.due())
        now += 1.0
        delivery.tick(now)
    assert 5 < resends < 20


def test_a_bridge_that_has_forgotten_takes_nothing_back() -> None:
    delivery = a_delivery()
    delivery.receipt(receipt(some([0, 5])))
    delivery.receipt(receipt(some([8, 8])))
    assert delivery.due() == some([6, 7], [9, 9])


def test_an_old_hole_is_sent_again_although_accepted() -> None:
    delivery = a_delivery()
    delivery.sent(some([0, 9]))
    delivery.receipt(receipt(some([0, 9]), some([0, 3], [5, 8])))
    delivery.tick(180.0)
    assert not delivery.due()
    delivery.tick(360.0)
    assert delivery.due() == some([4, 4]), "9 is above the highest stored: no hole"
    delivery.sent(some([4, 4]))
    assert not delivery.due()


def test_a_hole_that_closes_in_time_is_left_alone() -> None:
    delivery = a_delivery()
    delivery.receipt(receipt(some([0, 9]), some([0, 3], [5, 8])))
    delivery.tick(180.0)
    delivery.receipt(receipt(some([0, 9]), some([0, 9])))
    delivery.tick(360.0)
    assert not delivery.due()
    assert not delivery.held
