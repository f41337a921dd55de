"""SenML as RFC 8428 has it, for whoever needs no packs: resolving of records.

`wire.pack` has a quicker decoder of its own, with the rules of this project; the two are
tested against each other.
"""

from typing import Any

import msgspec

from wire.errors import WireError

VERSION = 10
"""The version of SenML that RFC 8428 defines."""

_RELATIVE_BELOW = 2**28
_VALUES = ("v", "vs", "vb", "vd")


class SenMLRefused(WireError):
    """A payload is not what RFC 8428 allows."""


class _Record(msgspec.Struct, gc=False):
    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    bs: float | None = None
    bver: int | None = None
    n: str | None = None
    u: str | None = None
    v: float | None = None
    vs: str | None = None
    vb: bool | None = None
    vd: str | None = None
    s: float | None = None
    t: float | None = None
    ut: float | None = None


def resolve(payload: bytes, *, now: float | None = None) -> list[dict[str, Any]]:
    """Resolve a pack (RFC 8428, section 4.6): records without bases, in order of time.

    Times relative to now become absolute if `now`, in seconds since 1970, is given, and stay
    as they are if not. Labels that the RFC does not define are dropped. Raises SenMLRefused.
    """
    base = _Record(bn="", bt=0.0, bv=-0.0, bver=VERSION)
    resolved = []
    for index, record in enumerate(_parse(payload)):
        for label in ("bn", "bt", "bu", "bv", "bs", "bver"):
            given = getattr(record, label)
            if given is not None:
                setattr(base, label, given)
        fields = {
            label: given
            for label in ("n", "u", *_VALUES, "s", "t", "ut")
            if (given := getattr(record, label)) is not None
        }
        if fields:
            resolved.append(_resolved(index, fields, base, now))
    resolved.sort(key=lambda fields: fields["t"])
    return resolved


def _parse(payload: bytes) -> list[_Record]:
    try:
        pack = msgspec.json.decode(payload.decode(), type=list[dict[str, Any]])
        records = msgspec.convert(pack, list[_Record])
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        msg = f"it is no array of records: {error}"
        raise SenMLRefused(msg) from None
    if not records:
        msg = "a pack has at least one record"
        raise SenMLRefused(msg)
    for index, labels in enumerate(pack):
        for label in labels:
            if label.endswith("_"):
                msg = f"record {index} has the label {label!r}, which must be understood"
                raise SenMLRefused(msg)
    versions = {record.bver or VERSION for record in records[:1]}
    versions |= {record.bver for record in records if record.bver is not None}
    if len(versions) > 1 or not 0 < versions.copy().pop() <= VERSION:
        msg = f"of the versions 1 to {VERSION} a pack has one; this has {sorted(versions)}"
        raise SenMLRefused(msg)
    return records


def _resolved(
    index: int, fields: dict[str, Any], base: _Record, now: float | None
) -> dict[str, Any]:
    values = [label for label in _VALUES if label in fields]
    if "s" in fields or base.bs is not None:
        fields["s"] = fields.get("s", 0.0) + (base.bs or 0.0)
    if len(values) > 1 or not (values or "s" in fields):
        msg = f"record {index} has {' and '.join(values) or 'no value'}; it must have one value"
        raise SenMLRefused(msg)
    if "v" in fields:
        fields["v"] += base.bv
    fields["n"] = (base.bn or "") + fields.get("n", "")
    if base.bu is not None:
        fields.setdefault("u", base.bu)
    fields["t"] = fields.get("t", 0.0) + base.bt
    if now is not None and fields["t"] < _RELATIVE_BELOW:
        fields["t"] += now
    if base.bver != VERSION:
        fields["bver"] = base.bver
    return fields
