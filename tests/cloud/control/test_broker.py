"""The API's connection to the broker: answers in order, and never a silent loss."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from cloud.control.broker import Broker as Connection
from cloud.control.errors import BrokerAway
from cloud.control.settings import Mqtt
from cloud.stack import accounts
from cloud.stack.folder import Folder
from tests.cloud.control.devices.player import Player
from tests.servers import Broker
from wire import topics

COMMAND = b'{"id":"1","command":"none","expires":1.0,"arguments":{}}'


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that may be killed."""
    running = Broker(Folder(tmp_path_factory.mktemp("broker")))
    running.start()
    yield running
    if running.running:
        running.kill()


def connection(broker: Broker) -> Connection:
    password_file = str(broker.folder.secret(accounts.CONTROL))
    return Connection(Mqtt(broker.host, broker.port, broker.ca, accounts.CONTROL, password_file))


async def connected(made: Connection) -> asyncio.Task[None]:
    greeted = asyncio.Event()
    made.on_connected(greeted.set)
    task = asyncio.create_task(made.run())
    async with asyncio.timeout(20):
        await greeted.wait()
    return task


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_every_command_has_its_own_answer_however_many_ask_at_once(alone: Broker) -> None:
    async def main() -> None:
        made = connection(alone)
        task = await connected(made)

        async def ask(number: int) -> list[dict[str, Any]]:
            role = {"rolename": f"role-{number}"}
            return await made.security(
                [{"command": "createRole", **role}, {"command": "createRole", **role},
                 {"command": "deleteRole", **role}]
            )  # fmt: skip

        for created, again, deleted in await asyncio.gather(*(ask(n) for n in range(30))):
            assert "error" not in created
            assert "already exists" in again["error"]
            assert "error" not in deleted
        await end(task)

    asyncio.run(main())


def test_what_takes_rights_away_does_not_wait_for_what_gives_some(alone: Broker) -> None:
    async def main() -> None:
        made = connection(alone)
        task = await connected(made)
        names = [{"rolename": f"late-{number}"} for number in range(300)]
        await made.security([{"command": "createRole", "rolename": "to-go"}])
        giving = [
            asyncio.create_task(made.security([{"command": "createRole", **name}]))
            for name in names
        ]
        await asyncio.sleep(0)  # all of them wait for their turn now
        (gone,) = await made.security([{"command": "deleteRole", "rolename": "to-go"}])
        assert "error" not in gone
        assert sum(one.done() for one in giving) < 50
        assert all("error" not in answer for (answer,) in await asyncio.gather(*giving))
        await made.security([{"command": "deleteRole", **name} for name in names])
        await end(task)

    asyncio.run(main())


def test_it_says_whether_anybody_listens_and_hears_what_devices_say(alone: Broker) -> None:
    login = ("pi-1", alone.add("pi-1"), alone.port, alone.ca)

    async def main() -> None:
        made = connection(alone)
        heard: asyncio.Queue[tuple[str, bytes, bool]] = asyncio.Queue()
        made.on(topics.Kind.STATUS, lambda *said: heard.put_nowait(said))
        task = await connected(made)
        assert await made.publish(topics.cmd("pi-1"), COMMAND) is False
        device = await asyncio.to_thread(Player, login=login)
        await asyncio.to_thread(device.subscribe, topics.cmd("pi-1"))
        assert await made.publish(topics.cmd("pi-1"), COMMAND, expiry_s=5) is True
        await asyncio.to_thread(device.publish, topics.status("pi-1"), b"on")
        async with asyncio.timeout(10):
            assert await heard.get() == ("pi-1", b"on", False)
        device.close()
        with pytest.raises(BrokerAway, match="refuses"):
            await made.publish(topics.data("pi-1"), b"a reading is not the API's to send")
        await end(task)

    asyncio.run(main())


def test_a_broker_that_goes_is_told_at_once_and_found_again(alone: Broker) -> None:
    async def main() -> None:
        made = connection(alone)
        with pytest.raises(BrokerAway, match="no connection"):
            await made.publish(topics.cmd("pi-1"), b"{}")
        task = await connected(made)
        alone.pause()
        asked = asyncio.create_task(made.security([{"command": "listRoles"}]))
        await asyncio.sleep(0)
        alone.resume()
        assert (await asked)[0]["command"] == "listRoles"
        again = asyncio.Event()
        made.on_connected(again.set)
        alone.pause()
        asked = asyncio.create_task(made.security([{"command": "listRoles"}]))
        await asyncio.sleep(0)
        alone.kill()
        with pytest.raises(BrokerAway):
            await asked
        await asyncio.to_thread(alone.start)
        async with asyncio.timeout(20):
            await again.wait()
        assert made.connected
        await end(task)

    asyncio.run(main())
