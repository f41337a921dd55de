"""The panel's tests use no keyring of whoever runs them."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from keyring.backends import fail


@pytest.fixture(scope="session", autouse=True)
def no_keyring() -> Iterator[None]:
    """As on a computer without one; the library would also find those that tests define."""
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)
