"""Lines of a stage's log as people read them."""

import msgspec


class _Written(msgspec.Struct):
    """What Fieldline's own stages write, a JSON object a line (`docs/operation.md`)."""

    at: str
    level: str
    message: str
    trace: str = ""


_DECODER = msgspec.json.Decoder(_Written)


def readable(line: str) -> str:
    """Return time, level, and what is said; a line in another form as it is.

    A trace follows on lines of its own.
    """
    if not line.startswith("{"):
        return line
    try:
        written = _DECODER.decode(line)
    except msgspec.DecodeError:
        return line
    level = "" if written.level == "INFO" else f"{written.level}: "
    said = f"{written.at}: {level}{written.message}"
    return f"{said}\n{written.trace}" if written.trace else said
