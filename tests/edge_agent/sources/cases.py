"""Cases as folders: a tree of sysfs, and `expected.json` with what a source makes of it."""

import json
from pathlib import Path
from typing import Any

from edge_agent.sources import open_source
from tests.edge_agent.sources.fakes import SteppedContext


def outcome(settings: Any) -> dict[str, object]:
    """Let a source read once; return its channels with unit and value, and its counters."""
    context = SteppedContext(1_700_000_000_000_000, waits=0)
    open_source(settings).run(context)
    values = {r.channel: r.value for r in context.readings}
    assert not context.undescribed
    return {
        "channels": {
            name: [channel.label, channel.unit, values.get(name)]
            for name, channel in context.channels.items()
        },
        "counters": dict(context.counters),
    }


def expected(case: Path) -> object:
    return json.loads((case / "expected.json").read_text())
