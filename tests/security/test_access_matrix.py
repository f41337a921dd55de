"""Devices x topics x publish and subscribe x MQTT 3.1.1 and 5: nothing outside the own prefix.

What may be is written down here once more, in words of its own, not taken from the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.stack import accounts
from tests.cloud.control.api import Api
from tests.cloud.control.devices.certificates import of_files, other_signer, refused, sign
from tests.cloud.control.devices.player import Identity, enrol, register
from tests.security.wire_client import NOT_AUTHORISED, V5, V311, Client, Closed, Login, Will

DEVICES = 50
VERSIONS = [V311, V5]
UNHEARD = 16

KINDS = [
    "data", "backfill", "receipt", "status", "meta", "cmd", "cmd/reply", "config/desired",
    "config/reported",
]  # fmt: skip
SAID = {"data", "backfill", "status", "meta", "cmd/reply", "config/reported"}
HEARD = {"receipt", "cmd", "config/desired"}
ELSEWHERE = [
    "fieldline/v1", "fieldline/v1/data", "fieldline/v1/{own}", "fieldline/v1/{own}/",
    "fieldline/v1/{own}/data/x", "fieldline/v1/{own}/data/", "fieldline/v1//data",
    "/fieldline/v1/{own}/data", "fieldline", "fieldline/v2/{own}/data", "other", "/", "//",
    "$SYS/broker/uptime", "$CONTROL/dynamic-security/v1", "$CONTROL/dynamic-security/v1/response",
    "$share/x/fieldline/v1/{own}/data", "FIELDLINE/v1/{own}/data", "fieldline/v1/{own} /data",
    "fieldline/v1/{own}/data/../../{other}/data", "fieldline/v1/{own}/../{other}/data",
    "fieldline/v1/{own}%2f..%2f{other}/data", "fieldline/v1/{own}\u200b/data",
    "fieldline/v1/\uff4d\uff58-00/data", "fieldline/v1/%u/data", "fieldline/v1/%c/data",
    "fieldline/v1/" + "x" * 5000 + "/data",
]  # fmt: skip
FILTERS = [
    "#", "+", "+/#", "/#", "+/+/+/+", "fieldline/#", "fieldline/v1/#", "fieldline/v1/+/data",
    "fieldline/v1/+/cmd", "fieldline/+/{own}/cmd", "+/v1/{own}/cmd", "fieldline/v1/+/config/+",
    "fieldline/v1/{own}/#", "fieldline/v1/{own}/+", "fieldline/v1/{own}/cmd/#", "$SYS/#",
    "$SYS/broker/uptime", "$CONTROL/#", "$CONTROL/dynamic-security/v1/response", "$share/x/#",
    "$share/bridge/fieldline/v1/+/data", "$share/x/fieldline/v1/{other}/cmd",
    "$share/x/fieldline/v1/{own}/cmd",
]  # fmt: skip
MALFORMED = [
    b"", b"fieldline/v1/+/data", b"fieldline/v1/#", b"#", b"fieldline/v1/mx-01\x00/data",
    b"\xc0\xafieldline", b"\xff\xfe", b"fieldline/v1/\xed\xa0\x80/data",
]  # fmt: skip


@pytest.fixture(scope="module")
def fleet(api: Api, tmp_path_factory: pytest.TempPathFactory) -> list[Identity]:
    """Fifty enrolled devices."""
    folder: Path = tmp_path_factory.mktemp("fleet")
    rows = "".join(f"mx-{n:02d}\n" for n in range(DEVICES))
    with api.client(api.local_token) as local:
        answer = local.post("/v1/device-imports?tokens=true", content=f"name\n{rows}")
        assert answer.status_code == 201, answer.text
        return [enrol(local, one["token"], folder) for one in answer.json()["tokens"]]


@pytest.fixture(scope="module")
def foreign(api: Api) -> Login:
    """A client of another make, with a password."""
    with api.client(api.local_token) as local:
        given = register(local, "mx-foreign", kind="foreign")["login"]
    return Login(api.broker.port, Path(api.broker.ca), given["username"], given["password"])


@pytest.fixture
def watcher(api: Api) -> Iterator[Client]:
    """Who sees all that came through."""
    with Client(own_login(api, accounts.WATCHER)) as client:
        assert client.subscribe("fieldline/v1/#") == 1
        client.settle()
        client.heard.clear()  # what was retained before
        yield client


def own_login(api: Api, name: str) -> Login:
    return Login(api.broker.port, Path(api.broker.ca), name, api.broker.password_of(name))


def by_certificate(identity: Identity) -> Login:
    return Login(identity.port, identity.ca, pair=(identity.certificate, identity.key))


def everything(fleet: list[Identity], own: str, other: str) -> list[str]:
    """Every topic of every device, and what lies beside them."""
    topics = [f"fieldline/v1/{one}/{kind}" for one in [*names(fleet), own] for kind in KINDS]
    return sorted({*topics, *(one.format(own=own, other=other) for one in ELSEWHERE)})


def names(fleet: list[Identity]) -> list[str]:
    return [one.device for one in fleet]


def publish_everything(
    login: Login, own: str, allowed: set[str], topics: list[str], watcher: Client
) -> None:
    for version in VERSIONS:
        for retain in (False, True):
            mark, end = f"{own} {version} {retain}".encode(), f"{own} {version} end".encode()
            with Client(login, version) as client:
                codes = dict(
                    zip(topics, client.publish_all(topics, mark, retain=retain), strict=True)
                )
                client.publish(f"fieldline/v1/{own}/data", end)
                came = [topic for topic, payload in watcher.hear_until(end) if payload == mark]
                # MQTT 3.1.1 tells nobody; what came through counts.
                assert sorted(came) == sorted(allowed)
                if version == V5:
                    told = {topic for topic, code in codes.items() if code in {0, UNHEARD}}
                    assert told == allowed
                    assert {codes[topic] for topic in set(topics) - allowed} == {NOT_AUTHORISED}
                client.publish_all(sorted(allowed), b"", retain=True)


def test_a_device_publishes_below_its_own_prefix_and_nothing_else_comes_through(
    fleet: list[Identity], watcher: Client
) -> None:
    for number, one in enumerate(fleet):
        allowed = {f"fieldline/v1/{one.device}/{kind}" for kind in SAID}
        topics = everything(fleet, one.device, fleet[number - 1].device)
        publish_everything(by_certificate(one), one.device, allowed, topics, watcher)


def test_a_foreign_client_publishes_its_own_data_and_nothing_else(
    fleet: list[Identity], foreign: Login, watcher: Client
) -> None:
    allowed = {"fieldline/v1/mx-foreign/data"}
    topics = everything(fleet, "mx-foreign", "mx-00")
    publish_everything(foreign, "mx-foreign", allowed, topics, watcher)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_device_subscribes_to_what_it_is_told_and_to_nothing_else(
    fleet: list[Identity], version: int
) -> None:
    for number, one in enumerate(fleet):
        allowed = {f"fieldline/v1/{one.device}/{kind}" for kind in HEARD}
        assert granted(fleet, by_certificate(one), one.device, number, version) == allowed


@pytest.mark.parametrize("version", VERSIONS)
def test_a_foreign_client_hears_nothing(
    fleet: list[Identity], foreign: Login, version: int
) -> None:
    assert not granted(fleet, foreign, "mx-foreign", 1, version)


def granted(fleet: list[Identity], login: Login, own: str, number: int, version: int) -> set[str]:
    other = fleet[number - 1].device
    topics = everything(fleet, own, other)
    filters = [one for one in topics if not one.startswith("$share")]
    filters += [f"$share/x/{one}" for one in filters]
    filters += [one.format(own=own, other=other) for one in FILTERS]
    with Client(login, version) as client:
        codes = client.subscribe_all(filters)
    return {one for one, code in zip(filters, codes, strict=True) if code < 128}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_will_comes_through_below_the_own_prefix_alone(
    fleet: list[Identity], foreign: Login, watcher: Client, version: int
) -> None:
    wills = [(foreign, "mx-foreign", {"data"}, fleet[0].device)]
    wills += [
        (by_certificate(one), one.device, SAID, fleet[number - 1].device)
        for number, one in enumerate(fleet)
    ]
    for login, own, said, other in wills:
        wanted = {f"fieldline/v1/{own}/{kind}" for kind in said}
        topics = [f"fieldline/v1/{one}/{kind}" for one in (own, other) for kind in KINDS]
        for topic in [*topics, "$CONTROL/dynamic-security/v1", "other"]:
            try:
                Client(login, version, will=Will(topic.encode(), b"will")).vanish()
            except Closed:
                assert topic not in wanted  # refused with the connection
        with Client(login, version, will=Will(f"fieldline/v1/{own}/data".encode(), b"end")) as last:
            last.vanish()
        came = {topic for topic, payload in watcher.hear_until(b"end") if payload == b"will"}
        assert came == wanted
        with Client(login) as client:
            client.publish_all(sorted(wanted), b"", retain=True)


def test_what_is_retained_of_others_is_not_told(fleet: list[Identity], watcher: Client) -> None:
    own, other = fleet[0], fleet[1]
    topic = f"fieldline/v1/{other.device}/status"
    with Client(by_certificate(other)) as teller, Client(by_certificate(own)) as listener:
        teller.publish(topic, b"retained", retain=True)
        for wanted in (topic, "#", "fieldline/v1/+/status", f"$share/x/{topic}"):
            assert listener.subscribe(wanted) >= 128
        listener.settle()
        assert not listener.heard
        teller.publish(topic, b"", retain=True)


def test_a_topic_alias_leads_nowhere_that_the_topic_does_not(
    fleet: list[Identity], watcher: Client
) -> None:
    own, other = fleet[0].device, fleet[1].device
    with Client(by_certificate(fleet[0])) as client:
        assert client.publish_alias(f"fieldline/v1/{own}/data", 1, b"own") in {0, UNHEARD}
        assert client.publish_alias("", 1, b"own again") in {0, UNHEARD}
        assert client.publish_alias(f"fieldline/v1/{other}/data", 2, b"theirs") == NOT_AUTHORISED
        assert client.publish_alias("", 2, b"theirs") == NOT_AUTHORISED
        assert client.publish_alias(f"fieldline/v1/{other}/data", 1, b"theirs") == NOT_AUTHORISED
        client.publish(f"fieldline/v1/{own}/data", b"end")
    heard = watcher.hear_until(b"end")
    assert [payload for _, payload in heard] == [b"own", b"own again", b"end"]
    # Of another connection nothing is left.
    with Client(by_certificate(fleet[1])) as second, pytest.raises(Closed):
        second.publish_alias("", 1, b"nobody's")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("topic", MALFORMED)
def test_a_malformed_topic_ends_the_connection_and_says_nothing(
    fleet: list[Identity], watcher: Client, topic: bytes, version: int
) -> None:
    with Client(by_certificate(fleet[1]), version) as client, pytest.raises(Closed):
        client.publish(topic, b"malformed")
    with Client(by_certificate(fleet[1]), version) as client:
        client.publish(f"fieldline/v1/{fleet[1].device}/data", b"end")
    assert [payload for _, payload in watcher.hear_until(b"end")] == [b"end"]


def test_a_refused_publish_costs_nobody_the_connection(
    fleet: list[Identity], foreign: Login
) -> None:
    for version in VERSIONS:
        with Client(foreign, version) as client:
            client.publish("stat/plug/RESULT")
            client.settle()


def test_the_name_in_connect_does_not_count_and_another_session_cannot_be_taken(
    fleet: list[Identity],
) -> None:
    thief = by_certificate(fleet[1])
    named = Login(thief.port, thief.ca, fleet[0].username, "x", thief.pair)
    with Client(by_certificate(fleet[0])) as first:
        for clean in (True, False):
            with Client(named, client_id=fleet[0].username, clean=clean) as second:
                assert second.publish(f"fieldline/v1/{fleet[1].device}/data") < 128
                assert second.publish(f"fieldline/v1/{fleet[0].device}/data") >= 128
        assert first.publish(f"fieldline/v1/{fleet[0].device}/data") < 128


def test_who_takes_a_session_by_its_client_id_hears_nothing_of_it(
    api: Api, fleet: list[Identity], foreign: Login
) -> None:
    one, receipt = fleet[2], f"fieldline/v1/{fleet[2].device}/receipt"
    device = Client(by_certificate(one), clean=False)
    assert device.subscribe(receipt) == 1
    with (
        Client(foreign, client_id=one.username, clean=False) as thief,
        Client(own_login(api, accounts.BRIDGE)) as bridge,
    ):
        bridge.publish(receipt, b"for the device", retain=True)
        thief.settle()
        assert thief.publish(f"fieldline/v1/{one.device}/data") == NOT_AUTHORISED
        assert not thief.heard
    with pytest.raises(Closed):
        device.settle()  # it was put out, and comes back
    device.vanish()
    with Client(by_certificate(one), clean=False) as again:
        assert again.subscribe(receipt) == 1
        assert again.hear_until(b"for the device")
    with Client(own_login(api, accounts.BRIDGE)) as bridge:
        bridge.publish(receipt, b"", retain=True)


def test_a_certificate_opens_nothing_on_the_listener_for_passwords(
    api: Api, fleet: list[Identity]
) -> None:
    pair = (fleet[0].certificate, fleet[0].key)
    for user, password in ((fleet[0].username, "x"), (fleet[0].username, ""), ("", "")):
        for version in VERSIONS:
            login = Login(api.broker.port, Path(api.broker.ca), user, password, pair)
            with Client(login, version) as client:
                assert client.code in {4, 5, 134, NOT_AUTHORISED}


def test_the_listener_for_devices_takes_only_clients_certificates_of_its_own_ca(
    api: Api, fleet: list[Identity], tmp_path: Path
) -> None:
    made, port, name = api.certificates, api.broker.devices_port, fleet[0].username
    ours = of_files(made.ca, made.ca_key)
    assert not refused(port, made.ca, sign(tmp_path, ours, name))
    for pair, why in (
        (None, "none"),
        ((made.certificate, made.key), "the server's own"),
        (sign(tmp_path, ours, name, for_servers=True), "one for servers"),
        (sign(tmp_path, ours, name, days=-1), "an expired one"),
        (sign(tmp_path, other_signer(), name), "one of another CA"),
    ):
        assert refused(port, made.ca, pair), why


def test_a_certificate_whose_account_was_never_made_may_do_nothing(
    api: Api, fleet: list[Identity], watcher: Client, tmp_path: Path
) -> None:
    made = api.certificates
    pair = sign(tmp_path, of_files(made.ca, made.ca_key), "mx-ghost~1")
    ghost = Login(api.broker.devices_port, made.ca, pair=pair)
    for version in VERSIONS:
        will = Will(b"fieldline/v1/mx-ghost/status", b"ghost")
        try:
            client = Client(ghost, version, will=will)
        except Closed:
            continue  # for its will
        for kind in KINDS:
            assert client.subscribe(f"fieldline/v1/mx-ghost/{kind}") >= 128
            client.publish(f"fieldline/v1/mx-ghost/{kind}", b"ghost")
        client.vanish()
    with Client(by_certificate(fleet[0])) as witness:
        witness.publish(f"fieldline/v1/{fleet[0].device}/data", b"end")
    assert not any("mx-ghost" in topic for topic, _ in watcher.hear_until(b"end"))
