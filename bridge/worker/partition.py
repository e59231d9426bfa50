"""Process a partition: translate the deliveries of its inbox, post the messages of its outbox.

Deliveries of a repository are translated one after the other: a commit's checks concern every pull request
that has it as its head. Messages of a thread are posted one after the other.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

import structlog

from bridge.core import compression
from bridge.core.pulls.gathering import DUE
from bridge.process.shutdown import Stopped
from bridge.queue.delivery_queue import Fenced
from bridge.queue.entries import Attempts, Entry, InboxEntry, Lease, OutboxEntry
from bridge.worker.batcher import Batcher
from bridge.worker.context import PartitionContext
from bridge.worker.keyed_executor import KeyedExecutor
from bridge.worker.processor import Processor

MAX_BATCH = 64
MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Deliveries that are translated together, and the size of their JSON: a few bytes may unpack to 25 MiB."""

THREADS_AT_ONCE = 16
"""Of a connection. Twice as many as are posted at once, since acknowledging a message takes time, too."""

log = structlog.get_logger()


class Partition:
    """The work on one partition, until it is closed (handed over) or lost to another worker.

    `freed` is set whenever deliveries leave memory.
    """

    def __init__(
        self,
        lease: Lease,
        processor: Processor,
        attempts: dict[str, Attempts],
        tasks: asyncio.TaskGroup,
        freed: asyncio.Event,
    ) -> None:
        self.lease = lease
        self.position = "0"
        """The last delivery that was added."""
        self._processor = processor
        self._context = PartitionContext(lease, processor.queue, attempts)
        self._freed = freed
        self._tasks = tasks
        self._inbox = Batcher[InboxEntry](
            batch_size=batch_size,
            key_of=lambda delivery: delivery.repository_id,
            handle_batch=self._process_batch,
            handle_one=self._process,
            tasks=tasks,
        )
        self._outbox = KeyedExecutor[tuple[str, int], OutboxEntry](
            self._process, tasks, limit=THREADS_AT_ONCE, group_of=lambda thread: thread[0]
        )

    @property
    def loaded(self) -> int:
        """The number of deliveries in memory."""
        return 0 if self.is_cancelled else len(self._inbox)

    @property
    def is_cancelled(self) -> bool:
        """True once all work on it was stopped."""
        return self._context.abandoned.is_set()

    def add_delivery(self, delivery: InboxEntry) -> None:
        """Queue a delivery behind those of its repository."""
        self.position = delivery.id
        if delivery.event == DUE and delivery.received_at > time.time():
            self._tasks.create_task(self._add_when_due(delivery))
        else:
            self._inbox.add(delivery)

    async def _add_when_due(self, delivery: InboxEntry) -> None:
        # Where the partition is closed meanwhile, it stays in Redis for the next owner.
        with suppress(Stopped):
            await self._context.closing.pause_until(delivery.received_at)
            self._inbox.add(delivery)

    def add_messages(self, messages: Iterable[OutboxEntry]) -> None:
        """Queue messages, each behind those of its thread."""
        for entry in messages:
            self._outbox.add((entry.message.connection_id, entry.message.number), entry)

    async def _process_batch(self, deliveries: Sequence[InboxEntry]) -> Sequence[InboxEntry]:
        try:
            messages, left = await self._processor.process_batch(self._context, deliveries)
        except Fenced:
            self.lose()
            return ()
        finally:
            self._freed.set()
        self.add_messages(messages)
        return left

    async def _process(self, entry: Entry) -> float | None:
        try:
            messages, retry_at = await self._processor.process(self._context, entry)
        except Fenced:
            self.lose()
            return None
        except Stopped:
            # It stays in Redis for the partition's next owner.
            return None
        finally:
            if isinstance(entry, InboxEntry):
                self._freed.set()
        self.add_messages(messages)
        return retry_at

    def lose(self) -> None:
        """Stop all work, since another worker has the partition."""
        if not self._context.closing.is_set():
            log.warning("partition_lost", partition=self.lease.partition)
        self.cancel()

    def close(self) -> None:
        """Start nothing more, and retry nothing."""
        self._context.closing.set()
        self._inbox.close()
        self._outbox.close()

    async def drained(self) -> None:
        """Wait for what is under way."""
        await self._inbox.drained()
        await self._outbox.drained()

    def cancel(self) -> None:
        """Stop at once, even what is under way."""
        self._context.closing.set()
        self._context.abandoned.set()
        self._inbox.cancel()
        self._outbox.cancel()
        self._freed.set()


def batch_size(waiting: Sequence[InboxEntry]) -> int:
    """Return the number of these deliveries to translate together."""
    size = 0
    for count, delivery in enumerate(waiting[:MAX_BATCH]):
        size += compression.size(delivery.packed)
        if count and size > MAX_BATCH_BYTES:
            return count
    return min(len(waiting), MAX_BATCH)
