"""Which stage needs which, and what it means to stop one. Pure."""

from collections.abc import Collection, Sequence
from typing import Literal

from cloud.stack.plan import STAGES, STOP_ORDER

Action = Literal["start", "stop", "restart"]

OWN = "api"
"""The stage that answers here: it cannot stop itself and say so."""

NEEDS: dict[str, tuple[str, ...]] = {
    "broker": (),
    "kafka": (),
    "postgres": (),
    "api": ("postgres", "broker"),
    "bridge": ("broker", "kafka"),
    "stream": ("kafka", "postgres"),
    "grafana": ("postgres",),
}

_STOPS = {
    "broker": (
        (
            "Devices can neither send nor be told anything: each keeps its readings in its own "
            "buffer, and sends them when the broker is back."
        ),
        (
            "The panel sees no live values, and a device that is revoked now is cut off when the "
            "broker is back, not at once."
        ),
    ),
    "kafka": (
        (
            "The bridge takes no more packs: readings wait in the devices' buffers, because no "
            "device is told that they arrived."
        ),
        "The stream has nothing to read.",
    ),
    "postgres": (
        (
            "Nothing is stored: readings wait in Kafka, and those that Kafka does not keep long "
            "enough wait in the devices' buffers too, until they are stored."
        ),
        (
            "Dashboards and this API have no data, and nobody can log in here: only this machine's "
            "own `fieldline` command can start it again."
        ),
    ),
    "bridge": (
        (
            "Packs go no further than the broker: readings wait in the devices' buffers, and are "
            "sent again when the bridge is back."
        ),
    ),
    "stream": (
        (
            "Nothing new is stored, and no alert is evaluated: readings wait in Kafka, and in the "
            "devices' buffers until they are stored."
        ),
    ),
    "grafana": ("Dashboards cannot be looked at. Readings are stored as before.",),
    "api": ("Nobody can log in or change anything. Readings are stored as before.",),
}
_STARTS = {
    "broker": "Devices connect again and send what they have kept.",
    "kafka": "The bridge goes on, and devices send what they have kept.",
    "postgres": "The stream goes on where it ended, and people can log in again.",
    "bridge": "Devices send what they have kept.",
    "stream": "What waits in Kafka is stored, oldest first.",
    "grafana": "Dashboards can be looked at.",
    "api": "People can log in again.",
}


def dependents(stage: str, among: Collection[str]) -> list[str]:
    """Return the stages that directly need this one, in order."""
    return [one for one in STAGES if one in among and stage in NEEDS.get(one, ())]


def order(stages: Collection[str], action: Action) -> list[str]:
    """Return in which order the whole pipeline is started or stopped.

    PostgreSQL is left running by a stop: the API knows by it who may start everything again.
    """
    if action == "start":
        return [stage for stage in STAGES if stage in stages and stage != OWN]
    return [stage for stage in STOP_ORDER if stage in stages and stage not in {OWN, "postgres"}]


def consequences(stage: str, action: Action, among: Collection[str]) -> list[str]:
    """Say in sentences what an action on a stage brings about."""
    waiting = dependents(stage, among)
    if action == "start":
        return [_STARTS[stage]]
    said = list(_STOPS[stage])
    if waiting:
        said.append(f"Without {stage} no progress is made by: {', '.join(waiting)}.")
    if action == "restart":
        said = ["For some seconds:", *said, f"Then: {_STARTS[stage]}"]
    if stage != "grafana":
        said.append("No reading is lost while the devices' buffers have room.")
    return said


def whole_consequences(action: Action, stages: Sequence[str]) -> list[str]:
    """Say what an action on everything brings about."""
    named = ", ".join(order(stages, action))
    if action == "start":
        return [f"These are started, in this order: {named}.", "Devices send what they have kept."]
    said = [
        f"These are stopped, in this order: {named}. PostgreSQL and the API stay.",
        "Nothing is received or stored: readings wait in the devices' buffers.",
        "No reading is lost while the devices' buffers have room.",
    ]
    if action == "restart":
        said.append("Then all are started again, and devices send what they have kept.")
    return said
