"""The web's way into the queue: deliveries that come at the same time are written to Redis together.

So a single delivery waits for nobody, and under load each round trip and each sync of its file serves many.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.core.model import Envelope
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import EnqueueResult, IncomingDelivery
from bridge.queue.offload import LARGE, off_loop
from bridge.storage import keys
from bridge.storage.group_commit import GroupCommit

MAX_GROUP = 128
"""Deliveries written together at most."""

SECONDS = 4.5
"""The bound of one write. Whoever comes while one hangs waits for two: GitHub gives up after ten seconds."""


@dataclass(kw_only=True)
class Producer:
    """Takes deliveries for good."""

    queue: DeliveryQueue
    seconds: float = SECONDS
    _grouped: GroupCommit[IncomingDelivery, EnqueueResult] = field(init=False)
    _large: GroupCommit[IncomingDelivery, EnqueueResult] = field(init=False)

    def __post_init__(self) -> None:
        self._grouped = GroupCommit(self._write, most=MAX_GROUP)
        # One by one: whoever comes meanwhile waits for one of them at the most.
        self._large = GroupCommit(self._write, most=1)

    async def enqueue(self, envelope: Envelope, *, repository_id: int, number: int) -> EnqueueResult:
        """Take a delivery for good, if its id was not taken before and there is room for it.

        Raises redis-py's errors, and `TimeoutError`: then the delivery may have been taken, or may yet be.
        """
        if len(envelope.body) <= LARGE:
            return await self._grouped.add(
                IncomingDelivery.of(envelope, repository_id=repository_id, number=number)
            )
        incoming = await off_loop(
            len(envelope.body), IncomingDelivery.of, envelope, repository_id=repository_id, number=number
        )
        return await (self._large if len(incoming.body) > LARGE else self._grouped).add(incoming)

    async def _write(self, group: Sequence[IncomingDelivery]) -> list[EnqueueResult]:
        async with asyncio.timeout(self.seconds):
            return await self.queue.enqueue(group)


@dataclass(kw_only=True)
class PartitionedProducer(Producer):
    """The same on a cluster: what goes to different partitions lies in different slots, and is written apart.

    So a node that is away keeps out only what belongs to it.
    """

    _parts: dict[int, Producer] = field(default_factory=dict)

    async def enqueue(self, envelope: Envelope, *, repository_id: int, number: int) -> EnqueueResult:
        """As `Producer.enqueue`."""
        partition = keys.partition_of(repository_id)
        if partition not in self._parts:
            self._parts[partition] = Producer(queue=self.queue, seconds=self.seconds)
        return await self._parts[partition].enqueue(envelope, repository_id=repository_id, number=number)
