"""A viewer's panel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from control_panel.qt.panel import Panel
from tests.cloud.control.api import Api
from tests.control_panel.qt.rig import Rig


@pytest.fixture
def panel(api: Api, qapp: object) -> Iterator[Panel]:
    """What a view is given, against the real API."""
    rig = Rig(api, "viewer")
    yield rig.panel
    rig.close()
