from typing import Annotated, Literal

import msgspec

from edge_agent.sources.fields import SourceName


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="arduino"
):
    """Which port the board is on, and how often it is to send."""

    name: SourceName
    port: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            description="a path, best one below /dev/serial/by-id; auto: the first board that "
            "answers to `hello`",
        ),
    ] = "auto"
    interval_ms: (
        Annotated[
            int,
            msgspec.Meta(
                ge=20,
                le=3_600_000,
                description="what the board is told; without the key it keeps its own",
            ),
        ]
        | None
    ) = None
    baud: Literal[
        1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 500000, 921600, 1000000
    ] = 115200
