"""The file itself: whole or refused, sealed or open, never over another."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.stack.backup import archive, passphrase, sealing
from cloud.stack.backup.errors import BackupRefused, Damaged, WrongPassphrase
from cloud.stack.backup.manifest import FORMAT, Entry, Manifest
from cloud.stack.backup.sealing import CHUNK, Opener, Sealer

KEY = b"correct horse battery staple"


def no_progress(_: int) -> None:
    pass


def make(folder: Path, key: bytes | None, *names: str) -> Path:
    """Write a backup with a file of each name, which holds its name many times."""
    sources = {}
    for number, name in enumerate(names):
        sources[name] = folder / f"source-{number}"
        sources[name].write_bytes(name.encode() * 5000)
    entries = tuple(
        Entry(name, source.stat().st_size, archive.digest(source))
        for name, source in sources.items()
    )
    manifest = Manifest(FORMAT, "0.1.0", 1.8e9, "lab", 150012, {"0001.sql": "x"}, 2, 100, entries)
    file = folder / "made.backup"
    archive.write(file, manifest, sources, key, no_progress)
    return file


def read(file: Path, key: bytes | None) -> dict[str, bytes]:
    found: dict[str, bytes] = {}

    class Kept(io.BytesIO):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def close(self) -> None:
            found[self.name] = self.getvalue()
            super().close()

    with archive.opened(file, key) as reader:
        reader.extract(lambda entry: Kept(entry.name), no_progress)
    return found


@pytest.mark.parametrize("key", [None, KEY])
def test_what_was_written_is_read(tmp_path: Path, key: bytes | None) -> None:
    file = make(tmp_path, key, "secrets/one", "tls/ca.pem", "database.dump")
    assert file.stat().st_mode & 0o777 == 0o600
    found = read(file, key)
    assert found == {
        name: name.encode() * 5000 for name in ("secrets/one", "tls/ca.pem", "database.dump")
    }
    assert list(tmp_path.glob(".*")) == []


def test_a_sealed_one_shows_nothing_of_what_is_in_it(tmp_path: Path) -> None:
    content = make(tmp_path, KEY, "secrets/one").read_bytes()
    assert b"secrets" not in content
    assert b"manifest" not in content


def test_another_file_is_never_overwritten(tmp_path: Path) -> None:
    before = make(tmp_path, None, "one").read_bytes()
    with pytest.raises(BackupRefused, match="never overwritten"):
        make(tmp_path, None, "two")
    assert (tmp_path / "made.backup").read_bytes() == before


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[: len(content) // 2],
        lambda content: (
            content[:-600] if len(content) > 3_000_000 else content[: len(content) // 3]
        ),
        lambda content: content[:40_000] + bytes([content[40_000] ^ 1]) + content[40_001:],
        lambda content: content[:5],
        lambda _: b"",
    ],
)
def test_what_was_cut_off_or_changed_is_refused(
    tmp_path: Path, key: bytes | None, spoil: Callable[[bytes], bytes]
) -> None:
    file = make(tmp_path, key, "one", "two", "three")
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises((Damaged, WrongPassphrase, BackupRefused)):
        read(file, key)


def test_another_passphrase_opens_nothing(tmp_path: Path) -> None:
    file = make(tmp_path, KEY, "one")
    with pytest.raises(WrongPassphrase, match="passphrase is not the one"):
        read(file, b"another passphrase")
    with pytest.raises(BackupRefused, match="name its passphrase"):
        read(file, None)


def test_a_passphrase_for_what_is_open_is_said_to_be_of_no_use(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="is not encrypted"):
        read(make(tmp_path, None, "one"), KEY)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("12345\n")
    with pytest.raises(BackupRefused, match="fewer than 12"):
        passphrase.read(str(file))


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a//b", "a/./b", "", "a\0b", "secrets/.."])
def test_a_name_that_leaves_the_data_folder_is_refused(name: str) -> None:
    text = msgspec.json.encode({"name": name, "bytes": 1, "sha256": "0" * 64})
    with pytest.raises(msgspec.ValidationError, match="no path below"):
        msgspec.json.decode(text, type=Entry)


@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK]),
    st.integers(CHUNK // 16, 3 * CHUNK),
)
def test_any_length_is_sealed_and_opened_in_any_pieces(length: int, piece: int) -> None:
    plain = bytes(length)
    sealed = io.BytesIO()
    sealer = Sealer(sealed, KEY, log_n=4)
    for at in range(0, length, piece):
        sealer.write(plain[at : at + piece])
    sealer.close()
    sealed.seek(0)
    opener = Opener(sealed, KEY, Path("x"))
    found = b""
    while part := opener.read(piece):
        found += part
    assert found == plain


def test_a_chunk_that_is_left_out_is_noticed() -> None:
    sealed = io.BytesIO()
    sealer = Sealer(sealed, KEY, log_n=4)
    sealer.write(bytes(3 * CHUNK))
    sealer.close()
    content = sealed.getvalue()
    head, size = sealing._HEADER.size, CHUNK + 16
    without = content[: head + size] + content[head + 2 * size :]
    cut = content[: head + 2 * size]
    for spoilt in (without, cut):
        opener = Opener(io.BytesIO(spoilt), KEY, Path("x"))
        with pytest.raises(Damaged):
            list(iter(lambda o=opener: o.read(CHUNK), b""))  # type: ignore[misc]
