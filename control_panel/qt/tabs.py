"""Tabs, whose pages have their edges where the view has its own."""

from PySide6.QtWidgets import QTabWidget, QWidget

_ABOVE = 12


def tabbed(name: str, *pages: tuple[QWidget, str]) -> QTabWidget:
    """Return tabs with a name for screen readers; each page has a layout and a title."""
    tabs = QTabWidget()
    tabs.setDocumentMode(True)
    tabs.setAccessibleName(name)
    for page, title in pages:
        if (layout := page.layout()) is not None:
            layout.setContentsMargins(0, _ABOVE, 0, 0)
        tabs.addTab(page, title)
    return tabs
