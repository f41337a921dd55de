"""What a new device may be called, and tables of many of them; the rules are those of the API."""

import csv
import io
from collections.abc import Container

import msgspec

from control_panel.model.things import Imported
from wire.names import is_device_name

COLUMNS = ("name", "label", "site", "latitude", "longitude", "kind")
MOST_DEVICES = 10_000
MOST_BYTES = 4 << 20
_MOST_NAME, _MOST_TEXT = 63, 128


class NameFault(msgspec.Struct, frozen=True):
    """Why a name is none: `why` is one of `empty`, `first`, `character`, `long`, `taken`."""

    why: str
    what: str = ""


def name_fault(name: str, taken: Container[str] = ()) -> NameFault | None:
    """Say what is wrong with a name, None if nothing is."""
    if not name:
        return NameFault("empty")
    if not (name[0].isascii() and name[0].isalnum()):
        return NameFault("first", name[0])
    for character in name:
        if not (character.isascii() and (character.isalnum() or character in "._-")):
            return NameFault("character", character)
    if len(name) > _MOST_NAME:
        return NameFault("long", str(len(name)))
    if name in taken:
        return NameFault("taken", name)
    assert is_device_name(name)
    return None


def text_fault(text: str) -> str:
    """Say what is wrong with a label or site: `long` or `unseen`; empty: nothing."""
    if len(text) > _MOST_TEXT:
        return "long"
    return "" if text.isprintable() else "unseen"


class Line(msgspec.Struct, frozen=True):
    """A device of the table; `fault` is empty if it can be registered."""

    number: int
    fields: dict[str, str]
    fault: str = ""


class Table(msgspec.Struct, frozen=True):
    """What is in a file; `fault` says why it is no table at all. `text` is what is sent."""

    lines: tuple[Line, ...] = ()
    fault: str = ""
    text: str = ""

    @property
    def faulty(self) -> int:
        """How many lines cannot be registered."""
        return sum(bool(line.fault) for line in self.lines)


def read_table(content: bytes, taken: Container[str] = ()) -> Table:
    """Read a CSV file (UTF-8, the first line names the columns), and judge each line."""
    if len(content) > MOST_BYTES:
        return Table(fault=f"the file has more than {MOST_BYTES >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Table(fault="the file is not UTF-8; save it as “CSV UTF-8”")
    reader = csv.DictReader(io.StringIO(text), strict=True)
    lines: list[Line] = []
    seen: dict[str, int] = {}
    try:
        columns = list(reader.fieldnames or [])
        if fault := _columns_fault(columns):
            return Table(fault=fault)
        for row in reader:
            if len(lines) >= MOST_DEVICES:
                return Table(fault=f"a table holds at most {MOST_DEVICES:,} devices")
            number = reader.line_num
            if None in row or None in row.values():
                whole = {key: value or "" for key, value in row.items() if key in COLUMNS}
                fault = f"it must have {len(columns)} fields, as the first line has"
                lines.append(Line(number, whole, fault))
                continue
            fields = {key: value.strip() for key, value in row.items()}
            fault = _line_fault(fields, taken)
            first = seen.setdefault(fields["name"], number)
            if not fault and first != number:
                fault = f"{fields['name']} stands in line {first} already"
            lines.append(Line(number, fields, fault))
    except csv.Error as error:
        return Table(fault=f"it is no CSV: line {reader.line_num}: {error}")
    if not lines:
        return Table(fault="there is no device in it")
    return Table(tuple(lines), text=text)


def _columns_fault(columns: list[str]) -> str:
    for column in columns:
        if column not in COLUMNS:
            return f"there is no column “{column[:40]}”; there are {', '.join(COLUMNS)}"
    if "name" not in columns:
        return "the first line must name the columns, “name” at least"
    return "a column is named twice" if len(set(columns)) != len(columns) else ""


def _line_fault(fields: dict[str, str], taken: Container[str]) -> str:
    if (fault := name_fault(fields["name"], taken)) is not None:
        return name_fault_words(fault)
    for key in ("label", "site"):
        match text_fault(fields.get(key, "")):
            case "long":
                return f"{key}: at most {_MOST_TEXT} characters"
            case "unseen":
                return f"{key}: only characters that can be seen"
    if fields.get("kind", "") not in {"", "agent", "foreign"}:
        return f"kind: “{fields['kind'][:20]}” is neither agent nor foreign"
    place = fields.get("latitude", ""), fields.get("longitude", "")
    for key, text, most in zip(("latitude", "longitude"), place, (90, 180), strict=True):
        if text and not _within(text, most):
            return f"{key}: “{text[:20]}” is no number from -{most} to {most}"
    return "latitude and longitude go together" if bool(place[0]) != bool(place[1]) else ""


def _within(text: str, most: float) -> bool:
    try:
        return abs(float(text)) <= most
    except ValueError:
        return False


def name_fault_words(fault: NameFault) -> str:
    """Return what is wrong with a name, for people."""
    match fault.why:
        case "empty":
            return "a name is missing"
        case "first":
            return f"a name begins with a letter or a digit, not with “{fault.what}”"
        case "character":
            what = "a space" if fault.what == " " else f"“{fault.what}”"
            return f"{what} cannot be in a name: letters, digits, “.”, “_” and “-” can"
        case "long":
            return f"a name has at most {_MOST_NAME} characters; this one has {fault.what}"
    return f"there is a device {fault.what} already"


def tokens_csv(imported: Imported) -> str:
    """Return what was drawn for the devices of a table, one a line, with what to do with it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("name", "expires", "command", "username", "password", "host", "port", "topic"))
    for token in imported.tokens:
        writer.writerow((token.device, token.expires.isoformat(), enrol_command(token.text)))
    for login in imported.logins:
        writer.writerow(
            (login.device, "", "", login.username, login.password, login.host, login.port,
             login.topic)
        )  # fmt: skip
    return out.getvalue()


def enrol_command(text: str) -> str:
    """Return what is pasted on the device; the text has no quote in it (it is URL-encoded)."""
    return f"sudo fieldline-agent enrol '{text}'"
