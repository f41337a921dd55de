"""Texts of /proc, and what is made of two of them."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.sources.host import Settings, proc
from edge_agent.sources.host import open as open_source
from edge_agent.sources.host.measure import Look, Measured, measure
from edge_agent.sources.host.rates import busy_share, growth
from tests.edge_agent.sources.fakes import SteppedContext

STAT = """\
cpu  19612 4709 14213 515596 1465 0 665 88 0 0
cpu0 5794 2250 5027 264482 288 0 103 37 0 0
intr 1006812 0 0 0
"""
MEMINFO = """\
MemTotal:        3884332 kB
MemFree:          264732 kB
MemAvailable:    2913249 kB
SwapTotal:        102396 kB
SwapFree:          76797 kB
HugePages_Total:       0
"""
DISKSTATS = """\
   7       0 loop0 12 0 94 3 0 0 0 0 0 8 3 0 0 0 0 0 0
 179       0 mmcblk0 25346 11202 1717470 73217 10381 9210 460522 97201 0 95464 170418
 179       1 mmcblk0p1 120 0 9000 30 1 0 1 0 0 40 30
"""
NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 526390390   28198    0    0    0     0          0         0 526390390   28198    0    0    0     0       0          0
  eth0: 8648369100  193679    1    2    0     0          0         0  8746844  111174    3    4    0     0       0          0
 wlan0:0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
"""  # noqa: E501 - as the kernel writes it


def look(
    at: float = 0.0,
    cpu: tuple[int, ...] | None = None,
    disks: dict[str, proc.Disk] | None = None,
    interfaces: dict[str, proc.Interface] | None = None,
) -> Look:
    return Look(at, cpu, {}, None, disks or {}, interfaces or {}, {})


def measured(before: Look | None, after: Look, **keys: object) -> tuple[dict[str, float], Counter]:  # type: ignore[type-arg]
    counters: Counter[str] = Counter()

    def count(counter: str) -> None:
        counters[counter] += 1

    wanted = {"cpu_states": False, "disks": None, "interfaces": None, **keys}
    found: list[Measured] = measure(before, after, count=count, **wanted)  # type: ignore[arg-type]
    return {m.what: m.value for m in found}, counters


def test_the_texts_of_proc_are_taken_apart() -> None:
    assert proc.cpu_ticks(STAT) == (19612, 4709, 14213, 515596, 1465, 0, 665, 88)
    assert proc.memory(MEMINFO)["MemTotal"] == 3884332 * 1024
    assert "HugePages_Total" not in proc.memory(MEMINFO)
    assert proc.load("1.22 0.73 0.36 4/100 5002\n") == (1.22, 0.73, 0.36)
    disks = proc.disks(DISKSTATS)
    assert disks["mmcblk0"] == (25346, 1717470 * 512, 10381, 460522 * 512, 95464)
    interfaces = proc.interfaces(NET_DEV)
    assert interfaces["eth0"] == (8648369100, 193679, 3, 8746844, 111174, 7)
    assert interfaces["wlan0"] == (0, 0, 0, 0, 0, 0)


def test_levels_come_with_the_first_look_and_rates_with_the_second() -> None:
    first = Look(
        at=100.0,
        cpu=proc.cpu_ticks(STAT),
        memory=proc.memory(MEMINFO),
        load=(1.22, 0.73, 0.36),
        disks=proc.disks(DISKSTATS),
        interfaces=proc.interfaces(NET_DEV),
        space={"/": (750, 250), "/srv/data": (1, 1)},
    )
    levels, _ = measured(None, first)
    assert levels == {
        "memory": pytest.approx(25.0, abs=1e-4),
        "memory/available": 2913249 * 1024,
        "swap": pytest.approx(25.0, abs=1e-3),
        "load/1m": 1.22,
        "load/5m": 0.73,
        "load/15m": 0.36,
        "disk/root": 75.0,
        "disk/root/available": 250,
        "disk/srv-data": 50.0,
        "disk/srv-data/available": 1,
    }
    second = first._replace(
        at=104.0,
        cpu=(19612 + 100, 4709, 14213 + 50, 515596 + 200, 1465 + 50, 0, 665, 88),
        disks={
            "mmcblk0": proc.Disk(25347, 1717470 * 512 + 4096, 10381, 460522 * 512, 95464 + 1000)
        },
        interfaces={"eth0": proc.Interface(8648369500, 193680, 3, 8746844, 111174, 11)},
    )
    both, counters = measured(first, second)
    assert {what: value for what, value in both.items() if what not in levels} == {
        "cpu": 37.5,
        "io/mmcblk0/read": 1024.0,
        "io/mmcblk0/written": 0.0,
        "io/mmcblk0/busy": 25.0,
        "net/eth0/in": 100.0,
        "net/eth0/out": 0.0,
        "net/eth0/faults": 1.0,
    }
    assert not counters


def test_the_share_of_each_state_is_told_when_asked() -> None:
    before, after = (0, 0, 0, 0, 0, 0, 0, 0), (10, 0, 20, 60, 10, 0, 0, 0)
    found, _ = measured(look(0, before), look(1, after), cpu_states=True)
    assert found["cpu/system"] == 20.0
    assert found["cpu/idle"] == 60.0
    assert sum(v for what, v in found.items() if what != "cpu") == pytest.approx(100)


