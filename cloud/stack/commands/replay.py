"""`fieldline replay`: reads the whole Kafka log again."""

import argparse
import json
import shutil
import sys
import time

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.commands.stages import through_the_api
from cloud.stack.errors import NotReached, StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Plan, Postgres, read_plan
from cloud.stack.status import read_progress
from wire import topics

_PATIENCE_S = 600.0
_SAID_EVERY_S = 5.0
_ANSWER_S = 5.0


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Stop the stream, take its checkpoint away, start it, and wait until it has read all."""
    plan = read_plan(folder)
    packs = in_log(plan)
    before = booked(plan.postgres)
    for sentence in consequences(packs):
        print(sentence, file=sys.stderr)
    if options.dry_run:
        asking.show({"packs": packs, "read": 0, "filled": 0, "done": False}, [],
                    as_json=options.json)  # fmt: skip
        return 0
    if not asking.confirmed("Read it all again now?", yes=options.yes):
        return 1
    client = Client(plan.api)
    _change(folder, client, "stop")
    try:
        shutil.rmtree(folder.data / "stream", ignore_errors=True)
        folder.progress("stream").unlink(missing_ok=True)
    finally:
        _change(folder, client, "start")
    read = _wait(folder, plan, packs)
    filled = booked(plan.postgres) - before
    told = {"packs": packs, "read": read, "filled": filled, "done": True}
    lines = [f"{read:,} messages read, {filled:,} packs of them were not in the tables"]
    asking.show(told, lines, as_json=options.json)
    return 0


def consequences(packs: int) -> list[str]:
    """Say what it does, before it does it."""
    return [
        f"The stream stops, forgets how far it had read, and reads all {packs:,} packs of the log.",
        "What is stored is recognised and stays as it is; what is missing in the tables is stored.",
        "Meanwhile new readings wait in Kafka, and are stored when their turn comes.",
        "What Kafka's retention has taken away is not there to be read.",
    ]


def in_log(plan: Plan) -> int:
    """Count the packs that Kafka still has. Raises NotReached."""
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": plan.kafka.bootstrap,
            "group.id": "fieldline-replay",  # nothing is committed under it
            "log_level": 0,
            **plan.kafka.client(),
        }
    )
    try:
        found = consumer.list_topics(topics.PACKS, timeout=_ANSWER_S).topics[topics.PACKS]
        ends = [
            consumer.get_watermark_offsets(TopicPartition(topics.PACKS, one), timeout=_ANSWER_S)
            for one in found.partitions
        ]
    except KafkaException:
        raise NotReached(
            f"Kafka does not answer at {plan.kafka.bootstrap}; `fieldline start kafka`"
        ) from None
    finally:
        consumer.close()
    return sum(last - first for first, last in ends)


def booked(postgres: Postgres) -> int:
    """Count the numbered packs that are stored. Raises NotReached."""
    import psycopg

    try:
        with psycopg.connect(
            postgres.dsn("fieldline_reader"), password=postgres.password("fieldline_reader"),
            connect_timeout=5,
        ) as connection:  # fmt: skip
            row = connection.execute("SELECT sum(stored) FROM fieldline.completeness").fetchone()
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        raise NotReached(f"PostgreSQL cannot be asked: {said}") from None
    return int(row[0] or 0) if row else 0


def _change(folder: Folder, client: Client, action: str) -> None:
    wanted = argparse.Namespace(stage="stream", action=action, dry_run=False)
    through_the_api(folder, client, wanted, lambda _: None)


def _wait(folder: Folder, plan: Plan, packs: int) -> int:
    """Return how many messages were read, when all that wait came since; says how far it is."""
    file = folder.progress("stream")
    said = moved = time.monotonic()
    read = 0
    while True:
        seen = read_progress(file)
        if not seen.error:
            now = int(json.loads(file.read_bytes())["in_total"])
            moved, read = (time.monotonic(), now) if now > read else (moved, read)
            if read >= packs and (seen.lag or 0) <= in_log(plan) - packs:
                return read
        if time.monotonic() - moved > _PATIENCE_S:
            raise StackError(
                f"the stream has read {read:,} packs of {packs:,} and does not go on; it tries "
                "again by itself, `fieldline logs stream` says why"
            )
        if time.monotonic() - said > _SAID_EVERY_S:
            said = time.monotonic()
            print(f"{read:,} of {packs:,} packs", file=sys.stderr)
        time.sleep(0.5)
