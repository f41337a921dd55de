"""Memory, over time; `make soak` does it for an hour."""

from __future__ import annotations

from benchmarks import panel_soak


def test_memory_stays_flat_while_charts_run() -> None:
    result = panel_soak.soak(minutes=2)
    assert panel_soak.kept(result), result
