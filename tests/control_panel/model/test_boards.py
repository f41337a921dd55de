"""What boards say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.boards import Talk, board_rows, meaning
from control_panel.model.live import Live
from wire.reading import Channel
from wire.serial_line import encode_line
from wire.status import Board, Meta, SourceStatus, Status, encode_meta, encode_status


def talk_of(*texts: str) -> Talk:
    talk = Talk()
    for text in texts:
        talk.hear(encode_line(text).rstrip(b"\n"))
    return talk


def test_boards_of_devices_with_their_channels_and_lost_lines() -> None:
    live = Live()
    meta = Meta(
        boards=(Board("uno", "mq2", "1.0", "uno"),),
        channels=(Channel("uno/co", source="uno"), Channel("host/load", source="host")),
    )
    status = Status("online", sources=(
        SourceStatus("uno", "arduino", "failing", "no port", readings=7,
                     counters={"lost_lines": 3, "resets": 1}),
    ))  # fmt: skip
    assert board_rows(live) == []
    live.hear("pi-7", "meta", encode_meta(meta), 0)
    assert board_rows(live)[0].state == "stopped", "nothing is known of its source"
    live.hear("pi-7", "status", encode_status(status), 0)
    (row,) = board_rows(live)
    assert (row.sketch, row.channels, row.lost_lines, row.resets) == ("mq2", 1, 3, 1)
    assert row.reason == "no port"


def test_lines_that_are_missing_are_counted_also_where_the_counter_wraps() -> None:
    talk = talk_of("S,4294967294,1,1", "S,4294967295,2,1", "S,2,3,1")
    assert (talk.samples, talk.lost) == (3, 2)


def test_a_board_that_was_reset_has_lost_nothing() -> None:
    talk = talk_of("S,100,9000,1", "F,1,x,1.0,uno,1000,1,1", "S,0,10,1", "S,1,20,1")
    assert talk.lost == 0


def test_asked_again_it_says_the_same_and_a_counter_that_went_back_has_lost_nothing() -> None:
    greeting, channel = "F,1,x,1.0,uno,1000,1,1", "C,0,a,V,,,A"
    talk = talk_of(greeting, channel, "S,7,10,1", greeting)
    assert talk.channels
    assert talk.newest is not None
    assert talk_of("S,5000,10,1", "S,3,9000,1").lost == 0


def test_what_is_damaged_is_told_from_what_is_of_another_kind() -> None:
    talk = Talk()
    good = encode_line("S,1,1,5")
    talk.hear(good.rstrip(b"\n").replace(b"5", b"6", 1))
    talk.hear(b"temp: 21.5")
    assert (talk.damaged, talk.foreign, talk.samples) == (1, 1, 0)
    assert all(said.fault for said in talk.lines)


def test_lines_are_said_in_words() -> None:
    talk = talk_of(
        "F,1,mq2,1.0,uno,1000,2,1", "C,0,gas/co,ppm,0,1000,Carbon monoxide", "S,42,99,1.9,",
        "L,99,warning,warming up", "A,interval,error,out of range",
    )  # fmt: skip
    assert [meaning(said, talk.channels) for said in talk.lines] == [
        "mq2 1.0 on uno: 2 channels, 1000 ms, running",
        "channel 0: gas/co [ppm] Carbon monoxide",
        "42: gas/co=1.9  #1=",
        "warning: warming up",
        "interval: refused, out of range",
    ]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_line_that_is_kept(octets: bytes) -> None:
    talk = Talk()
    said = talk.hear(octets)
    assert list(talk.lines) == [said]
    assert isinstance(meaning(said, {}), str)
