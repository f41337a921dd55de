"""The page that describes the API, against the API."""

from __future__ import annotations

import json
from pathlib import Path

import cloud.control
from cloud.control.app import page
from tests.cloud.control.api import Api

PAGE = Path(cloud.control.__file__).with_name("openapi.json")


def test_the_committed_page_is_what_the_code_says() -> None:
    """Made anew by `python -m cloud.control --openapi > cloud/control/openapi.json`."""
    assert json.loads(PAGE.read_text()) == page()


def test_the_page_is_served_as_committed(api: Api) -> None:
    with api.client() as client:
        assert client.get("/v1/openapi.json").json() == json.loads(PAGE.read_text())
