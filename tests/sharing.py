"""How the tests are shared out to processes (`pytest -n 2`)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

HEAVY = (
    "tests/end_to_end/", "tests/faults/", "tests/security/", "tests/docs/", "tests/contract/",
    "tests/cloud/spark/", "tests/cloud/stack/", "tests/cloud/bridge/",
)  # fmt: skip
"""Folders whose tests run whole stacks, Kafka or Spark."""


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # the plugin's own way to be told
    """A file stays whole; all that is heavy goes to one process, and begins first.

    Two stacks at a time would be more than two cores carry, and session fixtures are made once.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "heavy" if nodeid.startswith(HEAVY) else nodeid.split("::", maxsplit=1)[0]
