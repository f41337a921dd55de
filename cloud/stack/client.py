"""Asks the API on behalf of this machine's own commands."""

import http.client
import json
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloud.stack.errors import NotReached, StackError
from cloud.stack.plan import Api
from cloud.tls import client_context

_PATIENCE_S = 120.0
_REPEATED_S = 15.0
_AGAIN_S = 1.0


class ApiAway(NotReached):
    """Nobody answers; the API does not run."""

    def __init__(self, message: str, *, asked: bool = False) -> None:
        super().__init__(message)
        self.asked = asked
        """It was reached, and may have done what it was asked."""


class ApiRefuses(StackError):
    """The API has answered with a problem; the message holds what to do."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        detail, fix = problem.get("detail", f"status {status}"), problem.get("fix", "")
        lines = [f"  line {one['line']}: {one['what']}" for one in problem.get("faults", ())
                 if "line" in one]  # fmt: skip
        super().__init__("\n".join([f"{detail}; {fix}" if fix else detail, *lines]))
        self.status = status
        self.problem = problem

    @property
    def under_way(self) -> bool:
        """Whether the same request, sent before, is being done still."""
        return str(self.problem.get("type")) == "urn:fieldline:problem:under-way"


class Client:
    """One request a call, as user `local`, role admin."""

    def __init__(self, api: Api) -> None:
        """Raises OSError if the token or the CA cannot be read."""
        self._api = api
        self._token = Path(api.token_file).read_text("utf-8").strip()
        self._context = client_context(api.ca)

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        text: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Return the answer's JSON, None if it is empty. Raises ApiAway or ApiRefuses.

        `body` is sent as JSON, or `text` as CSV. A POST whose answer was lost is sent again: its
        Idempotency-Key has the API do it once.
        """
        sent = dict(headers or {})
        content: bytes | None = None
        if body is not None:
            content, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        elif text is not None:
            content, sent["Content-Type"] = text.encode(), "text/csv"
        # A stage is started or stopped as well twice, and also while the database that would keep
        # the answer is what is stopped.
        if method == "POST" and not path.startswith("/v1/pipeline/"):
            sent.setdefault("Idempotency-Key", str(uuid.uuid4()))
        asked = False
        until = time.monotonic() + (_REPEATED_S if method == "POST" else 0)
        while True:
            try:
                with self._answer(method, path, content, sent) as answer:
                    said = answer.read()
                return json.loads(said) if said else None
            except ApiAway as error:
                asked = asked or error.asked
                if not asked or time.monotonic() >= until:
                    raise
            except ApiRefuses as error:
                if not error.under_way or time.monotonic() >= until:
                    raise
            time.sleep(_AGAIN_S)

    @contextmanager
    def stream(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """Give an answer of any length, to be read. Raises ApiAway or ApiRefuses."""
        with self._answer("GET", path, None, {}) as answer:
            yield answer

    @contextmanager
    def _answer(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPSConnection(
            self._api.host, self._api.port, timeout=_PATIENCE_S, context=self._context
        )
        asked = False
        try:
            connection.connect()
            asked = True
            connection.request(
                method, path, content, {"Authorization": f"Bearer {self._token}", **headers}
            )
            answer = connection.getresponse()
            if answer.status >= 400:
                said = answer.read()
                raise ApiRefuses(answer.status, json.loads(said) if said else {})
            yield answer
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", "") or error.reason or error
            raise ApiAway(
                f"what answers at {self._api.host}:{self._api.port} is not to be trusted ({why}); "
                "is it the API of this data folder? `fieldline restart api` gives it a new "
                "certificate; check this machine's clock, too"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise ApiAway(
                f"the API at {self._api.host}:{self._api.port} does not answer ({error}); start it "
                "with `fieldline start api`, everything with `fieldline up`; `fieldline logs api` "
                "says why it ended",
                asked=asked,
            ) from None
        finally:
            connection.close()
