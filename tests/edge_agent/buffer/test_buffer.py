from __future__ import annotations

import random
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.buffer import Buffer, NewPack, Quota
from edge_agent.buffer.snapshot import snapshot
from edge_agent.errors import BufferBusy, BufferFull, BufferNewer, DiskFailed, EpochBegun
from wire.ranges import RangeSet
from wire.receipt import Receipt

BIG = Quota(100_000_000)
NOISE = random.Random(7).randbytes(100_000)  # packs that deflating can't shorten


@contextmanager
def opened(folder: Path, quota: Quota = BIG) -> Iterator[Buffer]:
    buffer = Buffer(folder, quota)
    try:
        yield buffer
    finally:
        buffer.close()


def put(buffer: Buffer, n: int = 1, size: int = 500, position: str = "") -> None:
    first = buffer.identity[1]
    packs = [NewPack(1, f"{first + i:08d}".encode() + NOISE[: size - 8]) for i in range(n)]
    buffer.put(packs, {"s": position} if position else {})


def stored(buffer: Buffer, *ranges: list[int], log: str = "a", accepted: bool = False) -> None:
    numbers = RangeSet.of(ranges)
    nothing = RangeSet()
    epoch = buffer.identity[0]
    buffer.receipt(Receipt(log, epoch, numbers, nothing if accepted else numbers))


def held(folder: Path) -> list[int]:
    with snapshot(folder) as contents:
        return [number for number, _ in contents.packs()]


def test_packs_positions_and_identity_survive_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as buffer:
        put(buffer, 3, position="line 7")
        epoch = buffer.identity[0]
    with opened(tmp_path) as buffer:
        assert buffer.identity == (epoch, 3)
        assert buffer.position("s") == "line 7"
        assert [number for number, _ in buffer.take_due()] == [0, 1, 2]


def test_a_number_is_not_given_again_after_its_pack_is_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path) as buffer:
        put(buffer, 3)
        stored(buffer, [0, 2])
        buffer.flush()
    assert held(tmp_path) == []
    with opened(tmp_path) as buffer:
        assert buffer.identity[1] == 3


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(BufferBusy, match="another fieldline-agent"):
        Buffer(tmp_path, BIG)


def test_a_full_buffer_drops_the_oldest_and_says_which(tmp_path: Path) -> None:
    with opened(tmp_path, Quota(400_000)) as buffer:
        for _ in range(30):
            put(buffer, 1, 20_000)
            assert buffer.status().bytes <= 400_000
        status = buffer.status()
        [(first, last, reason)] = status.lost
        assert (first, reason) == (0, "quota")
        assert status.held == ((last + 1, 29),)


def test_a_full_buffer_refuses_if_told_to_and_takes_again_once_some_is_stored(
    tmp_path: Path,
) -> None:
    with opened(tmp_path, Quota(200_000, "refuse_new")) as buffer:
        for _ in range(8):
            put(buffer, 1, 20_000)
        with pytest.raises(BufferFull):
            put(buffer, 1, 40_000)
        n = buffer.identity[1]
        assert buffer.status().held == ((0, n - 1),)
        stored(buffer, [0, 1])
        put(buffer, 1, 20_000)
        assert buffer.identity[1] == n + 1
        assert buffer.status().lost == ()


@pytest.mark.logs_errors
@pytest.mark.parametrize(
    "damage", [b"no database at all" * 100, b"", b"SQLite format 3\0" + b"\1" * 9000]
)
def test_a_damaged_file_is_set_aside_and_a_new_epoch_begun(tmp_path: Path, damage: bytes) -> None:
    with opened(tmp_path) as buffer:
        put(buffer, 3)
        epoch = buffer.identity[0]
    (tmp_path / "buffer.sqlite").write_bytes(damage)
    with opened(tmp_path) as buffer:
        assert buffer.identity[0] != epoch
        assert buffer.identity[1] == 0
        put(buffer)
        if damage:
            [aside] = tmp_path.glob("buffer.damaged-*.sqlite")
            assert aside.read_bytes() == damage
            assert "set aside" in buffer.problem


@pytest.mark.logs_errors
def test_damage_met_while_running_begins_a_new_epoch_and_keeps_positions(tmp_path: Path) -> None:
    with opened(tmp_path) as buffer:
        put(buffer, 200, 20_000, position="here")
    with opened(tmp_path) as buffer:
        epoch = buffer.identity[0]
        size = (tmp_path / "buffer.sqlite").stat().st_size
        with (tmp_path / "buffer.sqlite").open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (size - 4096))
        stored(buffer, [0, 190])
        with pytest.raises(EpochBegun):
            buffer.flush()
        assert buffer.identity == (buffer.identity[0], 0)
        assert buffer.identity[0] != epoch
        assert buffer.position("s") == "here"
        put(buffer)


