"""Taking a pack's JSON apart into SenML records, before any of them is resolved.

What is wrong here is wrong with the pack as a whole, or makes one record unreadable.
"""

from typing import Any

import msgspec

from wire.errors import WireError
from wire.names import is_epoch
from wire.reading import TimeQuality

MAX_BYTES = 262_144
MAX_RECORDS = 10_000
MAX_SEQUENCE = 2**62
VERSION = 10
"""The version of SenML that RFC 8428 defines."""


class PackRefused(WireError):
    """A pack as a whole has a fault: `reason` is a code of docs/protocols.md."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Refusal(msgspec.Struct, frozen=True):
    """Why a record (by its index in the pack) gave no reading."""

    reason: str
    detail: str
    record: int | None


class _Bases(msgspec.Struct, gc=False):
    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    bs: float | None = None
    bver: float | None = None
    # Only the first record's count, and they are judged there.
    ep: Any = None
    sq: Any = None
    tq: Any = None


class Record(_Bases, gc=False):
    """A record as it stands in the pack; the names are RFC 8428's labels, and ours."""

    n: str | None = None
    u: str | None = None
    t: float | None = None
    v: float | None = None
    vs: str | None = None
    vb: bool | None = None
    vd: str | None = None
    s: float | None = None


_pack_decoder = msgspec.json.Decoder(list[Record])
_raw_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_bases_decoder = msgspec.json.Decoder(_Bases)
_record_decoder = msgspec.json.Decoder(Record)
_labels_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse(payload: bytes) -> tuple[list[Record], list[Refusal]]:
    """Take the JSON apart into records of the right types, one for each of the array.

    What a record of the wrong types leaves are its bases, and a refusal beside the records.
    Raises PackRefused.
    """
    refused: list[Refusal] = []
    if len(payload) > MAX_BYTES:
        raise PackRefused("too_large", f"{len(payload)} bytes; a pack holds at most {MAX_BYTES}")
    if not payload.isascii():
        try:
            payload.decode()
        except UnicodeDecodeError as error:
            detail = f"byte {error.start} is not UTF-8: {error.reason}"
            raise PackRefused("not_utf8", detail) from None
        # RFC 8259, section 8.1, lets a parser ignore a byte order mark.
        payload = payload.removeprefix(b"\xef\xbb\xbf")
    # rfind looks for the underscore first, which is rare; `in` for the quote.
    if payload.rfind(b'_"') >= 0 or b"\\u005" in payload:
        _check_labels(payload)
    try:
        records = _pack_decoder.decode(payload)
    except msgspec.ValidationError:
        records = [_parse_record(raw, index, refused) for index, raw in enumerate(_split(payload))]
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json(error) from None
    if not records:
        raise PackRefused("not_senml", "the array of records is empty")
    if len(records) > MAX_RECORDS:
        raise PackRefused(
            "too_large", f"{len(records)} records; a pack holds at most {MAX_RECORDS}"
        )
    _check_version(records)
    return records, refused


def _split(payload: bytes) -> list[msgspec.Raw]:
    try:
        return _raw_decoder.decode(payload)
    except msgspec.ValidationError:
        detail = "the root is no array; SenML is an array of records"
        raise PackRefused("not_senml", detail) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json(error) from None


def _parse_record(raw: msgspec.Raw, index: int, refused: list[Refusal]) -> Record:
    if not bytes(raw).startswith(b"{"):
        refused.append(Refusal("not_senml", "the record is no object", index))
        return Record()
    try:
        return _record_decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        detail = str(error)
    try:
        bases = _bases_decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        # What follows would be resolved with the wrong base.
        raise PackRefused("not_senml", f"record {index}: {error}") from None
    refused.append(Refusal("bad_value", detail, index))
    return Record(**msgspec.structs.asdict(bases))


def _not_json(error: Exception) -> PackRefused:
    return PackRefused("not_json", str(error))


def _check_labels(payload: bytes) -> None:
    """Refuse labels that end in `_`: they must be understood (RFC 8428, section 4.4)."""
    for raw in _split(payload):
        try:
            labels = _labels_decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            continue  # what is no object is refused where records are taken apart
        for label in labels:
            if label.endswith("_"):
                detail = f"the label {label[:40]!r} must be understood, and is not"
                raise PackRefused("unknown_mandatory_label", detail)


def identity(records: list[Record]) -> tuple[str | None, int | None, TimeQuality]:
    """Return epoch, sequence number and time quality of a pack; raises PackRefused."""
    first = records[0]
    quality = TimeQuality.SYNCED
    if first.tq is not None:
        known = {str(member): member for member in TimeQuality}
        if not isinstance(first.tq, str) or first.tq not in known:
            detail = f"tq is {_shown(first.tq)}; it must be one of {', '.join(known)}"
            raise PackRefused("bad_identity", detail)
        quality = known[first.tq]
    if first.ep is None and first.sq is None:
        return None, None, quality
    if not (isinstance(first.ep, str) and is_epoch(first.ep)):
        detail = f"ep is {_shown(first.ep)}; it must be 16 characters of 0-9 and a-z"
        raise PackRefused("bad_identity", detail)
    if type(first.sq) is not int or not 0 <= first.sq <= MAX_SEQUENCE:
        detail = f"sq is {_shown(first.sq)}; it must be an integer from 0 to 2^62"
        raise PackRefused("bad_identity", detail)
    return first.ep, first.sq, quality


def _shown(given: object) -> str:
    """Show what may be anything: arrays too deep for repr, integers too long for it."""
    if isinstance(given, str):
        return repr(given[:40])
    if isinstance(given, int | float) and -1e20 < given < 1e20:
        return repr(given)
    return "missing" if given is None else f"a {type(given).__name__}"


def _check_version(records: list[Record]) -> None:
    """All records must have one version, and none above ours (RFC 8428, section 4.4)."""
    versions = {record.bver for record in records if record.bver is not None}
    if not versions:
        return
    if records[0].bver is None:
        versions.add(VERSION)
    if len(versions) > 1:
        found = ", ".join(f"{version:g}" for version in sorted(versions))
        raise PackRefused("unsupported_version", f"the versions {found} stand in one pack")
    version = versions.pop()
    if version > VERSION or version < 1 or version != int(version):
        detail = f"version {version:g} of SenML; known are 1 to {VERSION}"
        raise PackRefused("unsupported_version", detail)
