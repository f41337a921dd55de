"""The time that a chart shows: following now, or standing still."""

import math

from control_panel.model.drawing import Stretch

SHORTEST_US = 100_000
LONGEST_US = 7 * 86_400 * 1_000_000


class Span:
    """A length that ends now, or at a time that stands still; µs UTC."""

    def __init__(self, length_us: int) -> None:
        self.length_us = _bounded(length_us)
        self._end_utc: int | None = None

    def copy(self) -> "Span":
        """Return one that shows the same, and goes its own way."""
        other = Span(self.length_us)
        other._end_utc = self._end_utc
        return other

    @property
    def follows(self) -> bool:
        """Whether the window moves with time."""
        return self._end_utc is None

    def window(self, now_utc: int, pixels: int) -> Stretch:
        """Return what is shown; it moves by whole pixels, so that a picture stands meanwhile."""
        if self._end_utc is not None:
            return Stretch(self._end_utc - self.length_us, self._end_utc)
        step = max(self.length_us // max(pixels, 1), 1)
        end_utc = math.ceil(now_utc / step) * step
        return Stretch(end_utc - self.length_us, end_utc)

    def follow(self) -> None:
        """Move with time again."""
        self._end_utc = None

    def stand(self, now_utc: int) -> None:
        """Stop where the window is."""
        if self._end_utc is None:
            self._end_utc = now_utc

    def show(self, length_us: int) -> None:
        """Show a length with the same end."""
        self.length_us = _bounded(length_us)

    def zoom(self, factor: float, share: float, now_utc: int) -> None:
        """Make the length `factor` times as long, around the time at a share of the width.

        One that follows goes on following: its end stays now.
        """
        before = self.length_us
        self.length_us = _bounded(round(before * factor))
        if self._end_utc is not None:
            fixed = self._end_utc - round(before * (1 - share))
            self._end_utc = min(fixed + round(self.length_us * (1 - share)), now_utc)

    def pan(self, by_us: int, now_utc: int) -> None:
        """Move by so much (back: negative) and stand still; never past now."""
        end_utc = self._end_utc if self._end_utc is not None else now_utc
        self._end_utc = min(end_utc + by_us, now_utc)

    def go_to(self, end_utc: int) -> None:
        """Stand still with that end."""
        self._end_utc = end_utc


def _bounded(length_us: int) -> int:
    return min(max(length_us, SHORTEST_US), LONGEST_US)
