"""A load of signed deliveries on a house of real processes, and the count of what became of them."""

import asyncio
import copy
import itertools
import json
import os
import signal
import subprocess
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bridge import embedded_redis, keys
from bridge.core.model import Connection
from bridge.core.translate import message_uuid
from bridge.core.vault import Vault
from bridge.deliveries import DeadLetter, Deliveries
from bridge.redis_client import close_redis, connect_redis
from bridge.store import Store
from scripts.sandbox.house import FLOW, House, free_port, open_house, until
from tests import sign
from tests.faults.wire import Wire, open_wire

REPOSITORIES, PULLS, STEPS = 10, 2, 10
TOTAL = REPOSITORIES * PULLS * STEPS
"""Deliveries of one load: ten of each of twenty pull requests, two in each of ten repositories."""

THREADS = REPOSITORIES * PULLS
"""Each has one post under way at most: what a worker that is killed may have posted without its note."""


SLOW = {"path": "/messages", "delay": 0.1, "times": 1_000_000}
"""Flowdock slow enough that a fault comes in the middle of the load."""


class RedisServer:
    """A Redis that can be killed and started again on what it wrote."""

    def __init__(self, data: Path) -> None:
        self.url = ""
        self._data = data
        self._running = ExitStack()

    def start(self) -> None:
        """Start it on its data."""
        self.url = self._running.enter_context(embedded_redis.running(self._data))

    def kill(self, pid: int) -> None:
        """Kill it, unasked."""
        os.kill(pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """Stop it, or bury one that was killed."""
        self._running.close()


@dataclass
class Row:
    """A line of the table: what came of a load under a fault."""

    fault: str
    left: tuple[int, ...] = ()
    """How much of the load was left at each fault."""
    deliveries: int = 0
    lost: int = 0
    repeated: int = 0
    out_of_order: int = 0
    stale: int = 0
    """Threads that do not show the newest state in the end."""
    dead: int = 0
    """Dead letters, each with its reason."""


@dataclass
class Load:
    """Ten connected repositories, and the deliveries about them; those of one pull request in turn."""

    house: House
    redis: Any
    payload: dict[str, Any]
    webs: list[str]
    """The web processes' addresses: who is refused at one asks the next, as behind a router."""
    wire: Wire
    """Between bridge and Flowdock."""
    first: int = 0
    """The number of the first repository: a load that comes after another has repositories of its own."""
    connections: dict[int, Connection] = field(default_factory=dict)
    accepted: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By message uuid: the thread and the step of each delivery that was answered with 202."""
    answers: Counter[int] = field(default_factory=Counter)
    """How many of bridge's answers had which status."""

    async def connect(self) -> None:
        """A source and a connection for each repository."""
        store = self.store
        for repository in range(self.first, self.first + REPOSITORIES):
            name = f"acme/repository-{repository}"
            source = await self.house.post(
                f"{self.house.flowdock}/_sandbox/sources",
                {"flow": FLOW, "name": name, "external_url": f"{self.house.github}/{name}"},
            )
            connection, _ = await store.connect(name, flow_token=source["flow_token"], name=name)
            self.connections[repository] = connection
        await self.house.post(f"{self.house.flowdock}/_sandbox/faults", SLOW)

    async def again(self) -> None:
        """Another load on the same processes, with nothing left of the one before."""
        store, deliveries = self.store, Deliveries(self.redis)
        for connection in self.connections.values():
            await store.disconnect(connection.id)
        for letter in await deliveries.dead_letters():
            await deliveries.drop(letter)
        for path in ("faults", "calls"):
            async with self.house.http.delete(f"{self.house.flowdock}/_sandbox/{path}"):
                pass
        await self.house.post(f"{self.house.flowdock}/_sandbox/reset", {})
        self.first += REPOSITORIES
        for mine in (self.connections, self.accepted, self.answers):
            mine.clear()
        await self.connect()

    @property
    def store(self) -> Store:
        """What bridge keeps, as bridge reads it."""
        return Store(self.redis, Vault([self.house.environ["ENCRYPTION_KEY"]]))

    async def send(self) -> None:
        """All deliveries: twenty pull requests side by side, what belongs to one in turn."""
        async with asyncio.TaskGroup() as group:
            for repository in self.connections:
                for number in range(1, PULLS + 1):
                    group.create_task(self._send_all_of(repository, number))

    async def _send_all_of(self, repository: int, number: int) -> None:
        connection = self.connections[repository]
        for step in range(STEPS):
            guid = str(uuid.uuid4())
            await self._until_accepted(guid, self._body(repository, number, step))
            self.accepted[message_uuid(guid, connection.id, number)] = (connection.thread_id(number), step)

    async def _until_accepted(self, guid: str, body: bytes) -> None:
        """As GitHub and whoever presses Redeliver: the same id again, until bridge has it."""
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature-256": sign.webhook(body, self.house.webhook_secret),
        }

        webs = itertools.cycle(self.webs)

        async def taken() -> bool:
            try:
                async with self.house.http.post(
                    f"{next(webs)}/github/webhook", data=body, headers=headers
                ) as response:
                    self.answers[response.status] += 1
                    # 200: it was taken, and the answer was lost.
                    return response.status in (200, 202)
            except aiohttp.ClientError:
                return False

        await until(taken, f"bridge does not take {guid}")

    def _body(self, repository: int, number: int, step: int) -> bytes:
        made = copy.deepcopy(self.payload)
        name = f"repository-{repository}"
        made |= {"action": "edited", "number": number}
        made["repository"] |= {"id": 5000 + repository, "name": name, "full_name": f"acme/{name}"}
        made["sender"] |= {"login": f"step-{step}"}
        made["pull_request"] |= {
            "number": number,
            "title": f"Step {step}",
            "updated_at": f"2030-01-01T00:00:{step:02}Z",
        }
        return json.dumps(made).encode()

    async def messages(self) -> list[dict[str, Any]]:
        """What Flowdock took, repeats too, in order."""
        found: list[dict[str, Any]] = await self.house.get(f"{self.house.flowdock}/_sandbox/messages")
        return found

    async def not_posted(self) -> int:
        """How many of all the messages Flowdock has not taken yet."""
        return TOTAL - len({one["uuid"] for one in await self.messages()} | (await self.dead()).keys())

    async def posted(self, count: int) -> None:
        """Wait until Flowdock took that many messages."""

        async def enough() -> bool:
            return TOTAL - await self.not_posted() >= count

        await until(enough, f"{count} messages were not posted")

    async def sent(self, count: int) -> None:
        """Wait until that many deliveries were accepted."""

        async def enough() -> bool:
            return len(self.accepted) >= count

        await until(enough, f"{count} deliveries were not accepted")

    async def finished(self, fault: str, left: list[int]) -> Row:
        """Wait until the queue is empty, and count."""

        async def empty() -> bool:
            streams = [
                name(partition) for partition in range(keys.PARTITIONS) for name in (keys.inbox, keys.outbox)
            ]
            return not any([await self.redis.xlen(stream) for stream in streams])

        await until(empty, "the queue does not become empty")
        messages = await self.messages()
        firsts = [one for one in messages if not one["repeat"]]
        row = Row(fault=fault, left=tuple(left), deliveries=len(self.accepted))
        dead = await self.dead()
        row.dead = len(dead)
        row.lost = len(self.accepted.keys() - {one["uuid"] for one in firsts} - dead.keys())
        row.repeated = len(messages) - len(firsts)
        row.out_of_order = self._out_of_order(firsts, dead.keys())
        threads = await self.house.threads()
        row.stale = sum(thread["title"] != f"Step {STEPS - 1}" for thread in threads)
        assert len(threads) == THREADS
        return row

    async def dead(self) -> dict[str, DeadLetter]:
        """The dead letters of messages, by message uuid."""
        found = await Deliveries(self.redis).dead_letters()
        return {json.loads(letter.fields["letter"])["uuid"]: letter for letter in found}

    def _out_of_order(self, messages: list[dict[str, Any]], dead: AbstractSet[str]) -> int:
        """Messages that came before one that is older in their thread; a dead letter leaves a gap."""
        due: defaultdict[str, list[int]] = defaultdict(list)
        for message_id, (thread, step) in self.accepted.items():
            if message_id not in dead:
                due[thread].append(step)
        wrong = 0
        for message in messages:
            thread, step = self.accepted[message["uuid"]]
            wrong += step != due[thread].pop(0)
        return wrong


