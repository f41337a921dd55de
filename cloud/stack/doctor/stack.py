"""What is examined: a data folder, what `up` decided in it, and what runs of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from cloud.stack.folder import Folder
from cloud.stack.plan import Plan
from cloud.stack.states import Life
from cloud.stack.status import lives_of


@dataclass(frozen=True)
class Stack:
    """One stack at one moment; `lives` as supervisord says, None for what runs elsewhere."""

    folder: Folder
    plan: Plan
    lives: Mapping[str, Life | None]
    environment: Mapping[str, str]


def of(folder: Folder, plan: Plan, environment: Mapping[str, str]) -> Stack:
    """Look what runs."""
    return Stack(folder, plan, lives_of(folder, plan), environment)
