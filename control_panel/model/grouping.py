"""Which of the chosen channels are drawn on one chart."""

import enum
from collections.abc import Callable, Sequence

from control_panel.model.layouts import Curve

Groups = tuple[tuple[Curve, ...], ...]


class Grouping(enum.StrEnum):
    """What one chart is made for."""

    UNIT = "unit"
    CHANNEL = "channel"
    DEVICE = "device"
    ONE = "one"
    """All on one chart, with an axis for each unit."""
    HAND = "hand"
    """As a person has put them together."""


def grouped(
    curves: Sequence[Curve], how: Grouping, unit: Callable[[Curve], str], before: Groups = ()
) -> Groups:
    """Return the curves of each chart.

    By hand, curves stay on the chart where they were `before`, and new ones get a chart each.
    """
    if how is Grouping.HAND:
        chosen = set(curves)
        kept = tuple(
            left for group in before if (left := tuple(one for one in group if one in chosen))
        )
        there = {one for group in kept for one in group}
        return kept + tuple((one,) for one in curves if one not in there)
    if how is Grouping.ONE:
        return (tuple(curves),) if curves else ()
    if how is Grouping.CHANNEL:
        return tuple((one,) for one in curves)
    found: dict[str, list[Curve]] = {}
    for one in curves:
        found.setdefault(unit(one) if how is Grouping.UNIT else one.device, []).append(one)
    return tuple(tuple(group) for group in found.values())


def moved(groups: Groups, curve: Curve, onto: int) -> Groups:
    """Put a curve onto the chart of that number, or onto a new one if there is none."""
    without = [tuple(one for one in group if one != curve) for group in groups]
    if onto < len(without):
        without[onto] = (*without[onto], curve)
    else:
        without.append((curve,))
    return tuple(group for group in without if group)


def how_of(groups: Groups, unit: Callable[[Curve], str]) -> Grouping:
    """Return which grouping makes these charts; by hand if none does."""
    curves = [one for group in groups for one in group]
    wanted = {frozenset(group) for group in groups}
    for how in (Grouping.UNIT, Grouping.CHANNEL, Grouping.DEVICE, Grouping.ONE):
        if {frozenset(group) for group in grouped(curves, how, unit)} == wanted:
            return how
    return Grouping.HAND


def columns_for(charts: int) -> int:
    """Return in how many columns so many charts are seen best."""
    if charts <= 2:
        return 1
    return 2 if charts <= 8 else 3 if charts <= 18 else 4
