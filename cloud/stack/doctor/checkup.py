"""How an examination goes: check after check, each a sentence; what one hinders waits for it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from cloud.stack.errors import StackError

Subject = TypeVar("Subject")


class Verdict(StrEnum):
    """What a check has found."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    """Works now; somebody should see to it."""
    WRONG = "wrong"
    NOT_LOOKED_AT = "not looked at"
    """Something that it needs is wrong."""


class Wrong(StackError):
    """A check's bad news: what is so, and how to mend it."""

    verdict = Verdict.WRONG

    def __init__(self, said: str, fix: str) -> None:
        super().__init__(said)
        self.said = said
        self.fix = fix


class Doubtful(Wrong):
    """Works, but not for ever, or not as it should."""

    verdict = Verdict.DOUBTFUL


@dataclass(frozen=True)
class Check(Generic[Subject]):
    """`look` returns a sentence, or raises Wrong or Doubtful; `needs` name checks before it."""

    name: str
    look: Callable[[Subject], str]
    needs: Sequence[str] = ()


class Finding(msgspec.Struct, frozen=True):
    """What one check has found, as `doctor --json` tells it. `took_s` is seconds."""

    check: str
    verdict: Verdict
    said: str
    fix: str = ""
    took_s: float = 0.0


def examine(checks: Sequence[Check[Subject]], subject: Subject) -> Iterator[Finding]:
    """Go through the checks in order."""
    found: dict[str, Finding] = {}
    for check in checks:
        began = time.monotonic()
        finding = _hindered(check, found) or _look(check, subject)
        finding = msgspec.structs.replace(finding, took_s=round(time.monotonic() - began, 3))
        found[check.name] = finding
        yield finding


def _hindered(check: Check[Subject], found: Mapping[str, Finding]) -> Finding | None:
    for need in check.needs:
        if found[need].verdict in {Verdict.WRONG, Verdict.NOT_LOOKED_AT}:
            cause = need if found[need].verdict is Verdict.WRONG else found[need].said
            said = cause if cause.startswith("first mend") else f"first mend: {need}"
            return Finding(check.name, Verdict.NOT_LOOKED_AT, said)
    return None


def _look(check: Check[Subject], subject: Subject) -> Finding:
    try:
        return Finding(check.name, Verdict.GOOD, check.look(subject))
    except Wrong as news:
        return Finding(check.name, news.verdict, news.said, news.fix)
