"""Names that no other test has, and clients that are closed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cloud.control.devices.player import Player

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A device's name of this test's own."""
    return f"dev-{next(_numbers)}"


@pytest.fixture
def play() -> Iterator[Callable[..., Player]]:
    """Make players; all are closed in the end."""
    made: list[Player] = []

    def make(*arguments: Any, **keys: Any) -> Player:
        made.append(Player(*arguments, **keys))
        return made[-1]

    yield make
    for player in made:
        player.close()
