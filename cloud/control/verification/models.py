"""Answers about proofs that nothing is missing."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Verification(_Strict):
    """One comparison of everything that is stored; the numbers are null until it is over."""

    id: str
    state: Literal["running", "sound", "unsound", "failed"]
    by: str
    begun: datetime
    ended: datetime | None
    said: str = Field(description="how far it is, or why it failed")
    checked: int | None = Field(description="rows of aggregates compared with what they are of")
    differing: int | None = Field(description="rows that differ")
    missing: int | None = Field(description="packs nobody accounts for, and readings not there")
    doubled: int | None = Field(description="packs and readings there more often than booked")
    details: list[str] = Field(description="the first twenty findings")


class VerificationPage(_Strict):
    """Those since the API is up, the newest first."""

    items: list[Verification]
    next: str | None
