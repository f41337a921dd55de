"""Chart layouts: which channels are drawn where, as JSON that a person may read."""

import enum
from typing import Annotated

import msgspec

SPANS_S = (10, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
"""The windows that are offered, in seconds."""
Count = Annotated[int, msgspec.Meta(ge=1, le=8)]
Span = Annotated[float, msgspec.Meta(ge=1, le=7 * 86_400)]


class LayoutRefused(Exception):
    """A file is no layout of charts."""


class Curve(msgspec.Struct, frozen=True):
    """One channel of a chart."""

    device: str
    channel: str


class Threshold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line across a chart, in the unit of its axis."""

    value: float
    unit: str = ""
    text: str = ""


class Arrangement(enum.StrEnum):
    """Where the curves of a chart are drawn."""

    TOGETHER = "together"
    """On one field, with an axis for each unit."""
    BESIDE = "beside"
    """Each on a field of its own, one below the other, with the same time."""


class ChartLayout(msgspec.Struct, frozen=True, omit_defaults=True):
    """One chart."""

    curves: tuple[Curve, ...] = ()
    title: str = ""
    span_s: Span = 60.0
    arrangement: Arrangement = Arrangement.TOGETHER
    thresholds: tuple[Threshold, ...] = ()


class Layout(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named set of charts, in so many columns."""

    name: str
    charts: tuple[ChartLayout, ...] = ()
    columns: Count = 2


_decoder = msgspec.json.Decoder(tuple[Layout, ...])


def encode(layouts: tuple[Layout, ...]) -> bytes:
    """Encode layouts as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(layouts), indent=2)


def decode(text: bytes) -> tuple[Layout, ...]:
    """Decode layouts; raises LayoutRefused with the place of the fault."""
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        msg = f"this is no file of chart layouts: {error}"
        raise LayoutRefused(msg) from None


def with_layout(layouts: tuple[Layout, ...], layout: Layout) -> tuple[Layout, ...]:
    """Return the layouts with one added, or put in the place of that of the same name."""
    if any(known.name == layout.name for known in layouts):
        return tuple(layout if known.name == layout.name else known for known in layouts)
    return (*layouts, layout)


def without(layouts: tuple[Layout, ...], name: str) -> tuple[Layout, ...]:
    """Return the layouts but the one of that name."""
    return tuple(layout for layout in layouts if layout.name != name)
