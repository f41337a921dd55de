"""Bodies and answers about rules, alerts, and what people say about them."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from cloud.control.devices.models import Text

Severity = Literal["info", "warning", "critical"]
RuleKind = Literal["threshold", "rate", "no data"]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e300, le=1e300)]
Seconds = Annotated[float, Field(ge=0, le=31 * 86_400, allow_inf_nan=False)]


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("only characters that can be seen, no line breaks, no blanks around it")
    return text


Name = Annotated[str, AfterValidator(_one_line), Field(min_length=1, max_length=100)]
Pattern = Annotated[
    str,
    AfterValidator(_one_line),
    Field(min_length=1, max_length=200, description="a name; `*` and `?` stand for others"),
]


class Strict(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class RuleRequest(Strict):
    """What is watched for (docs/alerts.md)."""

    name: Name = Field(examples=["too much gas"])
    kind: RuleKind
    device: Pattern | None = Field(default=None, description="null: every device")
    channel: Pattern | None = Field(default=None, description="null: every channel")
    site: Pattern | None = Field(default=None, description="null: every site")
    direction: Literal["above", "below"] | None = None
    threshold: Number | None = None
    clear_at: Number | None = Field(default=None, description="hysteresis; null: the threshold")
    for_s: Seconds = Field(default=0, description="so long the condition must hold")
    window_s: Annotated[float, Field(gt=0, le=31 * 86_400, allow_inf_nan=False)] | None = Field(
        default=None, description="rate: change a second over it; no data: the silence that fires"
    )
    severity: Severity = "warning"
    enabled: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "no data":
            if self.direction or self.threshold is not None or self.clear_at is not None:
                raise ValueError("`no data` has no direction, threshold and clear_at")
        elif self.direction is None or self.threshold is None:
            raise ValueError(f"a {self.kind} needs direction and threshold")
        elif self.clear_at is not None:
            back = self.threshold - self.clear_at
            if (back < 0) if self.direction == "above" else (back > 0):
                raise ValueError("clear_at lies on the other side of the threshold")
        if (self.window_s is None) != (self.kind == "threshold"):
            raise ValueError("window_s goes with `rate` and `no data`, and only with them")
        return self


class Rule(RuleRequest):
    """A rule."""

    id: int
    version: int
    created: datetime
    changed: datetime = Field(description="readings count from this time on")


class RulePage(Strict):
    """Rules, by number."""

    items: list[Rule]
    next: str | None


class PreviewRequest(Strict):
    """A rule, made or not, and the time whose stored readings it is tried on."""

    rule: RuleRequest
    since: AwareDatetime
    until: AwareDatetime | None = Field(default=None, description="null: now")


class Often(Strict):
    """How often a rule would have fired for a channel."""

    device: str
    channel: str
    episodes: int
    firing_s: float = Field(description="for so long in all")


class WouldHaveFired(Strict):
    """From when to when."""

    device: str
    channel: str
    began: datetime
    ended: datetime | None = Field(description="null: still at the end")
    value: float | None
    worst: float | None


class Preview(Strict):
    """What a rule would have made of stored readings."""

    readings: int = Field(description="looked at")
    channels: int = Field(description="looked at")
    episodes: int
    firing_s: float
    often: list[Often] = Field(description="the 20 channels with most episodes")
    latest: list[WouldHaveFired] = Field(description="the 100 latest episodes, the latest first")


class Alert(Strict):
    """How a rule stands for a channel."""

    rule: str
    severity: Severity
    device: str
    channel: str
    state: Literal["ok", "pending", "firing"]
    since: datetime
    value: float | None
    episode: int | None = Field(description="while it fires; to acknowledge it")
    acknowledged_by: str | None
    note: str | None


class AlertPage(Strict):
    """What does not stand well, by rule, device and channel."""

    items: list[Alert]
    next: str | None


class Episode(Strict):
    """From when to when a rule fired for a channel."""

    episode: int
    rule: str
    severity: Severity
    device: str
    channel: str
    began: datetime
    ended: datetime | None
    value: float | None
    worst: float | None
    late: bool = Field(description="came with a backlog: history, not news")
    acknowledged_by: str | None


class EpisodePage(Strict):
    """Episodes, the one that was known last first."""

    items: list[Episode]
    next: str | None


class Note(Strict):
    """What somebody says who has seen an alert."""

    note: Text = ""


class Acknowledgement(Note):
    """Who has seen it, and when."""

    episode: int
    by: str
    at: datetime


class SnoozeRequest(Strict):
    """What nobody is to be told about for a while; null is every one."""

    rule: Annotated[int, Field(ge=1, le=2**62)] | None = None
    device: Pattern | None = None
    channel: Pattern | None = None
    until: AwareDatetime
    reason: Text = ""


class Snooze(SnoozeRequest):
    """One that was said."""

    id: int
    by: str
    created: datetime


class SnoozePage(Strict):
    """Those that last, by number."""

    items: list[Snooze]
    next: str | None


class WindowRequest(Strict):
    """When work is done on a device or at a site; null is every one."""

    device: Pattern | None = None
    site: Pattern | None = None
    begins: AwareDatetime
    ends: AwareDatetime
    reason: Text = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begins >= self.ends:
            raise ValueError("it ends before it begins")
        return self


class Window(WindowRequest):
    """One that was said."""

    id: int
    by: str
    created: datetime


class WindowPage(Strict):
    """Those that are not over, by number."""

    items: list[Window]
    next: str | None
