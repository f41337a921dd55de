"""Settings: TOML, parsed once and strictly into a frozen Struct, with a sentence for each error."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from msgspec.inspect import (
    DictType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from wire.errors import WireError

T = TypeVar("T")

_Path = tuple[str | int, ...]

# How msgspec says where: `$.source[0].interval_s`, and `[...]` for a value of a dict.
_WHERE = re.compile(r"(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_WRONG_TYPE = re.compile(r"Expected `(.*)`, got `(.*)`")
_NOT_AS_EXPECTED = re.compile(r"Expected `(.*?)`(.*)", re.DOTALL)
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "an array",
    "object": "a table",
}
_UNITS = {
    "s": "s",
    "ms": "ms",
    "us": "µs",
    "min": "min",
    "h": "h",
    "days": "days",
    "bytes": "bytes",
    "kb": "kB",
    "mb": "MB",
    "gb": "GB",
    "hz": "Hz",
    "v": "V",
    "percent": "%",
}


class SettingsRefused(WireError):
    """A settings file has a fault: where (`key`, as `source[0].interval_s`), what, what to do."""

    def __init__(self, file: str, key: str, reason: str, suggestion: str = "") -> None:
        super().__init__(f"{file}: {reason}" + (f"; {suggestion}" if suggestion else ""))
        self.file = file
        self.key = key
        self.reason = reason
        self.suggestion = suggestion


def read(toml_text: str, model: type[T], *, file: str) -> T:
    """Parse settings into their model; `file` is named in errors. Raises SettingsRefused.

    Unknown keys are refused at every depth, whatever the model's Structs themselves say.
    """
    try:
        table = tomllib.loads(toml_text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsRefused(file, "", f"this is no TOML: {error}") from None
    shape = type_info(model)
    for path, known in _unknown_keys(table, shape, ()):
        place, name = _place(table, path[:-1]), path[-1]
        reason = f"unknown key {name!r}{place and ' in ' + place}"
        raise SettingsRefused(file, _dotted(path), reason, _did_you_mean(str(name), known))
    try:
        return msgspec.convert(table, model)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), table, shape, file) from None


def _unknown_keys(value: object, shape: Type, path: _Path) -> Iterator[tuple[_Path, Iterable[str]]]:
    """Yield the paths of keys that no Struct knows, each with the keys known there."""
    match shape:
        case UnionType():
            shape = _chosen(value, shape)
            if not isinstance(shape, UnionType):
                yield from _unknown_keys(value, shape, path)
        case StructType() if isinstance(value, dict):
            fields = {field.encode_name: field.type for field in shape.fields}
            tag = {shape.tag_field} if shape.tag_field else set()
            for key, item in value.items():
                if key in fields:
                    yield from _unknown_keys(item, fields[key], (*path, key))
                elif key not in tag:
                    yield (*path, key), [*sorted(tag), *fields]
        case ListType() | VarTupleType() if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _unknown_keys(item, shape.item_type, (*path, index))
        case DictType() if isinstance(value, dict):
            for key, item in value.items():
                yield from _unknown_keys(item, shape.value_type, (*path, key))


def _refusal(message: str, table: dict[str, Any], shape: Type, file: str) -> SettingsRefused:
    where = _WHERE.fullmatch(message)
    assert where is not None
    what = where["what"]
    # Of a dict's value msgspec does not tell the key.
    known, in_dict, _ = (where["path"] or "").partition("[...]")
    path: _Path = tuple(name or int(index) for name, index in _STEP.findall(known))
    missing = _MISSING.fullmatch(what)
    if missing is not None and not in_dict:
        path = (*path, missing[1])
    here = _type_at(table, shape, path)
    if in_dict and isinstance(here, DictType):
        here = here.value_type
    value = _value_at(table, path)
    is_value = "" if in_dict else f"is {value!r}, and "
    if not path:
        subject = "the file"
    elif isinstance(path[-1], int):
        subject = _place(table, path)
    else:
        place = _place(table, path[:-1])
        subject = f"{place}: " if place else ""
        subject += f"a value in {path[-1]}" if in_dict else path[-1]

    suggestion = ""
    choices = _choices(here)
    if missing is not None:
        reason = f"{subject} is missing" if not in_dict else f"{subject} has no {missing[1]}"
        if choices and not in_dict:
            suggestion = f"it is one of {', '.join(choices)}"
    elif (wrong := _WRONG_TYPE.fullmatch(what)) is not None:
        kinds = [kind for kind in wrong[1].split(" | ") if kind != "null"]  # TOML has no null
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds)
        reason = f"{subject} must be {wanted}, and is {_KINDS.get(wrong[2], wrong[2])}"
    elif choices and what.startswith("Invalid"):
        wanted = "one of " if len(choices) > 1 else ""
        reason = f"{subject} {is_value}must be {_or_a_number(here)}{wanted}{', '.join(choices)}"
        suggestion = _close(str(value), choices)
    elif (limits := _limits(here, path)) and what.startswith("Expected"):
        reason = f"{subject} {is_value}must be {limits}"
    elif (wrong := _NOT_AS_EXPECTED.fullmatch(what)) is not None:
        reason = f"{subject} {is_value}must be {_KINDS.get(wrong[1], wrong[1])}{wrong[2]}"
    else:  # a sentence of the model's own, from __post_init__
        place = _place(table, path)
        reason = f"{place}: {what}" if place else what
    return SettingsRefused(file, _dotted(path), reason, suggestion)


def _chosen(value: object, shape: UnionType) -> Type:
    """Choose the member of a union that a value is meant for, or return the union."""
    structs = [member for member in shape.types if isinstance(member, StructType)]
    if isinstance(value, dict) and structs:
        for member in structs:
            if member.tag is None or value.get(member.tag_field) == member.tag:
                return member
    containers = [
        member for member in shape.types if isinstance(member, ListType | VarTupleType | DictType)
    ]
    if isinstance(value, list | dict) and len(containers) == 1 and not structs:
        return containers[0]
    return shape


def _type_at(value: object, shape: Type, path: _Path) -> Type:
    """Follow a path into the model; the type of a tag is the union that it chooses from."""
    for step in path:
        if isinstance(shape, UnionType):
            chosen = _chosen(value, shape)
            if isinstance(chosen, UnionType):
                return chosen  # only a tag can be what is wrong here
            if isinstance(chosen, StructType) and step == chosen.tag_field:
                return shape
            shape = chosen
        match shape:
            case StructType():
                fields = {field.encode_name: field.type for field in shape.fields}
                if step not in fields:
                    return shape
                shape = fields[str(step)]
            case ListType() | VarTupleType():
                shape = shape.item_type
            case DictType():
                shape = shape.value_type
        value = _value_at(value, (step,))
    return shape


def _value_at(value: Any, path: _Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _choices(shape: Type) -> list[str]:
    """Name what a value may be if only some are allowed."""
    match shape:
        case LiteralType():
            return [repr(value) for value in shape.values]
        case EnumType():
            return [repr(member.value) for member in shape.cls]
        case StructType() if shape.tag is not None:
            return [repr(shape.tag)]
        case UnionType():
            return [choice for member in shape.types for choice in _choices(member)]
    return []


def _limits(shape: Type, path: _Path) -> str:
    """Say between which numbers a value must lie, with the unit that its name ends in."""
    if isinstance(shape, UnionType):
        return next(filter(None, (_limits(member, path) for member in shape.types)), "")
    if not isinstance(shape, IntType | FloatType):
        return ""
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    unit = _UNITS.get(name.rpartition("_")[2], "") if "_" in name else ""
    limits = [
        f"{words} {limit:,} {unit}".rstrip()
        for words, limit in (
            ("at least", shape.ge),
            ("more than", shape.gt),
            ("at most", shape.le),
            ("less than", shape.lt),
        )
        if limit is not None
    ]
    return " and ".join(limits)


def _or_a_number(shape: Type) -> str:
    """Words for what a union takes beside its choices."""
    members = shape.types if isinstance(shape, UnionType) else ()
    return "a number or " if any(isinstance(m, IntType | FloatType) for m in members) else ""


def _place(table: dict[str, Any], path: _Path) -> str:
    """Name a table as the file writes it: `[mqtt]`, `[[source]] 2 ('board')`."""
    place = ""
    value: Any = table
    for step in path:
        value = _value_at(value, (step,))
        if isinstance(step, int):
            place = f"[{place}] {step + 1}"
            if isinstance(value, dict) and isinstance(value.get("name"), str):
                place += f" ({value['name']!r})"
        else:
            inner = place.strip("[]")
            place = f"[{inner}.{step}]" if inner and "]" not in inner else f"{place}[{step}]"
    return place


def _dotted(path: _Path) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    return _close(name, known) or f"known are {', '.join(known)}"


def _close(name: str, known: Iterable[str]) -> str:
    import difflib  # only a mistake needs it, and it would stay in memory

    plain = {choice.strip("'"): choice for choice in known}
    close = difflib.get_close_matches(name, plain, n=1)
    return f"did you mean '{close[0]}'?" if close else ""
