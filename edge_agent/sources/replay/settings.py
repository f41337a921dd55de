from typing import Annotated, Literal

import msgspec

from edge_agent.sources.fields import SourceName

FieldName = Annotated[
    str,
    msgspec.Meta(min_length=1, description="a column of CSV; in JSON a path such as data.co"),
]


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an item says when it was taken."""

    field: FieldName = "time"
    unit: Annotated[
        Literal["s", "ms", "us", "rfc3339"],
        msgspec.Meta(description="since 1970; or text such as 2020-07-13T00:05:35.77Z"),
    ] = "s"


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field that becomes a channel."""

    field: FieldName
    channel: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9:._-][A-Za-z0-9:./_-]{0,94}\Z")]
    unit: str = ""
    label: str = ""
    type: Annotated[
        Literal["auto", "number", "boolean", "text"],
        msgspec.Meta(description="auto: as JSON has it; in CSV a number, true, false, or text"),
    ] = "auto"


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="replay"
):
    """Which recording to play, how fast, and how its items become readings."""

    name: SourceName
    file: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            description="a path; a bare name that is not in the working directory is looked for "
            "among the recordings that come with the agent",
        ),
    ]
    fields: Annotated[tuple[Field, ...], msgspec.Meta(min_length=1)]
    time: Time = Time()
    where: Annotated[
        dict[str, str | bool | float],
        msgspec.Meta(description="fields and the values they must have; other items are left out"),
    ] = {}
    format: Annotated[
        Literal["auto", "json", "csv"],
        msgspec.Meta(description="json is an array or one item a line; auto goes by .csv"),
    ] = "auto"
    speed: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=1e6)] | Literal["at_once"],
        msgspec.Meta(description="1 is the pace at which it was recorded"),
    ] = 1.0
    times: Annotated[
        Literal["keep", "end_now"],
        msgspec.Meta(description="end_now: all moved so that the newest is the first start"),
    ] = "keep"
