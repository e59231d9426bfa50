"""Process the entries of a partition: translate and commit deliveries, post messages, handle failures."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from bridge.process.metrics import Metrics
from bridge.process.shutdown import Stopped
from bridge.queue.delivery_queue import DeliveryQueue, Fenced
from bridge.queue.entries import REDRIVEN, Entry, InboxEntry, OutboxEntry, load_message
from bridge.worker.context import PartitionContext
from bridge.worker.failures import FailureHandler
from bridge.worker.poster import Poster
from bridge.worker.translated import TranslatedBatch
from bridge.worker.translator import Translator

MAX_BATCHES = 3
"""At once. While one waits for Redis, others go on; each has its deliveries' payloads unpacked in memory."""

log = structlog.get_logger()


class Processed(NamedTuple):
    """The messages that a delivery became, and when to try the entry again (Unix seconds; None: done)."""

    messages: Sequence[OutboxEntry] = ()
    retry_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Processor:
    """Processes entries of any partition. All methods raise `Fenced` once another worker has it."""

    queue: DeliveryQueue
    translator: Translator
    poster: Poster
    failures: FailureHandler
    metrics: Metrics
    _batches: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_BATCHES))

    async def process_batch(
        self, context: PartitionContext, deliveries: Sequence[InboxEntry]
    ) -> tuple[Sequence[OutboxEntry], Sequence[InboxEntry]]:
        """Translate and commit deliveries together; returns their messages, and the deliveries left over.

        Left over are those that failed, now or before, with those of the same repository behind them: each
        is for `process`.
        """
        async with self._batches:
            try:
                done, messages = await self._commit_batch(context, _unfailed(context, deliveries))
            except Fenced:
                raise
            except Exception as error:
                # Processed by itself, each delivery shows its own error.
                log.debug("batch_failed", error=type(error).__name__, deliveries=len(deliveries))
                context.cache.forget_snapshots()
                return (), deliveries
        done_ids = {delivery.id for delivery in done}
        return messages, [delivery for delivery in deliveries if delivery.id not in done_ids]

    async def process(self, context: PartitionContext, entry: Entry) -> Processed:
        """Make one attempt at an entry; raises `Stopped` if the partition is closed before a post begins."""
        attempts = context.attempts(entry)
        if attempts.next_at > time.time():
            return Processed(retry_at=attempts.next_at)
        messages: Sequence[OutboxEntry] = ()
        try:
            if isinstance(entry, InboxEntry):
                messages = await self._commit_one(context, entry)
            else:
                await self.poster.post(context, entry)
        except (Fenced, Stopped):
            raise
        except Exception as error:
            retry_at = await self.failures.handle(context, entry, error)
            if retry_at is not None:
                return Processed(retry_at=retry_at)
        context.forget_attempts(entry)
        if isinstance(entry, OutboxEntry):
            context.cache.release(entry.message)
        return Processed(messages)

    async def _commit_batch(
        self, context: PartitionContext, deliveries: Sequence[InboxEntry]
    ) -> tuple[Sequence[InboxEntry], Sequence[OutboxEntry]]:
        batch = await self.translator.translate(deliveries, context.cache.snapshot)
        if not batch.deliveries:
            return (), ()
        messages = await self.queue.commit(
            context.lease, batch.deliveries, writes=batch.writes, messages=batch.messages, later=batch.later
        )
        if messages is None:
            # A delivery was committed before: which one, each shows by itself.
            context.cache.forget_snapshots()
            return (), ()
        self._committed(context, batch, messages)
        return batch.deliveries, messages

    async def _commit_one(self, context: PartitionContext, delivery: InboxEntry) -> Sequence[OutboxEntry]:
        batch = await self._translate_one(delivery)
        messages = await self.queue.commit(
            context.lease, [delivery], writes=batch.writes, messages=batch.messages, later=batch.later
        )
        if messages is None:
            messages = await self.queue.committed(context.lease, delivery)
        self._committed(context, batch, messages)
        return messages

    async def _translate_one(self, delivery: InboxEntry) -> TranslatedBatch:
        """Translate one delivery; raises the error that it shows."""
        if delivery.event == REDRIVEN:
            return TranslatedBatch(deliveries=[delivery], messages=[load_message(delivery.body)])
        batch = await self.translator.translate([delivery])
        for error in batch.errors.values():
            raise error
        return batch

    def _committed(
        self, context: PartitionContext, batch: TranslatedBatch, messages: Sequence[OutboxEntry]
    ) -> None:
        for delivery in batch.deliveries:
            self.metrics.translation(delivery.event)
        context.cache.update(
            batch.pulls,
            [entry.message for entry in messages],
            connections=batch.connections,
            read_at=batch.read_at,
            snapshots=batch.snapshots,
        )


def _unfailed(context: PartitionContext, deliveries: Sequence[InboxEntry]) -> list[InboxEntry]:
    """Return the deliveries of repositories without a failed delivery; none is a redriven message."""
    failed = {
        delivery.repository_id
        for delivery in deliveries
        if delivery.event == REDRIVEN or context.has_failed(delivery)
    }
    return [delivery for delivery in deliveries if delivery.repository_id not in failed]
