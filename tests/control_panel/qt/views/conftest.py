"""Panels against the session's API."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cloud.control.api import Api
from tests.control_panel.qt.rig import Rig


@pytest.fixture
def rig(api: Api, qapp: object) -> Iterator[Callable[[str], Rig]]:
    """Make panels of a role."""
    made: list[Rig] = []

    def make(role: str) -> Rig:
        made.append(Rig(api, role))
        return made[-1]

    yield make
    for one in made:
        one.close()
