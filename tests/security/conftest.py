"""An administrator, and a device with history."""

from tests.cloud.control.conftest import local
from tests.cloud.control.history.conftest import past

__all__ = ["local", "past"]