def test_a_full_disk_is_reported_and_writing_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with opened(tmp_path) as buffer:
        put(buffer)
        buffer._store._db.execute("PRAGMA max_page_count = 12")
        with pytest.raises(DiskFailed, match="full"):
            put(buffer, 10, 20_000)
        assert buffer.identity[1] == 1
        buffer._store._db.execute("PRAGMA max_page_count = 100000")
        put(buffer, 10, 20_000)
    assert held(tmp_path) == list(range(11))


def test_a_changed_quota_resets_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as buffer:
        put(buffer, 5)
        identity = buffer.identity
    with opened(tmp_path, Quota(2_000_000, "refuse_new")) as buffer:
        assert buffer.identity == identity


def test_accepted_is_not_enough_to_forget_and_a_new_log_makes_it_due_again(tmp_path: Path) -> None:
    with opened(tmp_path) as buffer:
        put(buffer, 4)
        buffer.take_due()
        stored(buffer, [0, 3], accepted=True)
        buffer.connection_lost()
        assert not buffer.has_due()
        stored(buffer, [1, 1], log="b", accepted=True)
        assert next(n for n, _ in buffer.take_due()) == 0
        assert next(n for n, _ in buffer.take_due()) == 2


def test_no_prefix_of_the_log_shows_half_a_commit(tmp_path: Path) -> None:
    """A power cut leaves the database and some prefix of its WAL: whole commits, in order."""
    buffer = Buffer(tmp_path, BIG)
    for n in range(6):
        put(buffer, n + 1, 3000, position=str(n))
    whole = (tmp_path / "buffer.sqlite-wal").read_bytes()
    database = (tmp_path / "buffer.sqlite").read_bytes()
    ends = []
    for cut in range(0, len(whole), 997):
        place = tmp_path / f"cut-{cut}"
        place.mkdir()
        (place / "buffer.sqlite").write_bytes(database)
        (place / "buffer.sqlite-wal").write_bytes(whole[:cut])
        with opened(place) as after:
            following = after.identity[1]
            assert following in {0, 1, 3, 6, 10, 15, 21}
            found = [n for n, _ in after._store.packs(0, 100, most=100)]
            assert found == list(range(following))
            ends.append(following)
        shutil.rmtree(place)
    assert ends == sorted(ends)
    assert ends[-1] > 10
    buffer.close()


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 5)),
        st.tuples(st.just("accept"), st.integers(0, 30)),
        st.tuples(st.just("store"), st.integers(0, 30)),
        st.tuples(st.just("crash"), st.just(0)),
        st.tuples(st.just("log"), st.just(0)),
        st.tuples(st.just("reconnect"), st.just(0)),
        st.tuples(st.just("other epoch"), st.just(0)),
        st.tuples(st.just("send"), st.just(0)),
    ),
    max_size=25,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(operations=OPERATIONS, small=st.booleans())
def test_against_a_model_no_pack_is_forgotten_before_it_is_stored(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, int]], small: bool
) -> None:
    """Contents, numbers and what is due agree with a model after every step and crash."""
    folder = tmp_path_factory.mktemp("model")
    quota = Quota(300_000) if small else BIG
    buffer = Buffer(folder, quota)
    made = 0
    is_stored: set[int] = set()
    is_accepted: set[int] = set()
    log = 0
    epoch = buffer.identity[0]
    for step, (what, n) in enumerate(operations):
        if what == "put":
            put(buffer, n, 24_000)
            made += n
        elif what == "accept" and n < made:
            is_accepted.add(n)
            stored(buffer, [n, n], log=str(log), accepted=True)
        elif what == "store" and n < made:
            is_stored.add(n)
            stored(buffer, [n, n], log=str(log))
        elif what == "crash":
            copy = folder.parent / f"{folder.name}-{step}"
            shutil.copytree(folder, copy)
            buffer.close()
            folder, buffer = copy, Buffer(copy, quota)
            is_accepted = set()  # receipts are retained by the broker, not by us
        elif what == "log":
            log += 1
            is_accepted = set()
            stored(buffer, log=str(log))
        elif what == "reconnect":
            buffer.connection_lost()
        elif what == "other epoch":
            everything = RangeSet(((0, 1000),))
            buffer.receipt(Receipt(str(log), "0" * 16, everything, everything))
        elif what == "send":
            buffer.take_due()
        assert buffer.identity == (epoch, made)
        lost = {i for a, b, _ in buffer.status().lost for i in range(a, b + 1)}
        assert small or not lost
        now = {n for a, b in buffer.status().held for n in range(a, b + 1)}
        assert now | lost | is_stored >= set(range(made)), "a pack was forgotten"
        assert not now & lost
        buffer.connection_lost()
        due = set()
        while batch := buffer.take_due():
            for number, payload in batch:
                assert payload.startswith(f"{number:08d}".encode())
                due.add(number)
        assert due == now - is_accepted
    buffer.close()
    shutil.rmtree(folder)


