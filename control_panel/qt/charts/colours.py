"""The colours of charts: curves at least 3:1 against the field, text 4.5:1."""

import msgspec
from PySide6.QtGui import QColor, QPalette


class Colours(msgspec.Struct, frozen=True):
    """The colours of one scheme."""

    field: str
    text: str
    faint: str
    grid: str
    frame: str
    threshold: str
    curves: tuple[str, ...]


LIGHT = Colours(
    field="#ffffff",
    text="#1f2328",
    faint="#59636e",
    grid="#e8ebef",
    frame="#c4cad1",
    threshold="#b3261e",
    curves=(
        "#0b6bcb", "#c2410c", "#1a7f4b", "#8b3fc7", "#b0176d", "#8a6100", "#0e7c86", "#57606a",
    ),
)  # fmt: skip
DARK = Colours(
    field="#15181d",
    text="#e6e9ee",
    faint="#9aa4b0",
    grid="#262b33",
    frame="#3d4550",
    threshold="#ff8a80",
    curves=(
        "#5aa9f8", "#f59e5b", "#56c98a", "#c497f5", "#f17fb7", "#d9b44a", "#4fc3cf", "#aab4c0",
    ),
)  # fmt: skip


def colours_of(palette: QPalette) -> Colours:
    """Return the scheme that suits a palette."""
    background = palette.color(QPalette.ColorRole.Window)
    return DARK if background.lightness() < 128 else LIGHT


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, 1.4.3)."""
    lighter, darker = sorted((_luminance(QColor(one)), _luminance(QColor(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
