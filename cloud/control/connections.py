"""One connection of a client: what it may cost before it has asked for anything.

uvicorn waits for the head of a request without end and takes one of any size; a few hundred
connections that say a byte now and then would keep everybody else out.
"""

import asyncio
import json
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cloud.control.problems import MEDIA_TYPE

HEAD_SECONDS = 15.0
HEAD_BYTES = 64 * 1024
MOST_OF_AN_ADDRESS = 250
"""Of 1,000: whoever shares an address (a site behind one) has room, and nobody takes it all."""


class Connection(HttpToolsProtocol):
    """uvicorn's own, with an end to the patience. (A protocol is what uvicorn takes; there is no
    setting.)"""

    _patience: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a head from now on."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        same = sum(
            1
            for one in self.connections
            if isinstance(one, Connection) and one.client and one.client[0] == address
        )
        if same > MOST_OF_AN_ADDRESS:
            self._refuse(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too-many-connections",
                f"there are {MOST_OF_AN_ADDRESS} connections from {address}",
                "close some, or use one for many requests",
            )
        else:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take in what came; what makes no whole head is counted."""
        idle = self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]
        if self._patience is None and idle:
            self._await_head()
        super().data_received(data)
        if self._patience is None or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head-too-large",
                f"the head of a request holds at most {HEAD_BYTES // 1024} KiB",
                "send fewer and shorter headers",
            )

    def on_headers_complete(self) -> None:
        """Wait no longer."""
        self._be_patient()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._be_patient()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._patience = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        self._refuse(
            HTTPStatus.REQUEST_TIMEOUT,
            "too-slow",
            f"the head of a request did not come within {HEAD_SECONDS:.0f} s",
            "send it again",
        )

    def _refuse(self, status: HTTPStatus, kind: str, detail: str, fix: str) -> None:
        self._be_patient()
        self._unset_keepalive_if_required()
        body = json.dumps(
            {
                "type": f"urn:fieldline:problem:{kind}", "title": kind.replace("-", " "),
                "status": int(status), "detail": detail, "fix": fix, "instance": "",
            }
        ).encode()  # fmt: skip
        head = (
            f"HTTP/1.1 {int(status)} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)
            self.transport.close()
