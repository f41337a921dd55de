"""Encryption of a stream with a passphrase: scrypt, then AES-256-GCM by chunks.

A header (magic, scrypt's parameters, salt, nonce prefix), which every chunk authenticates, then
chunks of 1 MiB. A chunk's nonce is prefix, number, and whether it is the last: so no chunk can be
left out, moved, or cut off (the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár, "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015).
"""

import secrets
import struct
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cloud.stack.backup.errors import Damaged, WrongPassphrase

MAGIC = b"FLSEAL1\n"
CHUNK = 1 << 20
_TAG = 16
_HEADER = struct.Struct(">8sBBB16s7s")
_LOG_N, _R, _P = 17, 8, 1  # 128 MiB, about half a second
_NONCE_TAIL = struct.Struct(">I?")


class Sealer:
    """Takes plain bytes, writes sealed ones; `close` makes it whole."""

    def __init__(self, to: BinaryIO, passphrase: bytes, log_n: int = _LOG_N) -> None:
        """`log_n` is the logarithm of scrypt's cost; less is only for tests."""
        salt, self._prefix = secrets.token_bytes(16), secrets.token_bytes(7)
        self._header = _HEADER.pack(MAGIC, log_n, _R, _P, salt, self._prefix)
        self._cipher = AESGCM(_key(passphrase, salt, log_n, _R, _P))
        self._to = to
        self._number = 0
        self._waiting = bytearray()
        to.write(self._header)

    def write(self, data: bytes) -> int:
        """Take some."""
        self._waiting += data
        while len(self._waiting) > CHUNK:  # the last chunk is known as such only by `close`
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def close(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        nonce = self._prefix + _NONCE_TAIL.pack(self._number, last)
        self._to.write(self._cipher.encrypt(nonce, plain, self._header))
        self._number += 1


class Opener:
    """Reads sealed bytes, gives plain ones. Raises WrongPassphrase or Damaged, as it goes."""

    def __init__(self, of: BinaryIO, passphrase: bytes, file: Path) -> None:
        self._header = of.read(_HEADER.size)
        self._of, self._file = of, file
        if len(self._header) < _HEADER.size:
            raise Damaged(file, "it ends in its header")
        _, log_n, r, p, salt, self._prefix = _HEADER.unpack(self._header)
        if log_n not in range(1, _LOG_N + 1) or (r, p) != (_R, _P):
            raise Damaged(file, "its header asks for another key than is ever made")
        self._cipher = AESGCM(_key(passphrase, salt, log_n, r, p))
        self._next = of.read(CHUNK + _TAG)
        self._number = 0
        self._plain = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """Give up to `size` bytes; none at the end."""
        while not self._plain and not self._ended:
            self._open()
        given, self._plain = self._plain[:size], self._plain[size:]
        return given

    def _open(self) -> None:
        sealed, self._next = self._next, self._of.read(CHUNK + _TAG)
        self._ended = not self._next
        nonce = self._prefix + _NONCE_TAIL.pack(self._number, self._ended)
        try:
            self._plain = self._cipher.decrypt(nonce, sealed, self._header)
        except InvalidTag:
            if self._number == 0:
                raise WrongPassphrase(self._file) from None
            raise Damaged(self._file, "what is sealed was changed, or cut off") from None
        self._number += 1


def _key(passphrase: bytes, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=1 << log_n, r=r, p=p).derive(passphrase)