def test_waiting_for_io_may_fall_but_nothing_else_may() -> None:
    before = (10, 10, 10, 10, 10, 10, 10, 10)
    assert busy_share(before, (20, 10, 10, 25, 5, 10, 10, 10)) == (0.5, 0, 0, 0.5, 0, 0, 0, 0)
    assert busy_share(before, (20, 10, 9, 20, 10, 10, 10, 10)) is None
    assert busy_share(before, (20, 10, 10, 5, 10, 10, 10, 10)) is None
    assert busy_share(before, before) is None


GONE_ON = st.tuples(st.integers(1, 2**40), st.integers(0, 2**20))


@given(st.lists(GONE_ON, min_size=1, max_size=6))
def test_what_has_grown_is_known(counters: list[tuple[int, int]]) -> None:
    before = [b for b, _ in counters]
    after = [b + grown for b, grown in counters]
    assert growth(before, after) == tuple(grown for _, grown in counters)


@given(
    st.lists(GONE_ON, min_size=1, max_size=5),
    st.integers(2**31, 2**32 - 1),
    st.integers(1, 2**31 - 1),
    st.data(),
)
def test_a_counter_of_32_bits_that_ran_over_is_known(
    others: list[tuple[int, int]], was: int, grown: int, data: st.DataObject
) -> None:
    if was + grown < 2**32:
        return
    place = data.draw(st.integers(0, len(others)))
    before = [b for b, _ in others]
    after = [b + g for b, g in others]
    before.insert(place, was)
    after.insert(place, was + grown - 2**32)
    found = growth(before, after)
    assert found is not None
    assert found[place] == grown


@given(st.lists(st.integers(1, 2**40), min_size=2, max_size=6), st.data())
def test_a_device_that_began_anew_has_no_rate(before: list[int], data: st.DataObject) -> None:
    after = [data.draw(st.integers(0, b - 1)) for b in before]
    assert growth(before, after) is None


def test_a_reset_costs_one_reading_and_is_counted() -> None:
    def at(seconds: float, n: int) -> Look:
        return look(seconds, interfaces={"eth0": proc.Interface(n * 100, n, 0, n * 100, n, 0)})

    looks = [at(0, 50), at(1, 60), at(2, 5), at(3, 8)]
    rates = []
    resets = 0
    for before, after in pairwise(looks):
        found, counters = measured(before, after)
        rates.append(found.get("net/eth0/in"))
        resets += counters["counter_resets"]
    assert rates == [1000.0, None, 300.0]
    assert resets == 1


def test_an_interface_that_is_gone_has_no_reading_and_is_welcome_back() -> None:
    there = look(0, interfaces={"usb0": proc.Interface(1, 1, 0, 1, 1, 0)})
    assert measured(there, look(1)) == ({}, {})
    assert measured(look(1), there._replace(at=2)) == ({}, {})
    assert "net/usb0/in" in measured(there, there._replace(at=1))[0]


@pytest.mark.parametrize(
    ("name", "real"),
    [("eth0", True), ("wlan0", True), ("enp3s0", True), ("end0", True), ("lo", False),
     ("docker0", False), ("veth12ab", False), ("br-0af", False), ("wg0", True)],
)  # fmt: skip
def test_without_names_real_interfaces_are_read_and_with_names_those(name: str, real: bool) -> None:
    there = look(0, interfaces={name: proc.Interface(1, 1, 0, 1, 1, 0)})
    after = there._replace(at=1)
    assert bool(measured(there, after)[0]) is real
    assert measured(there, after, interfaces=[name])[0]
    assert not measured(there, after, interfaces=["other"])[0]


@pytest.mark.parametrize(
    ("name", "real"),
    [("sda", True), ("sda1", False), ("mmcblk0", True), ("mmcblk0p2", False), ("nvme0n1", True),
     ("nvme0n1p1", False), ("loop3", False), ("zram0", False), ("vdb", True), ("dm-0", False)],
)  # fmt: skip
def test_without_names_whole_real_disks_are_read_and_with_names_those(
    name: str, real: bool
) -> None:
    there = look(0, disks={name: proc.Disk(1, 1, 1, 1, 1)})
    after = there._replace(at=1)
    assert bool(measured(there, after)[0]) is real
    assert measured(there, after, disks=[name])[0]


def test_a_file_that_is_missing_or_strange_costs_only_its_own_readings(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    for name, text in {
        "stat": STAT,
        "loadavg": "1.22 0.73 0.36 4/100 5002\n",
        "meminfo": "MemTotal: many kB\n",
        "net/dev": "\n\neth0: 1 2\n",
    }.items():
        (tmp_path / name).write_text(text)
    context = SteppedContext(1_700_000_000_000_000, waits=0)
    nowhere = str(tmp_path / "nowhere")
    open_source(Settings("it", proc=str(tmp_path), mounts=(nowhere,))).run(context)
    assert [r.channel for r in context.readings] == ["it/load/1m", "it/load/5m", "it/load/15m"]
    assert context.counters == {"unreadable": 4}
