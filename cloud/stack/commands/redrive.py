"""`fieldline rejected redrive`."""

import argparse
import sys
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

from cloud.stack import asking
from cloud.stack.errors import NotReached
from cloud.stack.folder import Folder
from cloud.stack.plan import Kafka, Plan, Postgres, read_plan
from cloud.stack.redrive import Judgement, Letter, Letters, Verdict
from wire import topics

_STORED_WITHIN_S = 60.0
_TAKEN_WITHIN_S = 10.0
_LARGEST = 8 * 1024 * 1024 + 65_536  # what the bridge has put into the log

_AUDIT = """
INSERT INTO control.audit (person, role, address, request, action, subject, after)
VALUES ('local', 'admin', 'local', '', 'rejected.redrive', %s,
        jsonb_build_object('letters', %s::int))
"""


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Send what can be read now; 1 if some of it is still refused."""
    plan = read_plan(folder)
    with ExitStack() as opened:
        letters = Letters(opened.enter_context(_connect(plan.postgres, "fieldline_stream")))
        found = letters.open(options.device, options.reason)
        if options.dry_run:
            judged = [(letter, letters.judge(letter)) for letter in found]
        else:
            judged = _send_all(plan, letters, found)
    counts = Counter(judgement.verdict for _, judgement in judged)
    told = {
        "letters": len(judged),
        "redriven": counts[Verdict.SEND],
        "stored_before": counts[Verdict.STORED],
        "refused": counts[Verdict.REFUSED],
        "readings": sum(len(judgement.new) for _, judgement in judged),
        "done": not options.dry_run,
    }
    verb = "would be sent" if options.dry_run else "sent through again"
    lines = [f"{one.device}  {judgement.why}" for one, judgement in judged if judgement.why]
    lines.append(
        f"{told['redriven']} {verb} with {told['readings']} readings, {told['stored_before']} were "
        f"stored before, {told['refused']} are refused as before"
    )
    asking.show(told, lines, as_json=options.json)
    return 1 if told["refused"] else 0


def _send_all(plan: Plan, letters: Letters, found: list[Letter]) -> list[tuple[Letter, Judgement]]:
    judged = []
    sent = []
    with _connect(plan.postgres, "fieldline_control") as control:
        producer = _producer(plan.kafka)
        for letter in found:
            judgement = letters.forget(letter)
            judged.append((letter, judgement))
            if judgement.verdict is Verdict.STORED:
                letters.mark(letter)
            if judgement.verdict is Verdict.SEND:
                _produce(producer, letter, plan.kafka)
                sent.append((letter, judgement))
        for device, count in Counter(letter.device for letter, _ in sent).items():
            control.execute(_AUDIT, (f"device/{device}", count))
        if producer.flush(_TAKEN_WITHIN_S):
            raise NotReached(
                f"Kafka at {plan.kafka.bootstrap} does not take all of it; `fieldline start "
                "kafka`, and do this again: it goes on where it ended"
            )
    for letter, judgement in sent:
        _wait(letters, letter, judgement)
        letters.mark(letter)
    return judged


def _wait(letters: Letters, letter: Letter, judgement: Judgement) -> None:
    end = time.monotonic() + _STORED_WITHIN_S
    told = False
    while not letters.has(letter.device, judgement.new):
        if time.monotonic() > end:
            raise NotReached(
                f"what was sent again of {letter.device} is in Kafka, and not stored within "
                f"{_STORED_WITHIN_S:.0f} s; `fieldline status` says how the stream does; do this "
                "again afterwards, it goes on where it ended"
            )
        if not told:
            print("waiting until the stream has stored it", file=sys.stderr)
            told = True
        time.sleep(0.1)


def _produce(producer: Any, letter: Letter, kafka: Kafka) -> None:
    from confluent_kafka import KafkaException

    try:
        producer.produce(
            topics.PACKS,
            letter.payload,
            letter.device.encode(),
            timestamp=letter.received_utc // 1000,
            headers=[("origin", letter.origin.encode())],
        )
        producer.poll(0)
    except (KafkaException, BufferError) as error:
        raise NotReached(f"Kafka at {kafka.bootstrap} does not take it: {error}") from None


def _producer(kafka: Kafka) -> Any:
    from confluent_kafka import Producer

    return Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "message.max.bytes": _LARGEST,
            "allow.auto.create.topics": False,
            "log_level": 0,
            **kafka.client(),
        }
    )


def _connect(postgres: Postgres, role: str) -> Any:
    import psycopg

    try:
        return psycopg.connect(
            postgres.dsn(role), password=postgres.password(role), connect_timeout=5,
            autocommit=True, application_name="fieldline redrive",
        )  # fmt: skip
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        raise NotReached(f"PostgreSQL cannot be asked: {said}") from None
