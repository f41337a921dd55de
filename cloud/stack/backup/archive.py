"""The file: a tar, sealed if there is a passphrase; its first member is the manifest."""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from cloud.stack.backup.errors import BackupRefused, Damaged
from cloud.stack.backup.manifest import FORMAT, Entry, Manifest
from cloud.stack.backup.sealing import MAGIC, Opener, Sealer

_MANIFEST = "manifest.json"
_MOST_MANIFEST = 64_000_000
_BLOCK = 1 << 20

Progress = Callable[[int], None]
"""Hears of every so many bytes."""


def write(
    file: Path,
    manifest: Manifest,
    sources: dict[str, Path],
    passphrase: bytes | None,
    progress: Progress,
) -> None:
    """Write it whole or not at all, mode 0600; never over a file that is there.

    `sources` has the file of each of the manifest's entries. Raises BackupRefused, OSError.
    """
    beside = file.with_name(f".{file.name}.part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            if passphrase is None:
                _write_tar(raw, manifest, sources, progress)
            else:
                sealer = Sealer(raw, passphrase)
                _write_tar(sealer, manifest, sources, progress)
                sealer.close()
            raw.flush()
            os.fsync(raw.fileno())
        try:
            os.link(beside, file)  # unlike a rename, it never takes another's place
        except FileExistsError:
            raise exists(file) from None
        _sync(file.parent)
    finally:
        beside.unlink(missing_ok=True)


def exists(file: Path) -> BackupRefused:
    """Say that nothing is overwritten."""
    return BackupRefused(
        f"{file} is there already, and a backup is never overwritten; name another"
    )


def digest(file: Path) -> str:
    """Return a file's SHA-256, hexadecimal."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class Reader:
    """A backup being read, from its beginning to its end, once."""

    def __init__(self, file: Path, tar: tarfile.TarFile) -> None:
        self._file, self._tar = file, tar
        member = tar.next()
        content = tar.extractfile(member) if member and member.name == _MANIFEST else None
        if member is None or content is None or member.size > _MOST_MANIFEST:
            raise Damaged(file, "it does not begin as a backup does")
        try:
            self.manifest = msgspec.json.decode(content.read(), type=Manifest)
        except msgspec.MsgspecError as error:
            raise Damaged(file, f"its manifest cannot be read ({error})") from None
        if self.manifest.format != FORMAT:
            raise BackupRefused(
                f"{file} has format {self.manifest.format}, made by Fieldline "
                f"{self.manifest.version}; this version reads format {FORMAT}: use that one"
            )

    def extract(self, to: Callable[[Entry], BinaryIO | None], progress: Progress) -> None:
        """Hand every file to what `to` opens for it (None: nowhere) and check its sum.

        Raises Damaged.
        """
        for entry in self.manifest.files:
            member = self._tar.next()
            source = self._tar.extractfile(member) if member and member.isreg() else None
            if member is None or source is None or member.name != entry.name:
                raise Damaged(self._file, f"{entry.name} is not where it should be")
            sink = to(entry)
            try:
                found = _copy(source, sink, progress)
            finally:
                if sink is not None:
                    sink.close()
            if found != entry.sha256:
                raise Damaged(self._file, f"{entry.name} has another checksum than it had")


@contextmanager
def opened(file: Path, passphrase: bytes | None) -> Iterator[Reader]:
    """Open a backup and read its manifest. Raises BackupRefused, Damaged, WrongPassphrase."""
    with file.open("rb") as raw:
        sealed = raw.read(len(MAGIC)) == MAGIC
        raw.seek(0)
        if sealed and passphrase is None:
            raise BackupRefused(f"{file} is encrypted; name its passphrase with --passphrase-file")
        if passphrase is not None and not sealed:
            raise BackupRefused(f"{file} is not encrypted; leave --passphrase-file out")
        stream = Opener(raw, passphrase, file) if passphrase is not None else raw
        try:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=_BLOCK) as tar:  # type: ignore[call-overload]
                yield Reader(file, tar)
        except (tarfile.TarError, EOFError) as error:
            raise Damaged(file, str(error)) from None


def _write_tar(
    to: "BinaryIO | Sealer", manifest: Manifest, sources: dict[str, Path], progress: Progress
) -> None:
    with tarfile.open(fileobj=to, mode="w|", bufsize=_BLOCK, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        tar.addfile(_member(_MANIFEST, len(text), manifest.taken), io.BytesIO(text))
        for entry in manifest.files:
            with sources[entry.name].open("rb") as source:
                tar.addfile(_member(entry.name, entry.bytes, manifest.taken), source)
            progress(entry.bytes)


def _member(name: str, size: int, at: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, int(at), 0o600
    return member


def _copy(source: IO[bytes], sink: BinaryIO | None, progress: Progress) -> str:
    found = hashlib.sha256()
    while block := source.read(_BLOCK):
        found.update(block)
        if sink is not None:
            sink.write(block)
        progress(len(block))
    return found.hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
