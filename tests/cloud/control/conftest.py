"""A real API: a process of its own, HTTPS, the session's PostgreSQL and broker."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.cloud.control.api import Api


@pytest.fixture
def local(api: Api) -> Iterator[httpx.Client]:
    """This machine's own administrator."""
    with api.client(api.local_token) as client:
        yield client
