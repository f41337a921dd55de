"""Where a number, a sentence or a message leads."""

import msgspec


class Place(msgspec.Struct, frozen=True):
    """A view, and what to show there: a device, a stage, a rule; empty for the view itself."""

    view: str
    subject: str = ""
