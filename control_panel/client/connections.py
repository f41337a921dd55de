"""HTTPS connections to one server, kept open and lent out."""

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Lock
from types import MappingProxyType
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from control_panel.client.clock import Clock
from control_panel.client.errors import NotReached, NotTrusted, TooSlow

_KEPT = 4
_NOT_YET_VALID, _EXPIRED = 9, 10  # openssl-verification-options(1)
_WRONG_NAMES = {62, 64}
_CUT_OFF = ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError


class Request(NamedTuple):
    """What is asked."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = MappingProxyType({})


class Answer(NamedTuple):
    """What comes back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def trusting(ca: str) -> ssl.SSLContext:
    """Return a context that trusts these CAs (PEM) alone; TLS 1.2 at least. Raises NotTrusted."""
    try:
        context = ssl.create_default_context(cadata=ca)
    except ssl.SSLError as error:
        raise NotTrusted(
            f"the server's CA is unusable ({error.reason or error})", "Pair the panel anew"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Long(Protocol):
    """An answer of any length, as it is read."""

    status: int
    headers: http.client.HTTPMessage

    def read(self, amount: int = ..., /) -> bytes:
        """Return some or all of what is left; empty at its end."""
        ...

    def readline(self) -> bytes:
        """Return the next line with its end; empty at the end of all."""
        ...


class Asked(Protocol):
    """Whoever answers what an API asks: one server, or a recording of one."""

    clock: Clock

    def ask(self, request: Request, within_s: float) -> Answer:
        """Return the answer, whatever its status. Raises ClientError."""
        ...

    def reading(
        self, path: str, headers: dict[str, str], within_s: float
    ) -> AbstractContextManager[Long]:
        """Give an answer of any length, to be read."""
        ...

    def trust(self, ca: str) -> None:
        """Believe these CAs (PEM) from now on."""
        ...

    def close(self) -> None:
        """End; whoever reads a long answer is told that it is over."""
        ...


class Connections:
    """Lends connections; may be used from many threads."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        """`url` is like `https://server:8443`."""
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.port = parts.port or 443
        self.clock = Clock()
        """Set by what the server says."""
        self._context = context
        self._idle: list[http.client.HTTPSConnection] = []
        self._reading: set[http.client.HTTPSConnection] = set()
        self._closed = False
        self._lock = Lock()

    def ask(self, request: Request, within_s: float) -> Answer:
        """Return the answer, whatever its status. Raises NotReached, TooSlow, NotTrusted.

        A kept connection that the server has closed meanwhile is replaced, once; so a request may
        reach the server twice: what must not be done twice carries an Idempotency-Key.
        """
        with self._named_errors():
            connection = self._take()
            fresh = connection is None
            connection = connection or self._new(within_s)
            try:
                answer = self._once(connection, request, within_s)
            except (http.client.HTTPException, ConnectionError, *_CUT_OFF):
                connection.close()
                if fresh:
                    raise
                connection = self._new(within_s)
                answer = self._once(connection, request, within_s)
            return answer

    @contextmanager
    def reading(
        self, path: str, headers: dict[str, str], within_s: float
    ) -> Iterator[http.client.HTTPResponse]:
        """Give an answer of any length, to be read; each read has the time limit."""
        with self._named_errors():
            connection = self._new(within_s)
            try:
                connection.connect()
                with self._lock:
                    self._reading.add(connection)
                asked = time.monotonic()
                connection.request("GET", path, None, headers)
                answer = connection.getresponse()
                self.clock.heard(answer.headers["Date"], time.monotonic() - asked)
                yield answer
            finally:
                with self._lock:
                    self._reading.discard(connection)
                connection.close()

    def trust(self, ca: str) -> None:
        """Believe these CAs (PEM) from the next connection on. Raises NotTrusted."""
        self._context = trusting(ca)
        self._close_idle()

    def close(self) -> None:
        """Keep no connection from now on; whoever reads a long answer is told that it was lost."""
        with self._lock:
            self._closed = True
            reading = list(self._reading)
        for connection in reading:
            with suppress(OSError, AttributeError):  # it may end by itself meanwhile
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._close_idle()

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _once(
        self, connection: http.client.HTTPSConnection, request: Request, within_s: float
    ) -> Answer:
        try:
            if connection.sock is not None:
                connection.sock.settimeout(within_s)
            asked = time.monotonic()
            connection.request(request.method, request.path, request.body, dict(request.headers))
            answer = connection.getresponse()
            self.clock.heard(answer.headers["Date"], time.monotonic() - asked)
            said = answer.read()
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self._give_back(connection)
        return Answer(answer.status, answer.headers, said)

    def _new(self, within_s: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self.host, self.port, timeout=within_s, context=self._context
        )

    def _take(self) -> http.client.HTTPSConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: http.client.HTTPSConnection) -> None:
        with self._lock:
            if len(self._idle) < _KEPT and not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        where = f"{self.host}:{self.port}"
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise _distrust(where, error) from None
        except _CUT_OFF:
            raise NotReached(
                f"the connection to {where} was cut off",
                "Is the network there, and the server running?",
            ) from None
        except ssl.SSLError as error:
            raise NotTrusted(
                f"{where} does not speak TLS as it should ({error.reason or error})",
                "Is this the address of the server's API?",
            ) from None
        except TimeoutError:
            raise TooSlow(
                f"{where} does not answer in time", "Is the server busy, or the network slow?"
            ) from None
        except socket.gaierror:
            raise NotReached(
                f"the name {self.host} is not known in this network",
                "Check the name; is this computer in the server's network?",
            ) from None
        except ConnectionRefusedError:
            raise NotReached(
                f"nobody answers at {where}",
                "Is the server running (`fieldline status` there), and the port open?",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise NotReached(
                f"the connection to {where} was lost ({str(error) or type(error).__name__})",
                "Is the network there, and the server running?",
            ) from None


def _distrust(where: str, error: ssl.SSLCertVerificationError) -> NotTrusted:
    if error.verify_code in {_NOT_YET_VALID, _EXPIRED}:
        early = error.verify_code == _NOT_YET_VALID
        return NotTrusted(
            f"the certificate of {where} is not valid yet"
            if early
            else f"the certificate of {where} is not valid any more",
            "Is this computer's clock right? Else `fieldline up` on the server renews it",
        )
    if error.verify_code in _WRONG_NAMES:
        return NotTrusted(
            f"the certificate of {where} is for another name",
            "Use the name that the server was given, or add this one to its settings ([api] names)",
        )
    return NotTrusted(
        f"{where} is not the server that this panel was paired with ({error.verify_message})",
        "Nothing was sent to it. Was the server set up anew? Then pair the panel again",
    )
