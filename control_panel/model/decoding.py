"""A raw message to be read: what it says, and its bytes."""

import msgspec

from control_panel.model.drawing import local
from wire.errors import WireError
from wire.pack import decode_pack
from wire.topics import Kind

MOST_LINES = 400
_WIDTH = 16


def decoded(device: str, kind: str, payload: bytes, received_utc: int) -> str:
    """Return what a message says: the readings of a pack, anything else as indented JSON.

    Raises WireError if it is no pack, or no JSON.
    """
    if kind in {Kind.DATA, Kind.BACKFILL}:
        return _pack(device, payload, received_utc)
    if not payload:
        return ""
    try:
        return msgspec.json.format(payload, indent=2).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"it is no JSON: {error}") from None


def _pack(device: str, payload: bytes, received_utc: int) -> str:
    pack = decode_pack(device, payload, received_utc=received_utc)
    lines = [f"epoch {pack.epoch}, pack {pack.sequence}, {len(pack.readings)} readings"]
    for reading in pack.readings[:MOST_LINES]:
        at = f"{local(reading.time_utc):%H:%M:%S.%f}"[:-3]
        value = reading.value
        number = f"{value:.10g}" if isinstance(value, float) else str(value)
        lines.append(f"{at}  {reading.channel} = {number} {reading.unit}".rstrip())
    if len(pack.readings) > MOST_LINES:
        lines.append(f"… and {len(pack.readings) - MOST_LINES} more")
    return "\n".join(lines)


def dump(payload: bytes) -> str:
    """Return the bytes, sixteen a line: place, hexadecimal, and the characters of ASCII."""
    lines = []
    for begin in range(0, min(len(payload), MOST_LINES * _WIDTH), _WIDTH):
        part = payload[begin : begin + _WIDTH]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{begin:06x}  {part.hex(' '):<{_WIDTH * 3 - 1}}  {text}")
    if len(payload) > MOST_LINES * _WIDTH:
        lines.append(f"… and {len(payload) - MOST_LINES * _WIDTH} more bytes")
    return "\n".join(lines)
