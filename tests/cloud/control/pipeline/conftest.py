"""The API with two stages that are played."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud.control.api import Api
from tests.cloud.control.played import Supervised, played_stages


@pytest.fixture(scope="module")
def supervised(api: Api) -> Iterator[Supervised]:
    """They run.

    No longer than the module: an API that is supervised would rotate its CA if it is told to.
    """
    with played_stages(api) as stages:
        yield stages