def test_a_snapshot_reads_while_the_agent_writes(tmp_path: Path) -> None:
    with opened(tmp_path) as buffer:
        for n in range(200):
            put(buffer, 1, 9_000)
            if n % 20 == 0:
                assert held(tmp_path) == list(range(n + 1))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite3.connect(tmp_path / "buffer.sqlite", timeout=0).execute("SELECT * FROM pack")


def rows(folder: Path) -> list[bytes]:
    """What lies on disk, in a buffer that nobody has open."""
    with closing(sqlite3.connect(folder / "buffer.sqlite")) as db:
        return [row for (row,) in db.execute("SELECT payload FROM pack ORDER BY sequence")]


def made_into(folder: Path, statements: str) -> None:
    with closing(sqlite3.connect(folder / "buffer.sqlite")) as db:
        db.executescript(statements)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(payloads=st.lists(st.binary().map(b"[".__add__) | st.binary(), max_size=5))
def test_packs_come_out_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("packs")
    wanted = list(enumerate(payloads))
    with opened(folder) as buffer:
        buffer.put([NewPack(1, payload) for payload in payloads], {})
        assert buffer.take_due() == wanted
    with snapshot(folder) as contents:
        assert list(contents.packs()) == wanted
    assert [zlib.decompress(row) for row in rows(folder)] == payloads


def test_a_buffer_of_the_first_format_is_taken_over_with_its_packs(tmp_path: Path) -> None:
    with opened(tmp_path) as buffer:
        put(buffer, 3, position="line 7")
        epoch = buffer.identity[0]
    made_into(tmp_path, "UPDATE pack SET payload = CAST('[' || sequence || ']' AS BLOB)")
    made_into(tmp_path, "DROP TABLE waiting; PRAGMA user_version = 1")
    with opened(tmp_path) as buffer:
        assert buffer.problem == ""
        assert buffer.identity == (epoch, 3)
        assert buffer.position("s") == "line 7"
        buffer.put([NewPack(1, b"[3]")], {})
        assert buffer.take_due() == [(n, b"[%d]" % n) for n in range(4)]
    with snapshot(tmp_path) as contents:
        assert [pack for _, pack in contents.packs()] == [b"[0]", b"[1]", b"[2]", b"[3]"]
    assert [row[:1] for row in rows(tmp_path)] == [b"[", b"[", b"[", b"x"]


def test_a_buffer_of_a_later_format_is_not_touched(tmp_path: Path) -> None:
    with opened(tmp_path) as buffer:
        put(buffer, 3)
    made_into(tmp_path, "PRAGMA user_version = 1000")
    before = (tmp_path / "buffer.sqlite").read_bytes()
    with pytest.raises(BufferNewer, match=r"newer fieldline-agent .* Install that version"):
        Buffer(tmp_path, BIG)
    assert (tmp_path / "buffer.sqlite").read_bytes() == before
    assert not list(tmp_path.glob("buffer.damaged-*"))


@pytest.mark.logs_errors
@pytest.mark.parametrize("rotten", ["x'789c00'", "x'00'", "x''"])
def test_a_pack_that_cannot_be_inflated_is_damage(tmp_path: Path, rotten: str) -> None:
    with opened(tmp_path) as buffer:
        put(buffer, 3, position="here")
    made_into(tmp_path, f"UPDATE pack SET payload = {rotten} WHERE sequence = 1")
    with opened(tmp_path) as buffer:
        with pytest.raises(EpochBegun, match="cannot be read"):
            buffer.take_due()
        assert buffer.position("s") == "here"
        assert buffer.identity[1] == 0
        assert "set aside" in buffer.problem
