import enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from wire.settings import SettingsRefused, read


class Full(enum.StrEnum):
    DROP = "drop_oldest"
    REFUSE = "refuse_new"


class Mqtt(Struct, frozen=True):
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883


class Buffer(Struct, frozen=True):
    quota_mb: Annotated[int, Meta(ge=1, le=1_000_000)] = 1024
    when_full: Full = Full.DROP
    commit_s: Annotated[float, Meta(gt=0)] = 1.0

    def __post_init__(self) -> None:
        if self.quota_mb == 13:
            msg = "thirteen megabytes bring bad luck"
            raise ValueError(msg)


class Host(Struct, frozen=True, tag="host", tag_field="kind"):
    name: str
    interval_s: Annotated[float, Meta(ge=0.05, le=3600)] = 1.0


class Replay(Struct, frozen=True, tag="replay", tag_field="kind"):
    name: str
    file: str
    speed: Literal["at_once"] | Annotated[float, Meta(gt=0)] = "at_once"
    fields: dict[str, Host | str] = {}


class Agent(Struct, frozen=True):
    device: Annotated[str, Meta(min_length=1)]
    mqtt: Mqtt = Mqtt()
    buffer: Buffer | None = None
    source: tuple[Host | Replay, ...] = ()
    log: Literal["info", "debug"] = "info"


SOUND = """
device = "pi-7"
[buffer]
quota_mb = 5
when_full = "refuse_new"
[[source]]
kind = "host"
name = "host"
interval_s = 2
[[source]]
kind = "replay"
name = "history"
file = "day.json"
speed = 60
fields = { a = "A" }
"""

FAULTS = {
    # what stands in the file: (key, the sentence)
    'device = "a"\ndevise = "b"': (
        "devise",
        "agent.toml: unknown key 'devise'; did you mean 'device'?",
    ),
    'device = "a"\nzzz = 1': (
        "zzz",
        "agent.toml: unknown key 'zzz'; known are device, mqtt, buffer, source, log",
    ),
    'device = "a"\n[mqtt]\nprot = 1': (
        "mqtt.prot",
        "agent.toml: unknown key 'prot' in [mqtt]; did you mean 'port'?",
    ),
    'device = "a"\n[buffer]\nquota_gb = 1': (
        "buffer.quota_gb",
        "agent.toml: unknown key 'quota_gb' in [buffer]; did you mean 'quota_mb'?",
    ),
    'device = "a"\n[[source]]\nkind = "host"\nname = "h"\nintervall = 1': (
        "source[0].intervall",
        "agent.toml: unknown key 'intervall' in [[source]] 1 ('h'); did you mean 'interval_s'?",
    ),
    'device = "a"\n[[source]]\nkind = "host"\nname = "h"\n[[source]]\nkind = "hots"': (
        "source[1].kind",
        (
            "agent.toml: [[source]] 2: kind is 'hots', and must be one of 'host', 'replay'; "
            "did you mean 'host'?"
        ),
    ),
    'device = "a"\n[[source]]\nname = "h"': (
        "source[0].kind",
        "agent.toml: [[source]] 1 ('h'): kind is missing; it is one of 'host', 'replay'",
    ),
    'device = "a"\n[[source]]\nkind = 1': (
        "source[0].kind",
        "agent.toml: [[source]] 1: kind must be a string, and is a whole number",
    ),
    'device = "a"\n[[source]]\nkind = "host"': (
        "source[0].name",
        "agent.toml: [[source]] 1: name is missing",
    ),
    'device = "a"\n[[source]]\nkind = "host"\nname = "h"\ninterval_s = 0.01': (
        "source[0].interval_s",
        (
            "agent.toml: [[source]] 1 ('h'): interval_s is 0.01, and must be at least 0.05 s and "
            "at most 3,600 s"
        ),
    ),
    'device = "a"\n[[source]]\nkind = "host"\nname = "h"\ninterval_s = "1"': (
        "source[0].interval_s",
        "agent.toml: [[source]] 1 ('h'): interval_s must be a number, and is a string",
    ),
    'device = "a"\n[[source]]\nkind = "replay"\nname = "h"\nfile = "f"\nspeed = "quick"': (
        "source[0].speed",
        "agent.toml: [[source]] 1 ('h'): speed is 'quick', and must be a number or 'at_once'",
    ),
    'device = "a"\n[[source]]\nkind = "replay"\nname = "h"\nfile = "f"\nfields = { b = 1 }': (
        "source[0].fields",
        (
            "agent.toml: [[source]] 1 ('h'): a value in fields must be a string or a table, "
            "and is a whole number"
        ),
    ),
    'device = "a"\n[mqtt]\nport = 0': (
        "mqtt.port",
        "agent.toml: [mqtt]: port is 0, and must be at least 1 and at most 65,535",
    ),
    'device = "a"\n[mqtt]\nport = true': (
        "mqtt.port",
        "agent.toml: [mqtt]: port must be a whole number, and is true or false",
    ),
    'device = "a"\n[buffer]\ncommit_s = 0': (
        "buffer.commit_s",
        "agent.toml: [buffer]: commit_s is 0, and must be more than 0 s",
    ),
    'device = "a"\n[buffer]\nwhen_full = "drop_newest"': (
        "buffer.when_full",
        (
            "agent.toml: [buffer]: when_full is 'drop_newest', and must be one of 'drop_oldest', "
            "'refuse_new'; did you mean 'drop_oldest'?"
        ),
    ),
    'device = "a"\n[buffer]\nquota_mb = 13': (
        "buffer",
        "agent.toml: [buffer]: thirteen megabytes bring bad luck",
    ),
    'device = "a"\n[[buffer]]': (
        "buffer",
        "agent.toml: buffer must be a table, and is an array",
    ),
    'device = "a"\nlog = "inf"': (
        "log",
        "agent.toml: log is 'inf', and must be one of 'debug', 'info'; did you mean 'info'?",
    ),
    'device = ""': ("device", "agent.toml: device is '', and must be a string of length >= 1"),
    'device = "a"\nsource = [3]': (
        "source[0]",
        "agent.toml: [[source]] 1 must be a table, and is a whole number",
    ),
    "": ("device", "agent.toml: device is missing"),
    'device = "a"\n[mqtt\n': (
        "",
        (
            "agent.toml: this is no TOML: Expected ']' at the end of a table declaration "
            "(at line 2, column 6)"
        ),
    ),
    'device = "a"\ndevice = "b"': (
        "",
        "agent.toml: this is no TOML: Cannot overwrite a value (at end of document)",
    ),
}


