"""Groups of devices that share a configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cloud.control import audit, etags, events
from cloud.control.database import Pool, connected
from cloud.control.principal import Principal
from cloud.control.problems import Problem, not_found
from cloud.control.remote import configuration_store as store
from cloud.control.remote.configurations import encode, read_sources, settle
from cloud.control.remote.models import Group, GroupChange, GroupConfiguration, GroupRequest
from cloud.control.remote.publication import Publication


@dataclass(frozen=True)
class Groups:
    """All that can be done with groups."""

    pool: Pool
    publication: Publication

    async def page(self, after: str | None, limit: int) -> list[Group]:
        """Return the groups after a name."""
        async with connected(self.pool) as connection:
            return [_group(row) for row in await store.groups(connection, after, limit)]

    async def make(self, asked: GroupRequest, principal: Principal) -> Group:
        """Make a group. Raises Problem 409."""
        async with connected(self.pool) as connection:
            await store.lock(connection)
            if not await store.add_group(connection, asked.name, asked.label, asked.priority):
                raise Problem(
                    409, "name-taken", f"there is a group {asked.name} already",
                    "choose another name, or change that one",
                )  # fmt: skip
            await audit.record(
                connection, principal, "group.create", f"group/{asked.name}", after=_said(asked)
            )
            await events.publish(connection, "group", asked.name, "created")
            return _group(await _row(connection, asked.name))

    async def get(self, name: str) -> Group:
        """Return a group. Raises Problem 404."""
        async with connected(self.pool) as connection:
            return _group(await _row(connection, name))

    async def change(
        self, name: str, change: GroupChange, seen: int, principal: Principal
    ) -> Group:
        """Change label and priority. Raises Problem 404, 412."""
        async with connected(self.pool) as connection:
            row = await self._locked(connection, name, seen)
            await store.change_group(
                connection, name, change.label, change.priority, row["sources"]
            )
            await audit.record(
                connection,
                principal,
                "group.change",
                f"group/{name}",
                before=_said(row),
                after=_said(change),
            )
            await events.publish(connection, "group", name, "changed")
            told = await settle(connection, await store.members(connection, name))
            group = _group(await _row(connection, name))
        self.publication.publish_soon(told)
        return group

    async def delete(self, name: str, seen: int, principal: Principal) -> None:
        """Delete a group; its devices go on without it. Raises Problem 404, 412."""
        async with connected(self.pool) as connection:
            row = await self._locked(connection, name, seen)
            members = await store.members(connection, name)
            await store.delete_group(connection, name)
            before = {**_said(row), "sources": msgspec.json.decode(row["sources"])}
            await audit.record(
                connection, principal, "group.delete", f"group/{name}", before=before
            )
            await events.publish(connection, "group", name, "deleted")
            told = await settle(connection, members)
        self.publication.publish_soon(told)

    async def members(self, name: str, after: str | None, limit: int) -> list[str]:
        """Return a group's devices after a name. Raises Problem 404."""
        async with connected(self.pool) as connection:
            await _row(connection, name)
            return await store.members(connection, name, after, limit)

    async def move(
        self, name: str, add: list[str], remove: list[str], principal: Principal
    ) -> tuple[int, int]:
        """Put devices in and take devices out; returns how many were not so before.

        Raises Problem 404, 422.
        """
        async with connected(self.pool) as connection:
            await store.lock(connection)
            await _row(connection, name)
            if unfit := await store.unfit(connection, add):
                raise Problem(
                    422, "no-such-device",
                    f"there is no device {unfit[0]} that runs the agent"
                    + (f", and {len(unfit) - 1} more" if unfit[1:] else ""),
                    "see `fieldline device list`; nothing was changed", devices=unfit[:1000],
                )  # fmt: skip
            added = await store.add_members(connection, name, add)
            removed = await store.remove_members(connection, name, remove)
            told: list[str] = []
            if added or removed:
                await audit.record(
                    connection,
                    principal,
                    "group.members",
                    f"group/{name}",
                    after={"add": add, "remove": remove},
                )
                await events.publish(connection, "group", name, "members")
                told = await settle(connection, sorted({*add, *remove}))
        self.publication.publish_soon(told)
        return added, removed

    async def configuration(self, name: str) -> GroupConfiguration:
        """Return what a group says, and how its devices stand. Raises Problem 404."""
        async with connected(self.pool) as connection:
            return await self._configuration(connection, name)

    async def configure(
        self, name: str, said: Mapping[str, Any], seen: int, principal: Principal
    ) -> GroupConfiguration:
        """Say what the devices of a group should do. Raises Problem 404, 412, 422."""
        sources = read_sources(said)
        async with connected(self.pool) as connection:
            row = await self._locked(connection, name, seen)
            await store.change_group(
                connection, name, row["label"], row["priority"], encode(sources)
            )
            await audit.record(
                connection,
                principal,
                "group.configure",
                f"group/{name}",
                before={"sources": msgspec.json.decode(row["sources"])},
                after={"sources": msgspec.json.decode(encode(sources))},
            )
            await events.publish(connection, "group", name, "configured")
            told = await settle(connection, await store.members(connection, name))
            found = await self._configuration(connection, name)
        self.publication.publish_soon(told)
        return found

    async def _configuration(self, connection: store.Connection, name: str) -> GroupConfiguration:
        row = await _row(connection, name)
        return GroupConfiguration(
            group=name,
            sources=msgspec.json.decode(row["sources"]),
            members=row["members"],
            states=await store.states(connection, name),
            version=row["version"],
        )

    async def _locked(self, connection: store.Connection, name: str, seen: int) -> dict[str, Any]:
        await store.lock(connection)
        row = await _row(connection, name)
        etags.check(seen, row["version"])
        return row


async def _row(connection: store.Connection, name: str) -> dict[str, Any]:
    row = await store.group(connection, name)
    if row is None:
        raise not_found("group", name)
    return row


def _group(row: dict[str, Any]) -> Group:
    return Group(**{key: row[key] for key in Group.model_fields})


def _said(of: GroupRequest | GroupChange | dict[str, Any]) -> dict[str, Any]:
    keys = ("label", "priority")
    return {key: of[key] if isinstance(of, dict) else getattr(of, key) for key in keys}
