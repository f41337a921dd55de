"""Whatever is sent: no answer of 500, none that the page does not describe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cloud.control.app import page
from cloud.control.principal import Role
from tests.cloud.control.alone import alone_api
from tests.cloud.control.api import Api
from tests.cloud.control.played import played_stages
from tests.cloud.control.test_access import WANTED, token_of
from tests.servers import Postgres
from tests.waiting import eventually

EXAMPLES = int(os.environ.get("FIELDLINE_FUZZ_EXAMPLES", "8"))
"""`make fuzz` asks for many more, and others each time."""
# Those that judge the answer; the others send more, past the login and the CA.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What never ends, and what ends the token that is used.
NOT_ASKED = {"GET /v1/events", "DELETE /v1/sessions/current"}

_page = schemathesis.openapi.from_dict(page())
OPERATIONS = {
    operation.label: operation
    for operation in (found.ok() for found in _page.get_all_operations())  # type: ignore[union-attr]
    if operation.label not in NOT_ASKED
}


@pytest.fixture(scope="module")
def fuzzed(postgres: Postgres) -> Iterator[Api]:
    """An API of its own, with a pipeline: what is sent to it stops stages, locks out, rotates."""
    with alone_api(postgres, "fuzzed") as api, played_stages(api):
        with api.client(api.local_token) as client:
            eventually(
                lambda: client.get("/v1/pipeline").status_code == 200,
                within=30, what="the stages are seen",
            )  # fmt: skip
        yield api


@pytest.mark.parametrize("label", OPERATIONS)
def test_an_answer_is_one_that_the_page_describes(fuzzed: Api, label: str) -> None:
    api = fuzzed
    token = token_of(api, Role.ADMIN)  # a new one, that nothing sent before has revoked
    ca = str(api.certificates.ca)

    @given(case=OPERATIONS[label].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=EXAMPLES <= 8,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
        answer = case.call(base_url=api.url, session=session, verify=ca)
        assert answer.status_code != 401 or WANTED[label] == "open", "it was not let in"
        case.validate_response(answer, checks=CHECKS)

    with requests.Session() as session:
        session.trust_env = False  # a CA of the environment would be taken for the stack's
        check()
