"""The producer: enqueues deliveries that come at the same time together.

So under load each round trip to Redis, and each sync of its file, serves many.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

from bridge.core.model import Envelope
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import EnqueueResult, IncomingDelivery
from bridge.queue.offload import LARGE, off_loop
from bridge.storage import keys
from bridge.storage.group_commit import GroupCommit

MAX_GROUP = 128
"""Deliveries enqueued together at most."""

SECONDS = 4.5
"""The limit of one write. A delivery may wait for two: GitHub gives up after ten seconds."""


@dataclass(kw_only=True)
class Producer:
    """Enqueues deliveries."""

    queue: DeliveryQueue
    seconds: float = SECONDS
    _grouped: GroupCommit[IncomingDelivery, EnqueueResult] = field(init=False)
    _large: GroupCommit[IncomingDelivery, EnqueueResult] = field(init=False)

    def __post_init__(self) -> None:
        self._grouped = GroupCommit(self._write, most=MAX_GROUP)
        # One by one, so that a delivery that comes meanwhile waits for one of them at most.
        self._large = GroupCommit(self._write, most=1)

    def enqueue(self, envelope: Envelope, *, repository_id: int, number: int) -> Awaitable[EnqueueResult]:
        """Enqueue a delivery, unless its id was enqueued before or there is no room; await the result.

        After an error of redis-py or `TimeoutError` it may have been enqueued, or may yet be.
        """
        # No coroutine of its own: most deliveries await their group alone.
        if len(envelope.body) > LARGE:
            return self._enqueue_large(envelope, repository_id=repository_id, number=number)
        return self._grouped.add(IncomingDelivery.of(envelope, repository_id=repository_id, number=number))

    async def _enqueue_large(self, envelope: Envelope, *, repository_id: int, number: int) -> EnqueueResult:
        incoming = await off_loop(
            len(envelope.body), IncomingDelivery.of, envelope, repository_id=repository_id, number=number
        )
        return await (self._large if len(incoming.body) > LARGE else self._grouped).add(incoming)

    async def _write(self, group: Sequence[IncomingDelivery]) -> list[EnqueueResult]:
        async with asyncio.timeout(self.seconds):
            return await self.queue.enqueue(group)


@dataclass(kw_only=True)
class PartitionedProducer(Producer):
    """The producer on a cluster, where partitions lie in different slots: each is written by itself.

    So a node that is down refuses only its own deliveries.
    """

    _parts: dict[int, Producer] = field(default_factory=dict)

    def enqueue(self, envelope: Envelope, *, repository_id: int, number: int) -> Awaitable[EnqueueResult]:
        """Enqueue a delivery, as `Producer.enqueue` does."""
        partition = keys.partition_of(repository_id)
        if partition not in self._parts:
            self._parts[partition] = Producer(queue=self.queue, seconds=self.seconds)
        return self._parts[partition].enqueue(envelope, repository_id=repository_id, number=number)
