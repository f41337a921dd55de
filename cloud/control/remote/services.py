"""What tells devices what to do, put together."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from cloud.control.broker import Broker
from cloud.control.database import Pool
from cloud.control.events import Hub
from cloud.control.remote.commands import Commands
from cloud.control.remote.configurations import Configurations
from cloud.control.remote.courier import Courier
from cloud.control.remote.groups import Groups
from cloud.control.remote.publication import Publication
from cloud.control.remote.reports import Reports
from cloud.control.status.rounds import Rounds


@dataclass(frozen=True)
class Remote:
    """`run` brings to devices what the others were asked for."""

    commands: Commands
    configurations: Configurations
    groups: Groups
    courier: Courier
    publication: Publication
    reports: Reports

    async def run(self) -> None:
        """Run until cancelled."""
        parts: list[Coroutine[Any, Any, None]] = [
            self.courier.run(),
            self.publication.run(),
            self.reports.run(),
        ]
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)


def make(pool: Pool, broker: Broker, status: Rounds, hub: Hub) -> Remote:
    """Make it all; `status` must hear the broker before."""

    def is_there(device: str) -> bool:
        said = status.said(device)
        return said is not None and said.online

    courier = Courier(pool, broker, is_there)
    publication = Publication(pool, broker)
    return Remote(
        commands=Commands(pool, broker, status, courier, hub),
        configurations=Configurations(pool, broker, status, publication),
        groups=Groups(pool, publication),
        courier=courier,
        publication=publication,
        reports=Reports(pool, broker, publication),
    )
