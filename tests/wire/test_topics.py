from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.strategies import devices
from wire import topics
from wire.names import NameRefused
from wire.topics import Kind, TopicRefused

NAMED: dict[Kind, Callable[[str], str]] = {
    Kind.DATA: topics.data,
    Kind.BACKFILL: topics.backfill,
    Kind.RECEIPT: topics.receipt,
    Kind.STATUS: topics.status,
    Kind.META: topics.meta,
    Kind.CMD: topics.cmd,
    Kind.CMD_REPLY: topics.cmd_reply,
    Kind.CONFIG_DESIRED: topics.config_desired,
    Kind.CONFIG_REPORTED: topics.config_reported,
}


@given(devices, st.sampled_from(Kind))
def test_a_topic_comes_apart_into_what_it_was_made_of(device: str, kind: Kind) -> None:
    topic = NAMED[kind](device)
    assert topic == f"fieldline/v1/{device}/{kind}"
    assert topics.parse(topic) == (device, kind)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "fieldline/v1/pi-7",
        "fieldline/v1/pi-7/",
        "fieldline/v1//data",
        "fieldline/v2/pi-7/data",
        "fieldline/v1/pi-7/other",
        "fieldline/v1/pi-7/data/more",
        "fieldline/v1/pi-7/cmd/other",
        "fieldline/v1/+/data",
        "fieldline/v1/pi 7/data",
        "/fieldline/v1/pi-7/data",
        "xfieldline/v1/pi-7/data",
        "$SYS/broker/uptime",
    ],
)
def test_what_is_no_topic_of_ours_is_refused(topic: str) -> None:
    with pytest.raises(TopicRefused) as refused:
        topics.parse(topic)
    assert refused.value.topic == topic


@given(st.text())
def test_any_text_is_a_topic_or_refused(topic: str) -> None:
    with pytest.raises(TopicRefused):
        topics.parse(topic)


@pytest.mark.parametrize("device", ["", "+", "#", "a/b", "a\0"])
def test_a_device_with_an_unsound_name_has_no_topic(device: str) -> None:
    for name in [*NAMED.values(), topics.edge]:
        with pytest.raises(NameRefused):
            name(device)


def test_filters_are_those_of_mqtt() -> None:
    assert topics.all_devices("data") == "fieldline/v1/+/data"
    assert topics.all_devices(Kind.CMD_REPLY) == "fieldline/v1/+/cmd/reply"
    assert (
        topics.shared("bridge", topics.all_devices("data")) == "$share/bridge/fieldline/v1/+/data"
    )
    assert topics.edge("pi-7") == "fieldline.edge.pi-7"
    with pytest.raises(ValueError, match="nothing"):
        topics.all_devices("nothing")
