"""A load of signed deliveries on a house of real processes, and the count of what became of them."""

import asyncio
import itertools
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from redis.exceptions import RedisError

from bridge.core.messages.addressing import message_uuid
from bridge.core.model import Connection
from bridge.core.security.encryption import Vault
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import DeadLetter
from bridge.storage import keys
from bridge.storage.connections import ConnectionStore
from bridge.storage.delivery_log import DeliveryLog
from scripts.sandbox.house import FLOW, House, until
from scripts.sandbox.process import Process
from tests.faults.row import PULLS, REPOSITORIES, STEPS, THREADS, TOTAL, Row
from tests.faults.wire import Wire
from tests.kits import sign

SLOW = {"path": "/messages", "delay": 0.1, "times": 1_000_000}
"""Flowdock slow enough that a fault comes in the middle of the load."""


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
    output: Path
    """The output of bridge's processes."""
    web: Process
    """The first web process."""
    workers: list[Process] = field(default_factory=list)
    worker_settings: dict[str, str] = field(default_factory=dict)
    first: int = 0
    """The number of the first repository: a load that comes after another has repositories of its own."""
    connections: dict[int, Connection] = field(default_factory=dict)
    sources: dict[int, str] = field(default_factory=dict)
    """By repository: the id of its source in the flow."""
    gone: set[int] = field(default_factory=set)
    """The repositories whose source the flow removed."""
    accepted: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By message uuid: the thread and the step of each delivery that was answered with 202."""
    uuids: dict[str, str] = field(default_factory=dict)
    """By delivery id: the message's uuid."""
    answers: Counter[int] = field(default_factory=Counter)
    """The number of bridge's answers by status."""

    hold_at: int = sys.maxsize
    """After so many accepted deliveries no more are sent, until `go_on`."""

    def __post_init__(self) -> None:
        self._gate = asyncio.Event()
        self._next_web = itertools.cycle(self.webs)

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
            self.sources[repository] = source["id"]
        await self.house.post(f"{self.house.flowdock}/_sandbox/faults", SLOW)

    async def staff(self, count: int = 1, settings: Mapping[str, str] | None = None) -> list[Process]:
        """Have so many workers with these settings run, and no others; returns them."""
        if (chosen := dict(settings or {})) != self.worker_settings:
            await self.dismiss()
            self.worker_settings = chosen
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < count:
            self.workers.append(self.house.start("bridge", "worker", output=None, **chosen))
        return self.workers

    async def dismiss(self) -> None:
        """Kill all workers, and end their leases: they would run out by themselves, later."""
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.workers.clear()
        await self.redis.delete(
            keys.WORKERS, *(keys.lease(partition) for partition in range(keys.PARTITIONS))
        )

    async def again(self) -> None:
        """Another load on the same processes, with nothing left of the one before."""
        self.go_on()
        store, deliveries = self.store, DeliveryQueue(self.redis)
        for repository in self.connections.keys() - self.gone:
            await store.remove(self.connections[repository].id)
        for letter in await deliveries.dead_letters():
            await deliveries.drop(letter)
        for path in ("faults", "calls"):
            async with self.house.http.delete(f"{self.house.flowdock}/_sandbox/{path}"):
                pass
        await self.house.post(f"{self.house.flowdock}/_sandbox/reset", {})
        self.first += REPOSITORIES
        self.gone.clear()
        for mine in (self.connections, self.sources, self.accepted, self.uuids, self.answers):
            mine.clear()
        await self.connect()

    @property
    def store(self) -> ConnectionStore:
        """The stored pull requests, as bridge reads them."""
        return ConnectionStore(self.redis, Vault([self.house.environ["ENCRYPTION_KEY"]]))

    async def send(self) -> None:
        """All deliveries: twenty pull requests side by side, what belongs to one in turn."""
        async with asyncio.TaskGroup() as group:
            for repository in self.connections:
                for number in range(1, PULLS + 1):
                    group.create_task(self._send_all_of(repository, number))

    async def _send_all_of(self, repository: int, number: int) -> None:
        connection = self.connections[repository]
        for step in range(STEPS):
            if len(self.accepted) >= self.hold_at:
                await self._gate.wait()
            guid = str(uuid4())
            await self._until_accepted(guid, self._body(repository, number, step))
            self.uuids[guid] = uuid = message_uuid(guid, connection.id, number)
            self.accepted[uuid] = (connection.thread_id(number), step)

    def hold(self, count: int) -> None:
        """Have no more sent once that many were accepted."""
        self.hold_at = count
        self._gate.clear()

    def go_on(self) -> None:
        """Have the rest sent."""
        self.hold_at = sys.maxsize
        self._gate.set()

    async def _until_accepted(self, guid: str, body: bytes) -> None:
        """As GitHub and whoever presses Redeliver: the same id again, until bridge has it."""
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature-256": sign.webhook(body, self.house.webhook_secret),
        }

        async def taken() -> bool:
            try:
                async with self.house.http.post(
                    f"{next(self._next_web)}/github/webhook", data=body, headers=headers
                ) as response:
                    self.answers[response.status] += 1
                    # 200: it was taken, and the answer was lost.
                    return response.status in (200, 202)
            except aiohttp.ClientError:
                return False

        # Twenty ask at once: not so often that they keep bridge from coming back.
        await until(taken, f"bridge does not take {guid}", every=0.2)

    def _body(self, repository: int, number: int, step: int) -> bytes:
        name = f"repository-{repository}"
        changes = {
            "repository": {"id": 5000 + repository, "name": name, "full_name": f"acme/{name}"},
            "sender": {"login": f"step-{step}"},
            "pull_request": {
                "number": number,
                "title": f"Step {step}",
                "updated_at": f"2030-01-01T00:00:{step:02}Z",
            },
        }
        made = self.payload | {"action": "edited", "number": number}
        made |= {part: self.payload[part] | fields for part, fields in changes.items()}
        return json.dumps(made).encode()

    async def messages(self) -> list[dict[str, Any]]:
        """The messages that Flowdock accepted, in order: each one's uuid, and whether it is a repeat."""
        found: list[dict[str, Any]] = await self.house.get(
            f"{self.house.flowdock}/_sandbox/messages?only=uuid,repeat"
        )
        return found

    async def not_posted(self) -> int:
        """The number of messages that Flowdock has neither accepted yet nor refused for good."""
        dead = sum(await self._lengths(map(keys.dead, range(keys.PARTITIONS))))
        return TOTAL - len({one["uuid"] for one in await self.messages()}) - dead

    async def _lengths(self, streams: Iterable[str]) -> list[int]:
        names = list(streams)

        async def asked() -> list[int] | None:
            try:
                async with self.redis.pipeline(transaction=False) as pipe:
                    for name in names:
                        pipe.xlen(name)
                    return list(await pipe.execute())
            except RedisError:
                # A connection to a Redis, or a node, that was killed just now.
                return None

        found: list[int] = await until(asked, "Redis does not answer")
        return found

    async def posted(self, count: int) -> None:
        """Wait until Flowdock took that many messages."""

        async def enough() -> bool:
            return TOTAL - await self.not_posted() >= count

        await until(enough, f"{count} messages were not posted")

    async def failing(self) -> None:
        """Wait until a worker noted that it could not post a message."""

        async def noted() -> bool:
            async with self.redis.pipeline(transaction=False) as pipe:
                for partition in range(keys.PARTITIONS):
                    pipe.hlen(keys.attempts(partition))
                return any(await pipe.execute())

        await until(noted, "no worker notes a failure")

    async def sent(self, count: int) -> None:
        """Wait until that many deliveries were accepted."""

        async def enough() -> bool:
            return len(self.accepted) >= count

        # Oftener than usual: in the meantime the rest of them could be accepted, too.
        await until(enough, f"{count} deliveries were not accepted", every=0.001)

    async def finished(self, fault: str, left: list[int]) -> Row:
        """Wait until the queue is empty, and count."""

        async def empty() -> bool:
            streams = [
                name(partition) for partition in range(keys.PARTITIONS) for name in (keys.inbox, keys.outbox)
            ]
            return not any(await self._lengths(streams))

        await until(empty, "the queue does not become empty")
        messages = await self.messages()
        firsts = [one for one in messages if not one["repeat"]]
        row = Row(fault=fault, left=tuple(left), deliveries=len(self.accepted))
        dead, skipped = await self.dead(), await self.skipped()
        row.dead, row.skipped = len(dead), len(skipped)
        ended = dead.keys() | skipped.keys()
        row.lost = len(self.accepted.keys() - {one["uuid"] for one in firsts} - ended)
        row.repeated = len(messages) - len(firsts)
        row.out_of_order = self._out_of_order(firsts, ended)
        gone = {self.sources[repository] for repository in self.gone}
        threads = [one for one in await self.house.threads() if one["source"] not in gone]
        row.stale = sum(thread["title"] != f"Step {STEPS - 1}" for thread in threads)
        assert len(threads) == THREADS - PULLS * len(gone)
        return row

    async def remove_sources(self, repositories: Iterable[int]) -> None:
        """The flow removes what ties bridge to these repositories."""
        for repository in repositories:
            self.gone.add(repository)
            where = f"{self.house.flowdock}/_sandbox/sources/{self.sources[repository]}"
            async with self.house.http.delete(where) as response:
                assert response.status == 204

    async def skipped(self) -> dict[str, str]:
        """The reason why a message was dropped, by its uuid: from the delivery log, or a worker's own.

        The log alone has it where the connection was gone before there was a message.
        """
        found: dict[str, str] = {}
        for repository in self.gone:
            notes = await DeliveryLog(self.redis).notes(5000 + repository, self.connections[repository].id)
            found |= {
                self.uuids[note.delivery_id]: note.reason for note in notes if note.outcome == "skipped"
            }
        for line in self.output.read_text().splitlines():
            if '"delivery_skipped"' in line:
                told = json.loads(line)
                if told["delivery"] in self.uuids:
                    found[self.uuids[told["delivery"]]] = told["reason"]
        return found

    async def dead(self) -> dict[str, DeadLetter]:
        """The dead letters of messages, by message uuid."""
        found = await DeliveryQueue(self.redis).dead_letters()
        return {json.loads(letter.fields["message"])["uuid"]: letter for letter in found}

    def _out_of_order(self, messages: list[dict[str, Any]], ended: AbstractSet[str]) -> int:
        """Messages before one that is older in their thread; one that ended otherwise leaves a gap."""
        due: defaultdict[str, list[int]] = defaultdict(list)
        for message_id, (thread, step) in self.accepted.items():
            if message_id not in ended:
                due[thread].append(step)
        wrong = 0
        for message in messages:
            thread, step = self.accepted[message["uuid"]]
            wrong += step != due[thread].pop(0)
        return wrong
