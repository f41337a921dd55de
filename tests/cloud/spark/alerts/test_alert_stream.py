"""Alert rules through Kafka, Spark and PostgreSQL, with the stream killed in between."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import psycopg
import pytest

from tests.cloud.databases import dsn, own_database
from tests.cloud.spark.alerts.site import SECOND, now
from tests.cloud.spark.chain import Chain
from tests.servers import Kafka, Postgres
from tests.waiting import eventually
from wire import topics
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

Send = Callable[..., None]


@pytest.fixture(scope="module")
def chain(
    kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    with own_database(postgres, "alert_stream_tests") as database:
        made = Chain(kafka, postgres, database, tmp_path_factory.mktemp("stream"))
        made.make_topics()
        made.start()
        yield made
        if made.running:
            made.kill()


@pytest.fixture
def send(chain: Chain) -> Send:
    """Send packs of one reading each, (time, value), and wait until they are stored."""
    epoch, numbers = new_epoch(), count()

    def send(device: str, *readings: tuple[int, float]) -> None:
        made = [
            encode_pack(
                device, [Reading("t", time, value, "Cel")],
                epoch=epoch, sequence=next(numbers), quality=TimeQuality.SYNCED,
            )
            for time, value in readings
        ]  # fmt: skip
        chain.send((device, payload) for payload in made)
        chain.wait_for({device: len(chain_sent.setdefault(device, []) + made)})
        chain_sent[device] += made

    chain_sent: dict[str, list[bytes]] = {}
    return send


def rule(chain: Chain, name: str, **said: Any) -> None:
    fields = {
        "name": name, "device": name, "kind": "threshold", "direction": "above", "threshold": 10,
        "for_s": 0, "window_s": None,
    } | said  # fmt: skip
    with psycopg.connect(dsn(chain.postgres, chain.database, "fieldline_owner")) as owner:
        owner.execute(
            "INSERT INTO control.alert_rule (name, kind, device, direction, threshold, for_s,"
            " window_s, changed) VALUES (%(name)s, %(kind)s, %(device)s, %(direction)s,"
            " %(threshold)s, %(for_s)s, %(window_s)s, now() - interval '1 hour')",
            fields,
        )


def told(chain: Chain, device: str) -> list[str]:
    found = []
    for message in chain.consume(topics.ALERTS):
        if message.key() == device.encode():
            said = json.loads(message.value() or b"")
            assert (said["rule"], said["device"]) == (device, device)
            found.append(str(said["what"]))
    return found


def history(chain: Chain, name: str) -> list[tuple[int, bool]]:
    return chain.query(
        "SELECT (extract(epoch FROM began) * 1000000)::int8, ended IS NULL"
        " FROM fieldline.alert_history WHERE rule = %s ORDER BY began",
        name,
    )


def test_pending_when_killed_fires_afterwards_and_a_replay_fires_nothing_again(
    chain: Chain, send: Send
) -> None:
    rule(chain, "furnace", for_s=5)
    start = now() - 60 * SECOND
    send("furnace", (start, 11.0), (start + 4 * SECOND, 12.0))
    state = "SELECT state FROM fieldline.alert WHERE rule = 'furnace'"
    assert chain.query(state) == [("pending",)]
    chain.kill()
    shutil.rmtree(chain.checkpoints)  # so that it reads the log from its beginning
    chain.start()
    send("furnace", (start + 5 * SECOND, 13.0))
    assert chain.query(state) == [("firing",)]
    assert history(chain, "furnace") == [(start + 5 * SECOND, True)]
    chain.kill()
    shutil.rmtree(chain.checkpoints)
    chain.start()
    send("furnace", (start + 6 * SECOND, 9.0))
    assert history(chain, "furnace") == [(start + 5 * SECOND, False)]

    def both() -> bool:
        assert told(chain, "furnace") == ["firing", "resolved"]
        return True

    eventually(both, what="both are in fieldline.alerts, once")


def test_a_device_that_falls_silent_is_seen_by_an_idle_stream(chain: Chain, send: Send) -> None:
    rule(chain, "mute", kind="no data", direction=None, threshold=None, window_s=3)
    last = now()
    send("mute", (last, 1.0))
    eventually(
        lambda: history(chain, "mute") == [(last + 3 * SECOND, True)], what="the silence is seen"
    )
    send("mute", (now(), 1.0))
    assert history(chain, "mute") == [(last + 3 * SECOND, False)]
    eventually(lambda: told(chain, "mute") == ["firing", "resolved"], what="both are told")


def test_a_rule_deleted_while_nothing_comes_in_ends_what_it_left_firing(
    chain: Chain, send: Send
) -> None:
    rule(chain, "gone")
    start = now()
    send("gone", (start, 11.0))
    assert history(chain, "gone") == [(start, True)]
    with psycopg.connect(dsn(chain.postgres, chain.database, "fieldline_owner")) as owner:
        owner.execute("DELETE FROM control.alert_rule WHERE name = 'gone'")
    eventually(lambda: history(chain, "gone") == [(start, False)], what="the episode has ended")
    eventually(lambda: told(chain, "gone") == ["firing", "resolved"], what="both are told")
