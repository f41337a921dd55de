"""Answers about the pipeline."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from cloud.control.pipeline.graph import Action
from cloud.stack.states import State


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StageView(_Strict):
    """A stage by what it does, not by having a process. Rates are a second."""

    name: str
    state: State
    since: datetime
    reason: str = Field(description="why it is not running")
    rate_in: float | None
    rate_out: float | None
    lag: int | None = Field(description="messages that have come in and not gone out")
    lag_seconds: float | None = Field(description="how long the oldest of them has waited")
    newest: datetime | None = Field(description="time of the newest that went out")
    age: float | None = Field(description="of the newest, in seconds")
    errors: int = Field(
        description="lines of its log that report one: last hour, since the API is up"
    )
    restarts: int = Field(description="how often it ended by itself since everything started")
    pid: int | None = Field(description="null: it does not run, or not here")
    busy: Action | None = Field(description="what is just being done with it")
    needs: list[str]
    dependents: list[str] = Field(description="who needs it")


class Pipeline(_Strict):
    """All stages, in the order of the flow."""

    at: datetime
    stages: list[StageView]


class Consequences(_Strict):
    """What an action brings about, in sentences for a person to confirm."""

    stage: str | None = Field(description="null: the whole pipeline")
    action: Action
    consequences: list[str]


class Begun(_Strict):
    """An action that goes on; events of kind `pipeline` tell how."""

    stages: list[str]
    action: Action
    consequences: list[str]


class LogLines(_Strict):
    """The end of a stage's log, the newest line last."""

    stage: str
    lines: list[str]
