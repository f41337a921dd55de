"""The book of receipts against a model that never forgets."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.bridge.receipts import Publication, ReceiptBook
from wire.ranges import RangeSet

A, B = "a" * 16, "b" * 16
INTERVAL = 0.15


def ranges(*pairs: tuple[int, int]) -> RangeSet:
    return RangeSet.of(pairs)


def book_with_log(**limits: int) -> ReceiptBook:
    book = ReceiptBook(interval_s=INTERVAL, **limits)
    book.log_is("log-1", 0.0)
    return book


def only(told: list[Publication]) -> Publication:
    assert len(told) == 1
    return told[0]


def test_a_first_pack_is_told_at_once_and_what_follows_is_told_together() -> None:
    book = book_with_log()
    book.accepted("log-1", "pi", A, 0, 1.0)
    assert only(book.due(1.0, 10)).receipt.accepted == ranges((0, 0))
    for sequence in range(1, 50):
        book.accepted("log-1", "pi", A, sequence, 1.01)
    assert book.due(1.02, 10) == []
    assert book.next_due() == 1.0 + INTERVAL
    assert only(book.due(1.0 + INTERVAL, 10)).receipt.accepted == ranges((0, 49))
    assert book.next_due() is None


def test_nothing_is_told_before_the_log_is_known() -> None:
    book = ReceiptBook()
    book.stored("pi", A, ranges((0, 3)), 0.0)
    assert book.due(1.0, 10) == []
    assert book.next_due() is None
    book.log_is("log-1", 2.0)
    told = only(book.due(2.0, 10))
    assert (told.receipt.log, told.receipt.stored) == ("log-1", ranges((0, 3)))


def test_what_an_old_log_accepted_is_not_told_under_the_new_ones_id() -> None:
    book = book_with_log()
    book.stored("pi", A, ranges((0, 1)), 1.0)
    book.accepted("log-1", "pi", A, 2, 1.0)
    book.log_is("log-2", 1.0)
    book.accepted("log-1", "pi", A, 3, 1.0)
    told = only(book.due(1.0, 10))
    assert told.receipt.log == "log-2"
    assert told.receipt.accepted == told.receipt.stored == ranges((0, 1))


def test_a_new_log_is_told_to_every_device_at_once() -> None:
    book = book_with_log()
    for device in ("x", "y", "z"):
        book.accepted("log-1", device, A, 0, 1.0)
    book.due(1.0, 10)
    book.log_is("log-2", 1.01)
    told = book.due(1.01, 10)
    assert {one.device for one in told} == {"x", "y", "z"}
    assert all(one.retain and not one.receipt.accepted for one in told)


def test_the_same_log_again_changes_nothing() -> None:
    book = book_with_log()
    book.accepted("log-1", "pi", A, 0, 1.0)
    book.due(1.0, 10)
    book.log_is("log-1", 2.0)
    assert book.due(2.0, 10) == []


def test_a_pack_that_comes_again_is_told_again() -> None:
    book = book_with_log()
    book.accepted("log-1", "pi", A, 0, 1.0)
    first = only(book.due(1.0, 10))
    book.accepted("log-1", "pi", A, 0, 5.0)
    assert only(book.due(5.0, 10)) == first


def test_stored_ranges_that_are_known_are_not_told_again() -> None:
    book = book_with_log()
    book.stored("pi", A, ranges((0, 9)), 1.0)
    assert len(book.due(1.0, 10)) == 1
    book.stored("pi", A, ranges((0, 9)), 2.0)
    assert book.due(2.0, 10) == []


def test_only_the_epoch_accepted_last_is_retained() -> None:
    book = book_with_log()
    book.accepted("log-1", "pi", A, 7, 1.0)
    book.accepted("log-1", "pi", B, 0, 1.0)
    told = {one.receipt.epoch: one.retain for one in book.due(1.0, 10)}
    assert told == {A: False, B: True}
    book.stored("pi", A, ranges((7, 7)), 2.0)
    assert not only(book.due(2.0, 10)).retain


def test_before_any_pack_the_epoch_stored_last_is_retained() -> None:
    book = book_with_log()
    book.stored("pi", A, ranges((0, 5)), 1.0)
    book.stored("pi", B, ranges((0, 1)), 1.0)
    assert {one.receipt.epoch: one.retain for one in book.due(1.0, 10)} == {A: False, B: True}
    book.renew(2.0)
    assert only(book.due(2.0, 10)).receipt.epoch == B


def test_devices_epochs_and_ranges_are_bounded() -> None:
    book = book_with_log(most_devices=10, most_epochs=2, most_ranges=5)
    for number in range(1000):
        book.accepted("log-1", f"pi-{number}", A, 0, 1.0)
    assert book.devices == 10
    for number in range(20):
        for sequence in range(0, 100, 2):
            book.accepted("log-1", "pi-999", f"{number:016}", sequence, 1.0)
        book.due(2.0 + number, 100)
    book.renew(50.0)
    told = [one for one in book.due(50.0, 100) if one.device == "pi-999"]
    assert [one.receipt.epoch for one in told] == [f"{19:016}"]
    assert told[0].receipt.accepted == ranges((0, 0), (2, 2), (4, 4), (6, 6), (8, 8))
    assert len(book._queue) <= 3 * 10


def test_waiting_costs_no_memory_while_the_broker_is_away() -> None:
    book = book_with_log(most_devices=10)
    for round_ in range(100):
        book.renew(1.0)
        for sequence in range(100):
            book.accepted("log-1", f"pi-{round_}", A, sequence + 100 * round_, 1.0)
    assert len(book._queue) <= 3 * 10
    assert all(len(account.fresh) < 4096 for account in book._accounts.values())


devices = st.sampled_from(["x", "y"])
epochs = st.sampled_from([A, B])
logs = st.sampled_from(["log-1", "log-2", "log-3"])
numbers = st.integers(0, 12)
events = st.one_of(
    st.tuples(st.just("accepted"), logs, devices, epochs, numbers),
    st.tuples(st.just("stored"), devices, epochs, numbers),
    st.tuples(st.just("log"), logs),
    st.tuples(st.just("renew")),
    st.tuples(st.just("due"), st.integers(0, 2)),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.1, 0.2])),
)


@settings(max_examples=400)
@given(st.lists(events, max_size=60))
def test_whatever_happens_a_receipt_is_true_and_the_last_one_is_whole(
    happenings: list[tuple[object, ...]],
) -> None:
    book = ReceiptBook(interval_s=INTERVAL)
    log: str | None = None
    accepted: dict[tuple[object, object], set[int]] = defaultdict(set)
    stored: dict[tuple[object, object], set[int]] = defaultdict(set)
    retained: dict[str, Publication] = {}
    current: dict[object, object] = {}
    sent: set[object] = set()
    told_at: dict[str, float] = {}
    now = 0.0

    def check(told: list[Publication]) -> None:
        for one in told:
            key = (one.device, one.receipt.epoch)
            assert one.receipt.log == log
            assert set(one.receipt.stored) == stored[key]
            assert set(one.receipt.accepted) == accepted[key] | stored[key]
            if one.retain:
                retained[one.device] = one
        for device in {one.device for one in told}:
            assert now - told_at.get(device, -1.0) >= INTERVAL - 1e-9
            told_at[device] = now

    for happening in happenings:
        match happening:
            case ("accepted", by, device, epoch, int(number)):
                book.accepted(str(by), str(device), str(epoch), number, now)
                if by == log:
                    accepted[device, epoch].add(number)
                    current[device] = epoch
                    sent.add(device)
            case ("stored", device, epoch, int(number)):
                stored[device, epoch] |= set(range(number + 1))
                whole = RangeSet.of((n, n) for n in stored[device, epoch])
                book.stored(str(device), str(epoch), whole, now)
                if device not in sent:
                    current[device] = epoch
            case ("log", str(new)):
                if new != log:
                    log = new
                    accepted.clear()
                    told_at.clear()
                book.log_is(new, now)
            case ("renew",):
                book.renew(now)
                told_at.clear()
            case ("due", int(most)):
                check(book.due(now, most))
            case ("wait", float(seconds)):
                now += seconds
    if log is None:
        assert book.due(now, 100) == []
        return
    now += 1.0
    book.renew(now)
    told_at.clear()
    retained.clear()
    check(book.due(now, 100))
    assert {device: one.receipt.epoch for device, one in retained.items()} == current
