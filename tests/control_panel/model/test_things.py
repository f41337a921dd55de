"""The panel's values are those that the API's own document describes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from control_panel.model import things
from tests.servers import CHECKOUT

DESCRIBED = json.loads((CHECKOUT / "cloud" / "control" / "openapi.json").read_text())["components"][
    "schemas"
]
# Where the document's own name says too little away from its route.
NAMED = {
    "Command": "CommandView",
    "Configuration": "ConfigurationView",
    "Desired": "DesiredView",
    "DeviceLogin": "Login-Output",
    "Email": "Email-Output",
    "LoggedIn": "Session",
    "MaintenanceWindow": "Window",
    "NotificationTarget": "Target",
    "Reported": "ReportedView",
    "RollupSeries": "Series",
    "ServerTold": "Server",
    "Stage": "StageView",
    "StoredReading": "Reading",
    "Webhook": "Webhook-Output",
}
NOT_DESCRIBED = {"Page", "Event"}
VALUES = [
    name
    for name, one in vars(things).items()
    if isinstance(one, type)
    and issubclass(one, msgspec.Struct)
    and one.__module__ == things.__name__
    and name not in NOT_DESCRIBED
]


@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_the_members_that_the_api_describes(name: str) -> None:
    described: dict[str, Any] = DESCRIBED[NAMED.get(name, name)]
    fields = {field.name: field for field in msgspec.structs.fields(getattr(things, name))}
    assert set(fields) == set(described["properties"])
    required = {name for name, field in fields.items() if field.required}
    assert required <= set(described.get("required", []))
