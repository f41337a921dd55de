"""Documents merged key by key, and compared with what a device reports."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from cloud.control.remote.configurations import encode, read_sources
from cloud.control.remote.merge import differences, merge, of_device, standing
from wire.configuration import Calibration, Reported, SourceConfiguration

_calibrations = st.dictionaries(
    st.sampled_from(["gas/co", "t", "u"]),
    st.builds(Calibration, st.sampled_from([1.0, 2.0, 0.5]), st.sampled_from([0.0, -1.5])),
    max_size=3,
)
_sources = st.builds(
    SourceConfiguration,
    on=st.sampled_from([True, False, UNSET]),
    interval_s=st.sampled_from([0.5, 1.0, 60.0, UNSET]),
    calibration=_calibrations,
)
documents = st.dictionaries(st.sampled_from(["board", "host", "door"]), _sources, max_size=3)


@given(documents, documents, documents)
def test_merging_is_associative(a: dict, b: dict, c: dict) -> None:  # type: ignore[type-arg]
    assert merge([merge([a, b]), c]) == merge([a, merge([b, c])]) == merge([a, b, c])


@given(documents, documents)
def test_a_later_document_wins_and_takes_nothing_away(a: dict, b: dict) -> None:  # type: ignore[type-arg]
    merged = merge([a, b])
    assert not differences(b, merged)
    assert merge([merged, b]) == merged
    for name, source in a.items():
        over = b.get(name, SourceConfiguration())
        if over.on is UNSET:
            assert merged[name].on == source.on
        if over.interval_s is UNSET:
            assert merged[name].interval_s == source.interval_s
        assert set(merged[name].calibration) == {*source.calibration, *over.calibration}


@given(documents)
def test_a_document_comes_back_as_it_was_written(a: dict) -> None:  # type: ignore[type-arg]
    import msgspec

    assert read_sources(msgspec.json.decode(encode(a))) == a


@given(documents, documents, st.sets(st.sampled_from(["board", "host", "door"])))
def test_what_a_device_does_not_have_is_left_out_of_its_groups_alone(
    group: dict, own: dict, known: set[str]  # type: ignore[type-arg]
) -> None:  # fmt: skip
    desired, out = of_device([group], own, known)
    assert set(out) == set(group) - known
    assert set(desired) == (set(group) & known) | set(own)
    assert of_device([group], own, None) == (merge([group, own]), [])


def test_a_device_stands_as_it_reports() -> None:
    desired = {
        "board": SourceConfiguration(
            on=True, interval_s=1.0, calibration={"c": Calibration(2.0, 0.5)}
        )
    }
    assert standing(0, {}, None) == ("in step", "")
    assert standing(3, desired, None)[0] == "waiting for the device"
    assert standing(3, desired, Reported(2, True, "", desired))[0] == "waiting for the device"
    assert standing(3, desired, Reported(3, True, "", desired)) == ("in step", "")
    assert standing(3, desired, Reported(3, False, "no", desired)) == ("refused", "no")
    off = {"board": SourceConfiguration(on=False, interval_s=1.0)}
    state, reason = standing(3, desired, Reported(3, True, "", off))
    assert state == "differs"
    assert "board/on is off, not on, board/calibration/c is unset, not x 2 + 0.5" in reason
    assert standing(3, desired, Reported(3, True, "", {}))[0] == "differs"
