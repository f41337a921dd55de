"""Fields that the settings of several sources have in common, each with its range."""

from typing import Annotated

import msgspec

SourceName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z",
        description="begins the name of each of the source's channels; at most 32 characters",
    ),
]

Interval = Annotated[
    float, msgspec.Meta(ge=0.1, le=86_400.0, description="seconds between two readings")
]
