from __future__ import annotations

from control_panel.model.messages import NOISY, ROW_BYTES, ROWS, Messages

SECOND = 1_000_000


def test_messages_are_kept_and_counted_a_topic() -> None:
    messages = Messages()
    messages.keep("a", "data", b"12", 0)
    messages.keep("a", "status", b"3", 1)
    messages.keep("a", "data", b"456", 2, "no JSON")
    assert [row.payload for row in messages.rows()] == [b"12", b"3", b"456"]
    topic = messages.topics["a", "data"]
    assert (topic.messages, topic.bytes, topic.faults) == (2, 5, 1)
    assert (messages.messages, messages.faults) == (3, 1)


def test_a_noisy_topic_shares_one_row_and_hides_no_other() -> None:
    messages = Messages()
    for n in range(200):
        messages.keep("loud", "data", b"%d" % n, n * SECOND // 10)
    messages.keep("calm", "data", b"c", 21 * SECOND)
    rows = messages.rows()
    assert len(rows) == NOISY + 1
    assert rows[-1].device == "calm"
    assert (rows[-2].payload, rows[-2].folded) == (b"199", 200 - NOISY)
    assert sum(row.folded + 1 for row in rows) == 201


def test_garbage_on_a_noisy_topic_is_not_folded_away() -> None:
    messages = Messages()
    for n in range(50):
        messages.keep("loud", "data", b"x", n)
    messages.keep("loud", "data", b"?", 60, "no JSON")
    messages.keep("loud", "data", b"y", 61)
    assert [row.fault for row in messages.rows()][-2:] == ["no JSON", ""]


def test_a_topic_that_calmed_down_has_rows_of_its_own_again() -> None:
    messages = Messages()
    for n in range(50):
        messages.keep("loud", "data", b"x", n)
    before = len(messages)
    for n in range(2, 6):
        messages.keep("loud", "data", b"y", n * 11 * SECOND)
    assert len(messages) > before + 1


def test_rows_and_bytes_are_bounded() -> None:
    messages = Messages()
    for n in range(ROWS + 50):
        messages.keep(f"d{n}", "data", b"x", n)
    assert len(messages) == ROWS
    for n in range(40):
        messages.keep(f"d{n}", "data", b"x" * 262_144, n)
    assert messages.size <= ROW_BYTES
    assert messages.size == sum(len(row.payload) for row in messages.rows())