def test_settings_are_read_into_their_model() -> None:
    assert read(SOUND, Agent, file="agent.toml") == Agent(
        "pi-7",
        buffer=Buffer(5, Full.REFUSE),
        source=(Host("host", 2.0), Replay("history", "day.json", 60.0, {"a": "A"})),
    )


@pytest.mark.parametrize(
    ("text", "expected"), FAULTS.items(), ids=[key for key, _ in FAULTS.values()]
)
def test_a_fault_is_a_sentence(text: str, expected: tuple[str, str]) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read(text, Agent, file="agent.toml")
    assert (refused.value.key, str(refused.value)) == expected


def test_toml_nested_without_end_is_refused() -> None:
    with pytest.raises(SettingsRefused, match="no TOML"):
        read("a = " + "[" * 10_000, Agent, file="agent.toml")


toml_values: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["1", "0", "-1.5", "true", '"host"', '"replay"', '"x"', "nan", "1979-05-27"]),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda items: f"[{','.join(items)}]")
        | st.dictionaries(
            st.sampled_from(["kind", "name", "file", "fields", "port", "x"]), inner
        ).map(lambda table: "{" + ",".join(f"{key}={value}" for key, value in table.items()) + "}")
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["device", "mqtt", "buffer", "source", "log", "else"]), toml_values
    )
)
def test_any_toml_is_read_or_refused_with_a_sentence(table: dict[str, str]) -> None:
    text = "\n".join(f"{key} = {value}" for key, value in table.items())
    try:
        settings = read(text, Agent, file="f")
    except SettingsRefused as refused:
        said = str(refused)
    else:
        said = f"f: {settings}"
    assert said.startswith("f: ")
    assert "None" not in said or "=None" in said
    assert "`" not in said
