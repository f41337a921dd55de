"""The colours of both schemes, as palette and small style sheet; they follow the system."""

from pathlib import Path

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

_FOLLOWS = "fieldline follows the system"
_TICK = (Path(__file__).parent / "pictures" / "tick.png").as_posix()
MARGINS = (20, 16, 20, 16)
"""Around each view, in pixels: left, top, right, bottom."""


class Scheme(msgspec.Struct, frozen=True):
    """The colours of one scheme; every pair of text and ground is at least 4.5:1."""

    window: str
    field: str
    alternate: str
    raised: str
    text: str
    faint: str
    border: str
    accent: str
    on_accent: str
    chosen: str
    link: str


LIGHT = Scheme(
    window="#f4f5f7",
    field="#ffffff",
    alternate="#f7f8fa",
    raised="#fcfcfd",
    text="#1f2328",
    faint="#59636e",
    border="#d0d5db",
    accent="#0b62ba",
    on_accent="#ffffff",
    chosen="#dce8f6",
    link="#0a58a8",
)
DARK = Scheme(
    window="#1c2026",
    field="#15181d",
    alternate="#191d22",
    raised="#242930",
    text="#e6e9ee",
    faint="#a4adb8",
    border="#3a414b",
    accent="#2b6cb5",
    on_accent="#ffffff",
    chosen="#2a3a4e",
    link="#79b8ff",
)


def scheme_of(palette: QPalette) -> Scheme:
    """Return the scheme that suits a palette."""
    return DARK if palette.color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def palette_of(scheme: Scheme, *, stale: bool = False) -> QPalette:
    """Return a scheme as a palette; `stale` greys what is written in it."""
    text = scheme.faint if stale else scheme.text
    roles = QPalette.ColorRole
    palette = QPalette(QColor(scheme.raised), QColor(scheme.window))
    for role, colour in {
        roles.Window: scheme.window,
        roles.Base: scheme.field,
        roles.AlternateBase: scheme.alternate,
        roles.Button: scheme.raised,
        roles.ToolTipBase: scheme.raised,
        roles.WindowText: text,
        roles.Text: text,
        roles.ButtonText: scheme.text,
        roles.ToolTipText: scheme.text,
        roles.BrightText: scheme.text,
        roles.PlaceholderText: scheme.faint,
        roles.Highlight: scheme.accent,
        roles.Accent: scheme.accent,
        roles.HighlightedText: scheme.on_accent,
        roles.Link: scheme.link,
        roles.LinkVisited: scheme.link,
        roles.Mid: scheme.border,
        roles.Midlight: scheme.border,
    }.items():
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(scheme.faint))
    palette.setColor(QPalette.ColorGroup.Disabled, roles.Highlight, QColor(scheme.chosen))
    return palette


