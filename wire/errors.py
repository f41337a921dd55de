"""The one base of all errors of this package."""


class WireError(Exception):
    """What came over a boundary, or was about to go over one, breaks the protocol."""
