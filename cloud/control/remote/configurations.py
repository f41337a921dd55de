"""What devices should do: of a device, of its groups, and what it reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from cloud.control import audit, etags, events
from cloud.control.broker import Broker
from cloud.control.database import Pool, connected
from cloud.control.principal import Principal
from cloud.control.problems import Problem, not_found
from cloud.control.remote import configuration_store as store
from cloud.control.remote import merge
from cloud.control.remote.models import (
    ConfigurationView,
    DesiredView,
    Difference,
    GroupDocument,
    ReportedView,
)
from cloud.control.remote.presence import presence
from cloud.control.remote.publication import Publication
from cloud.control.remote.words import Presence, absence
from cloud.control.status.rounds import Rounds
from wire.configuration import (
    Reported,
    SourceConfiguration,
    decode_desired,
    decode_reported,
)
from wire.errors import MessageRefused

MOST_BYTES = 65_536
"""Of a document, and of a report."""
_MOST_EVENTS = 200
_MOST_REASON = 1000

Sources = dict[str, SourceConfiguration]


@dataclass(frozen=True)
class Configurations:
    """All that can be done with the configuration of a device."""

    pool: Pool
    broker: Broker
    status: Rounds
    publication: Publication

    async def get(self, device: str) -> ConfigurationView:
        """Return desired against reported. Raises Problem 404."""
        async with connected(self.pool) as connection:
            return await self._view(connection, device)

    async def put(
        self, device: str, said: Mapping[str, Any], seen: int, principal: Principal
    ) -> ConfigurationView:
        """Say what a device itself should do. Raises Problem 404, 409, 412, 422."""
        sources = read_sources(said)
        async with connected(self.pool) as connection:
            await store.lock(connection)
            row = await _row(connection, device)
            if row["registration"] == "gone" or await store.unfit(connection, [device]):
                raise Problem(
                    409, "not-configurable", f"{device} is gone, or does not run the agent",
                    "only devices that run the agent take a configuration",
                )  # fmt: skip
            etags.check(seen, row["version"])
            _check_known(device, sources, row["reported"])
            await store.say(connection, device, encode(sources))
            await audit.record(
                connection, principal, "device.configure", f"device/{device}",
                before={"sources": msgspec.json.decode(row["own"])},
                after={"sources": msgspec.json.decode(encode(sources))},
            )  # fmt: skip
            changed = await settle(connection, [device])
            view = await self._view(connection, device)
        self.publication.publish_soon(changed)
        return view

    async def _view(self, connection: store.Connection, device: str) -> ConfigurationView:
        row = await _row(connection, device)
        groups = await store.documents(connection, row["groups"])
        reported = _reported(row["reported"])
        desired = _sources(row["desired"])
        _, left_out = merge.of_device(
            [_sources(groups[name]["sources"]) for name in row["groups"]],
            {},
            None if reported is None else reported.sources,
        )
        there = presence(self.status, device, row)
        in_doubt = row["state"] in {merge.IN_STEP, merge.DIFFERS} and reported is not None
        return ConfigurationView(
            device=device,
            state=row["state"],
            reason=row["reason"],
            since=row["since"],
            own=msgspec.json.decode(row["own"]),
            groups=[
                GroupDocument(
                    group=name,
                    priority=groups[name]["priority"],
                    sources=msgspec.json.decode(groups[name]["sources"]),
                )
                for name in row["groups"]
            ],
            left_out=left_out,
            desired=DesiredView(version=row["number"], sources=msgspec.json.decode(row["desired"])),
            reported=None if reported is None else ReportedView(**msgspec.to_builtins(reported)),
            heard=row["heard"] if reported else None,
            differences=[
                Difference(key=one.key, desired=one.desired, reported=one.reported)
                for one in (merge.differences(desired, reported.sources) if reported else ())
            ]
            if in_doubt
            else [],
            online=there.online is True,
            note=self._note(row, there),
            version=row["version"],
        )

    def _note(self, row: dict[str, Any], there: Presence) -> str:
        device = row["device"]
        match row["state"]:
            case merge.WAITING:
                away = absence(device, there) if self.broker.connected else "the broker is away"
                if away:
                    return f"{away}; {device} takes version {row['number']} when it comes back"
                return f"{device} was told version {row['number']} and has not answered yet"
            case merge.REFUSED:
                return f"{device} refuses version {row['number']}: {row['reason']}"
            case merge.DIFFERS:
                return f"{device} has taken version {row['number']}; {row['reason']}"
            case _ if row["number"] == 0:
                return f"{device} was never told anything: its agent.toml holds"
            case _:
                return f"{device} does what it should"


async def settle(
    connection: store.Connection, devices: Sequence[str], heard: Mapping[str, str] | None = None
) -> list[str]:
    """Merge anew what devices should do, and judge how they stand; returns who is told otherwise.

    `heard`: what devices have reported now, JSON. Under the lock of `store.lock`.
    """
    heard = heard or {}
    rows = await store.layers(connection, devices)
    groups = await store.documents(connection, sorted({g for row in rows for g in row["groups"]}))
    documents = {name: _sources(group["sources"]) for name, group in groups.items()}
    kept, told, stood = [], [], []
    for row in rows:
        device = row["device"]
        text = heard.get(device, row["reported"])
        reported = _reported(text)
        desired, _ = merge.of_device(
            [documents[name] for name in row["groups"]],
            _sources(row["own"]),
            None if reported is None else reported.sources,
        )
        said = encode(desired)
        number = row["number"]
        if said != row["desired"]:
            number += 1
            told.append(device)
        state, reason = merge.standing(number, desired, reported)
        reason = reason[:_MOST_REASON]
        if (number, state, reason, text) != tuple(
            row[key] for key in ("number", "state", "reason", "reported")
        ):
            kept.append((device, said, number, text, state, reason))
            stood.append((device, number, state, reason))
    await store.keep(connection, kept)
    if len(stood) > _MOST_EVENTS:  # more than anybody follows: they look anew
        await events.publish(connection, "configuration", "", "many", count=len(stood))
    else:
        for device, number, state, reason in stood:
            await events.publish(
                connection, "configuration", device, state, version=number, reason=reason
            )
    return told


def read_sources(said: Mapping[str, Any]) -> Sources:
    """Read a document as a device would. Raises Problem 422."""
    try:
        sources = decode_desired(msgspec.json.encode({"version": 0, "sources": said})).sources
    except (MessageRefused, ValueError, OverflowError, TypeError) as error:
        text = error.detail if isinstance(error, MessageRefused) else str(error)
        raise Problem(
            422, "bad-configuration", text.replace("`$.sources", "`$"),
            "of a source: `on`, `interval_s` and `calibration`; see docs/control.md",
        ) from None  # fmt: skip
    size = len(encode(sources))
    if size > MOST_BYTES:
        raise Problem(
            422, "too-large", f"the document has {size} bytes, {MOST_BYTES} at most", "say less"
        )
    return sources


def encode(sources: Sources) -> str:
    """Write a document so that equal ones are equal as texts, without what says nothing."""
    said = msgspec.to_builtins(sources)
    for source in said.values():
        if not source["calibration"]:
            del source["calibration"]
    return msgspec.json.encode(said, order="sorted").decode()


def report_of(payload: bytes) -> str:
    """Return a report as it is kept. Raises MessageRefused."""
    if len(payload) > MOST_BYTES:
        raise MessageRefused("reported configuration", f"it has {len(payload)} bytes")
    return msgspec.json.encode(decode_reported(payload), order="sorted").decode()


def _check_known(device: str, sources: Sources, reported: str | None) -> None:
    report = _reported(reported)
    if report is None:
        return
    for name in sources:
        if name not in report.sources:
            known = ", ".join(report.sources) or "none"
            raise Problem(
                422, "no-such-source", f"there is no source {name!r}; {device} has: {known}",
                "name one of these; sources are added in its agent.toml",
            )  # fmt: skip


async def _row(connection: store.Connection, device: str) -> dict[str, Any]:
    rows = await store.layers(connection, [device])
    if not rows:
        raise not_found("device", device)
    return rows[0]


def _sources(text: str) -> Sources:
    return msgspec.json.decode(text, type=Sources)


def _reported(text: str | None) -> Reported | None:
    return None if text is None else msgspec.json.decode(text, type=Reported)
