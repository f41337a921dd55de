"""A CSV table becomes devices, or faults with their lines; never anything else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud.control.devices import tables


@given(st.text(max_size=300))
def test_any_text_gives_devices_or_faults(text: str) -> None:
    devices, faults = tables.read(text)
    assert devices or faults
    assert all(fault.line >= 0 and fault.what for fault in faults)


_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)


@given(st.lists(_NAMES, min_size=1, max_size=20, unique=True))
def test_every_sound_line_is_a_device_with_its_line(names: list[str]) -> None:
    devices, faults = tables.read("name\n" + "\n".join(names))
    assert not faults
    assert [(line, one.name) for line, one in devices] == list(enumerate(names, 2))


def test_more_than_can_be_are_refused() -> None:
    rows = "".join(f"d{i}\n" for i in range(tables.MOST_DEVICES + 1))
    _, faults = tables.read("name\n" + rows)
    assert [fault.line for fault in faults] == [tables.MOST_DEVICES + 2]