def sheet_of(scheme: Scheme) -> str:
    """Return the little that a palette cannot say."""
    return f"""
QFrame#bar {{ background: {scheme.raised}; border: 0; border-right: 1px solid {scheme.border}; }}
QFrame#state {{ background: {scheme.raised}; border: 0; border-top: 1px solid {scheme.border}; }}
QFrame#card, QFrame#overlay {{
    background: {scheme.raised}; border: 1px solid {scheme.border}; border-radius: 6px;
}}
QToolButton#view {{
    border: 1px solid transparent; border-radius: 5px; padding: 7px 10px; text-align: left;
}}
QToolButton#view:hover {{ background: {scheme.window}; }}
QToolButton#view:checked {{ background: {scheme.chosen}; }}
QToolButton#view:focus {{ border-color: {scheme.accent}; }}
QToolButton#view:disabled {{ color: {scheme.faint}; }}
QPushButton#number {{
    border: 1px solid transparent; border-radius: 4px; padding: 1px 4px 1px 0; text-align: left;
    background: transparent; color: {scheme.link}; min-height: 0;
}}
QPushButton#number:hover {{ background: transparent; text-decoration: underline; }}
QPushButton#number:focus {{ border-color: {scheme.accent}; }}
QPushButton#number:disabled, QPushButton#number[stale="true"] {{ color: {scheme.faint}; }}
QPushButton, QToolButton#act {{
    background: {scheme.raised}; border: 1px solid {scheme.border}; border-radius: 5px;
    padding: 4px 12px; min-height: 18px;
}}
QPushButton:hover, QToolButton#act:hover {{ background: {scheme.chosen}; }}
QPushButton:pressed, QPushButton:checked, QToolButton#act:checked {{
    background: {scheme.chosen}; border-color: {scheme.accent};
}}
QPushButton:focus, QToolButton#act:focus {{ border-color: {scheme.accent}; }}
QPushButton[primary="true"] {{
    background: {scheme.accent}; border-color: {scheme.accent}; color: {scheme.on_accent};
}}
QPushButton[primary="true"]:hover {{ background: {scheme.link}; color: {scheme.window}; }}
QPushButton:disabled, QPushButton[primary="true"]:disabled, QToolButton#act:disabled {{
    background: transparent; color: {scheme.faint}; border-color: {scheme.border};
}}
QLineEdit, QPlainTextEdit, QTextEdit {{
    background: {scheme.field}; border: 1px solid {scheme.border}; border-radius: 5px;
    padding: 4px 7px;
}}
QPlainTextEdit, QTextEdit {{ padding: 2px; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus {{ border-color: {scheme.accent}; }}
QLineEdit:disabled {{ color: {scheme.faint}; background: {scheme.window}; }}
QComboBox QLineEdit {{ border: none; padding: 0; background: transparent; }}
QTableView, QTreeView, QListView {{
    border: 1px solid {scheme.border}; border-radius: 5px; background: {scheme.field};
}}
QCheckBox::indicator, QTreeView::indicator, QListView::indicator, QTableView::indicator {{
    width: 14px; height: 14px; border: 1px solid {scheme.faint}; border-radius: 3px;
    background: {scheme.field};
}}
QCheckBox::indicator:checked, QTreeView::indicator:checked, QListView::indicator:checked,
QTableView::indicator:checked {{
    background: {scheme.accent}; border-color: {scheme.accent}; image: url("{_TICK}");
}}
QCheckBox::indicator:disabled {{ border-color: {scheme.border}; }}
QCheckBox::indicator:focus, QCheckBox:focus {{ color: {scheme.link}; }}
QTabWidget::pane {{ border: 0; border-top: 1px solid {scheme.border}; }}
QTabBar {{ qproperty-drawBase: 0; }}
QTabBar::tab {{
    background: transparent; border: 0; border-bottom: 2px solid transparent;
    padding: 6px 4px; margin-right: 18px; color: {scheme.faint};
}}
QTabBar::tab:hover {{ color: {scheme.text}; }}
QTabBar::tab:selected {{ color: {scheme.text}; border-bottom-color: {scheme.accent}; }}
QTabBar:focus {{ outline: 0; }}
QTabBar::tab:selected:focus {{ color: {scheme.link}; }}
QTableView::item {{ padding: 0 7px; }}
QTreeView::item, QListView::item {{ padding: 3px 4px; }}
QHeaderView::section {{
    background: {scheme.window}; color: {scheme.faint}; border: 0;
    border-bottom: 1px solid {scheme.border}; padding: 5px 8px; font-weight: 600;
}}
QHeaderView::section:hover {{ color: {scheme.text}; }}
QLabel#title {{ font-size: 18pt; font-weight: 600; }}
QLabel#faint {{ color: {scheme.faint}; }}
QToolTip {{
    background: {scheme.raised}; color: {scheme.text}; border: 1px solid {scheme.border};
    padding: 3px;
}}
"""


def dress(app: QApplication, choice: str) -> None:
    """Colour the application: `light`, `dark`, or `system`, whose changes it then follows."""
    hints = app.styleHints()
    if app.property(_FOLLOWS):
        hints.colorSchemeChanged.disconnect()
    app.setStyle("Fusion")
    # Else Qt keeps a palette from the widgets within, and what is old would not be grey.
    app.setAttribute(Qt.ApplicationAttribute.AA_UseStyleSheetPropagationInWidgetStyles)

    def colour(_: object = None) -> None:
        dark = choice == "dark" or (
            choice != "light" and hints.colorScheme() is Qt.ColorScheme.Dark
        )
        scheme = DARK if dark else LIGHT
        app.setPalette(palette_of(scheme))
        app.setStyleSheet(sheet_of(scheme))

    colour()
    follows = choice not in {"light", "dark"}
    if follows:
        hints.colorSchemeChanged.connect(colour)
    app.setProperty(_FOLLOWS, follows)
