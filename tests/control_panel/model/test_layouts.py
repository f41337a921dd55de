from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.layouts import (
    Arrangement,
    ChartLayout,
    Curve,
    Layout,
    LayoutRefused,
    Threshold,
    decode,
    encode,
    with_layout,
    without,
)

LAYOUTS = st.lists(
    st.builds(
        Layout,
        st.text(max_size=9),
        st.lists(
            st.builds(
                ChartLayout,
                st.lists(st.builds(Curve, st.text(max_size=4), st.text(max_size=4))).map(tuple),
                span_s=st.floats(1, 86400),
                arrangement=st.sampled_from(Arrangement),
                thresholds=st.just((Threshold(3.5, "Cel", "too hot"),)),
            ),
            max_size=3,
        ).map(tuple),
        st.integers(1, 8),
    ),
    max_size=3,
).map(tuple)


@given(LAYOUTS)
def test_layouts_come_back_as_they_were_saved(layouts: tuple[Layout, ...]) -> None:
    assert decode(encode(layouts)) == layouts


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[{}]", b'[{"name":"a","columns":9}]', b"\xff", b'[{"name":3}]']
)
def test_another_file_is_refused(text: bytes) -> None:
    with pytest.raises(LayoutRefused, match="no file of chart layouts"):
        decode(text)


def test_a_layout_of_the_same_name_is_replaced() -> None:
    both = with_layout(with_layout((), Layout("a")), Layout("b"))
    changed = with_layout(both, Layout("a", columns=3))
    assert [(layout.name, layout.columns) for layout in changed] == [("a", 3), ("b", 2)]
    assert without(changed, "a") == (Layout("b"),)
