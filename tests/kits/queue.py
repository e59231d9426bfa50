"""Shared by the tests of the queue: an owner of the partition of the test's deliveries."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.core.model import Author, Envelope, Mention, Message
from bridge.queue.backlog import TASK
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import (
    Ack,
    EnqueueResult,
    InboxEntry,
    IncomingDelivery,
    Lease,
    OutboxEntry,
    OutboxMessage,
)
from bridge.queue.leases import Leases
from bridge.storage import keys
from bridge.storage.client import connect_redis
from bridge.storage.writes import Write

REPOSITORY_ID = 1296269
PARTITION = keys.partition_of(REPOSITORY_ID)


@dataclass(frozen=True)
class Queue:
    """The queue, and the lease of its partition."""

    redis: Any
    deliveries: DeliveryQueue
    leases: Leases
    lease: Lease

    async def put(self, delivery_id: str, *, number: int = 1, body: bytes = b"{}") -> bool:
        """A delivery comes in."""
        envelope = Envelope(id=delivery_id, event="pull_request", body=body)
        incoming = IncomingDelivery.of(envelope, repository_id=REPOSITORY_ID, number=number)
        return await self.deliveries.enqueue([incoming]) == [EnqueueResult.TAKEN]

    async def inbox(self) -> list[InboxEntry]:
        """The deliveries that wait to be translated."""
        found = await self.deliveries.inboxes().read({PARTITION: "0"}, count=1000, block_ms=1)
        return [entry for _, entry in found]

    async def taken(self, delivery_id: str, *, number: int = 1) -> InboxEntry:
        """A delivery comes in and is read."""
        await self.put(delivery_id, number=number)
        return (await self.inbox())[-1]

    async def commit(
        self, entry: InboxEntry, *, writes: Sequence[Write] = (), messages: Sequence[OutboxMessage] = ()
    ) -> list[OutboxEntry]:
        """One delivery's commit, which must take effect."""
        committed = await self.deliveries.commit(self.lease, [entry], writes=writes, messages=messages)
        assert committed is not None
        return committed

    async def ack(self, entry: OutboxEntry, *, writes: Sequence[Write] = ()) -> None:
        """One message is at its end."""
        await self.deliveries.ack(self.lease, [Ack(entry, writes)])

    async def overtaken(self) -> None:
        """Another worker takes the partition, as it does once the lease ran out."""
        await self.redis.delete(keys.lease(PARTITION))
        other = Leases(self.redis, worker_id="other", seconds=60)
        assert await other.acquire(PARTITION)

    async def everything(self) -> dict[Any, bytes | None]:
        """All that Redis holds."""
        names = sorted(await self.redis.keys())
        return {name: await self.redis.dump(name) for name in names}


@asynccontextmanager
async def open_queue(redis_url: str) -> AsyncIterator[Queue]:
    """The queue on this Redis, its partition leased."""
    redis = connect_redis(redis_url)
    leases = Leases(redis, worker_id="one", seconds=60)
    lease = await leases.acquire(PARTITION)
    assert lease is not None
    try:
        yield Queue(redis=redis, deliveries=DeliveryQueue(redis), leases=leases, lease=lease)
    finally:
        # Of whatever queues the test made on this Redis.
        reading = [task for task in asyncio.all_tasks() if task.get_name() == TASK]
        await asyncio.gather(*reading, return_exceptions=True)
        await redis.aclose()
        await redis.connection_pool.disconnect()


def outbox_message(delivery_id: str, *, to: str = "c1", number: int = 1) -> OutboxMessage:
    """A message of a delivery for a connection."""
    return OutboxMessage(
        connection_id=to,
        repository_id=REPOSITORY_ID,
        number=number,
        uuid=f"{delivery_id}:{to}",
        delivery_id=delivery_id,
        received_at=1.5,
        content=Message(
            event="activity",
            title="Opened",
            author=Author(name="ann-gh"),
            mentions=(Mention("a", 1), Mention("b")),
        ),
    )


SNAPSHOT = keys.snapshot(REPOSITORY_ID, 1)
HEADS = keys.heads(REPOSITORY_ID, "5ca1ab1e")


def snapshot(value: bytes) -> Write:
    """The write of a snapshot."""
    return Write("SET", SNAPSHOT, value, 60)


async def reads(redis: Any) -> int:
    """Return how often Redis has read from a client."""
    return int((await redis.info("stats"))["total_reads_processed"])


async def reads_during(redis: Any, work: Awaitable[object]) -> int:
    """Return how often Redis read from a client during some work; the look at it afterwards is one."""
    before = await reads(redis)
    await work
    return await reads(redis) - before
