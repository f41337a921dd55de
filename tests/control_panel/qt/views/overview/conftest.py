"""Two stages that are really supervised, below the session's API."""

from tests.cloud.control.pipeline.conftest import supervised

__all__ = ["supervised"]
