"""A TLS socket that keeps PUBLISH from paho and gathers what is to be sent."""

import socket
import ssl
from typing import Any

from cloud.bridge.frames import Frames, Handle

_GOODBYE_S = 0.3
_READ_BYTES = 65_536
_READS_A_TURN = 32


class FramedSocket(ssl.SSLSocket):
    """What paho reads has no PUBLISH in it; what it sends is gathered until `flush`."""

    frames: Frames
    outgoing: bytearray
    attached: bool = False
    ended: bool = False
    patient: bool = False  # when closed, see to it that all has arrived

    def attach(self, handle: Handle) -> None:
        """Begin; Python makes an SSLSocket without calling its constructor."""
        self.frames = Frames(handle)
        self.outgoing = bytearray()
        self.attached = True
        self.setblocking(False)

    def take(self, *, hold: bool) -> bool:
        """Receive what there is; returns whether there may be more at once.

        With `hold` a PUBLISH is left where it is, and nothing behind it is read.
        """
        frames = self.frames
        if frames.blocked and hold:
            return False
        if frames.blocked:
            frames.feed(b"")
        try:
            for _ in range(_READS_A_TURN):
                data = self.read(_READ_BYTES)
                if not data:
                    self.ended = True
                    return False
                frames.feed(data, hold=hold)
                if frames.blocked:
                    return False
        except ssl.SSLWantReadError:
            return False
        except OSError:
            self.ended = True
            return False
        return True

    def flush(self) -> None:
        """Send what has been gathered, as far as it goes."""
        outgoing = self.outgoing
        try:
            while outgoing:
                del outgoing[: self.write(outgoing)]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError:
            self.ended = True

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:  # noqa: ARG002
        """Give paho what is not PUBLISH."""
        rest = self.frames.rest
        if rest:
            data = bytes(rest[:buflen])
            del rest[:buflen]
            return data
        if self.ended:
            return b""
        raise ssl.SSLWantReadError

    def send(self, data: Any, flags: int = 0) -> int:  # noqa: ARG002
        """Take what paho sends; it goes with the next `flush`."""
        self.outgoing += data
        return len(data)

    def pending(self) -> int:
        """How many bytes paho can have at once."""
        return len(self.frames.rest)

    def close(self) -> None:
        """Close; if `patient`, when the broker has had everything."""
        if self.attached and not self.ended:
            self.flush()  # paho closes as soon as it has handed over its goodbye
            if self.patient:
                self._hear_out()
        super().close()

    def _hear_out(self) -> None:
        """Read until the broker has closed: closed with bytes unread, TCP drops what we sent."""
        try:
            socket.socket.shutdown(self, socket.SHUT_WR)
            self.settimeout(_GOODBYE_S)
            while socket.socket.recv(self, _READ_BYTES):
                pass
        except OSError:
            return
