"""What the sources of a device should do, against what they do; pure."""

from typing import Any

import msgspec

from control_panel.model.things import Configuration

Sources = dict[str, dict[str, Any]]


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One source; None: nothing is said of it. `own_…` is what is said of this device alone."""

    name: str
    own_on: bool | None
    own_interval_s: float | None
    desired_on: bool | None
    desired_interval_s: float | None
    on: bool | None
    interval_s: float | None

    @property
    def differs(self) -> bool:
        """Whether the device does otherwise than it should."""
        return (self.desired_on is not None and self.desired_on != self.on) or (
            self.desired_interval_s is not None and self.desired_interval_s != self.interval_s
        )


def source_rows(configuration: Configuration, heard: tuple[str, ...] = ()) -> list[SourceRow]:
    """Return all sources that anything is said of, and those that were `heard` of."""
    reported = configuration.reported.sources if configuration.reported is not None else {}
    own, desired = configuration.own, configuration.desired.sources
    return [
        SourceRow(
            name=name,
            own_on=own.get(name, {}).get("on"),
            own_interval_s=own.get(name, {}).get("interval_s"),
            desired_on=desired.get(name, {}).get("on"),
            desired_interval_s=desired.get(name, {}).get("interval_s"),
            on=reported.get(name, {}).get("on"),
            interval_s=reported.get(name, {}).get("interval_s"),
        )
        for name in sorted({*own, *desired, *reported, *heard})
    ]


def edited(own: Sources, name: str, on: bool | None, interval_s: float | None) -> Sources:
    """Return the device's own document with this said of a source; the rest of it stays."""
    source = {
        key: value for key, value in own.get(name, {}).items() if key not in {"on", "interval_s"}
    }
    if on is not None:
        source["on"] = on
    if interval_s is not None:
        source["interval_s"] = interval_s
    document = {other: said for other, said in own.items() if other != name}
    return {**document, name: source} if source else document