@asynccontextmanager
async def open_load(
    data: Path, redis_url: str, *, lease_seconds: float, more_webs: int = 0, cluster: bool = False
) -> AsyncIterator[Load]:
    """Stand-ins and web half running, repositories connected; the workers are for the test to start."""
    settings = {"REDIS_URL": redis_url, "LEASE_SECONDS": str(lease_seconds), "LOG_LEVEL": "warning"}
    if cluster:
        settings["REDIS_CLUSTER"] = "1"
    with (data / "output.log").open("wb") as output:
        async with (
            open_house(data, output=subprocess.DEVNULL, settings=settings) as house,
            open_wire(house.flowdock) as wire,
        ):
            # Of bridge's processes alone: what the stand-ins say of cut connections is no concern.
            house.output = output
            house.settings["FLOWDOCK_API_URL"] = wire.url
            webs = [house.bridge, *(f"http://127.0.0.1:{free_port()}" for _ in range(more_webs))]
            for web in webs:
                house.start("bridge", "web", PORT=web.rpartition(":")[2])
            redis = connect_redis(redis_url, cluster=cluster)
            try:
                load = Load(house=house, redis=redis, payload=await house.payload(), webs=webs, wire=wire)
                await load.connect()
                for web in webs:
                    await house.answers(f"{web}/readyz")
                yield load
            finally:
                await close_redis(redis)
    assert "Traceback" not in (data / "output.log").read_text()


@contextmanager
def redis_server(data: Path) -> Iterator[RedisServer]:
    """A Redis for one load."""
    server = RedisServer(data)
    server.start()
    try:
        yield server
    finally:
        server.stop()
