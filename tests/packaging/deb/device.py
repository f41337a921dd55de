"""What the tests of an installed device share: the package, and what the server knows of one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from tests.servers import CHECKOUT
from tests.stack import Stack

PACKS = "fieldline.packs"


def build(arch: str, out: Path) -> Path:
    """Build the package."""
    subprocess.run(
        [sys.executable, "packaging/deb", "--arch", arch, "--out", out], cwd=CHECKOUT, check=True
    )
    (made,) = out.glob("*.deb")
    return made


class Known:
    """What the server knows of one device."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        self.name = name

    def code(self) -> str:
        """Register it, and draw the text that its person pastes."""
        return str(self.stack.json("device", "enrol", self.name)["text"])

    def stored(self) -> int:
        """Packs whose readings are in the database."""
        ((count,),) = self.stack.query(
            "SELECT coalesce(sum(stored), 0)::int FROM fieldline.completeness WHERE device = %s",
            self.name,
        )
        return int(count)

    def epochs(self) -> list[tuple[str, int]]:
        """Each epoch of it with the packs that are missing."""
        rows = self.stack.query(
            "SELECT epoch, missing FROM fieldline.completeness WHERE device = %s", self.name
        )
        return [(str(epoch), int(missing)) for epoch, missing in rows]

    def sent(self) -> Counter[tuple[str, int]]:
        """How often each pack, by epoch and number, came to Kafka."""
        bootstrap = self.stack.json("env")["kafka"]["bootstrap"]
        consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "test-deb", "enable.auto.commit": False}
        )
        came: Counter[tuple[str, int]] = Counter()
        try:
            numbers = consumer.list_topics(PACKS, 10).topics[PACKS].partitions
            parts = [TopicPartition(PACKS, number, OFFSET_BEGINNING) for number in numbers]
            ends = [consumer.get_watermark_offsets(part, 10) for part in parts]
            consumer.assign(parts)
            for _ in range(sum(end - first for first, end in ends)):
                message = consumer.poll(20)
                assert message is not None, f"{came.total()} packs have come, and no more"
                if message.key() == self.name.encode():
                    head = json.loads(message.value() or b"")[0]
                    came[head["ep"], head["sq"]] += 1
        finally:
            consumer.close()
        return came
