"""The thresholds of alert rules, as lines on the charts of the channels they are about."""

import re
from collections.abc import Iterable

from control_panel.model.layouts import Threshold
from control_panel.model.things import Rule


def lines_for(
    rules: Iterable[Rule], device: str, channel: str, site: str, unit: str
) -> tuple[Threshold, ...]:
    """Return the lines of the rules that look at a channel, in its unit."""
    return tuple(
        Threshold(rule.threshold, unit, rule.name)
        for rule in rules
        if rule.enabled
        and rule.kind == "threshold"
        and rule.threshold is not None
        and _fits(rule.device, device)
        and _fits(rule.channel, channel)
        and _fits(rule.site, site)
    )


def _fits(pattern: str | None, name: str) -> bool:
    """Whether `*` and `?` of a rule stand for this name; no pattern stands for every one."""
    if pattern is None:
        return True
    parts = ({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in pattern)
    return re.fullmatch("".join(parts), name, re.DOTALL) is not None
