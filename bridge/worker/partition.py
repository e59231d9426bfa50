"""A partition in a worker's hands: its lanes, and what tells them to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from bridge.core import compression
from bridge.lifecycle import Shutdown
from bridge.queue.entries import Ack, Attempts, Entry, InboxEntry, Lease, OutboxEntry
from bridge.queue.group_commit import GroupCommit
from bridge.worker.batcher import Batcher
from bridge.worker.keyed_executor import KeyedExecutor
from bridge.worker.partition_cache import PartitionCache

MAX_BATCH = 64
MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Deliveries that are translated together, and the size of their JSON: a few bytes may unpack to 25 MiB."""

THREADS_AT_ONCE = 16
"""Of a connection: twice as many as are posted at once, since to note a message's end takes time, too."""

MAX_ENDED = 64
"""Messages whose end is noted together."""


@dataclass(frozen=True, kw_only=True)
class Handling:
    """What is done with a holding's entries: deliveries many at a time or one by one, messages one by one.

    `translate_all` returns those that must go one by one; `ack` notes that messages are at their end.
    """

    translate_all: Callable[["Partition", Sequence[Entry]], Awaitable[Sequence[Entry]]]
    handle: Callable[["Partition", Entry], Awaitable[None]]
    ack: Callable[[Lease, Sequence[Ack]], Awaitable[None]]


class Partition:
    """A partition in a worker's hands, until it is closed (given back) or lost."""

    def __init__(self, lease: Lease, handling: Handling, group: asyncio.TaskGroup) -> None:
        self.lease = lease
        self.position = "0"
        self.attempts: dict[str, Attempts] = {}
        self.newest = PartitionCache()
        self.stop = Shutdown()
        """Nothing more is to begin, and nothing to be tried again."""
        self.cut = Shutdown()
        """What is under way is not to be finished, either."""
        self._inbox = Batcher[Entry](
            cut=_batch,
            key_of=_repository,
            handle_all=lambda entries: handling.translate_all(self, entries),
            handle_one=lambda entry: handling.handle(self, entry),
            group=group,
        )
        self._outbox = KeyedExecutor[tuple[str, int], Entry](
            lambda entry: handling.handle(self, entry),
            group,
            limit=THREADS_AT_ONCE,
            group_of=lambda thread: thread[0],
        )
        self._ack = handling.ack
        self._acks = GroupCommit(self._note, most=MAX_ENDED)

    @property
    def loaded(self) -> int:
        """Deliveries in memory."""
        return len(self._inbox)

    def take(self, entry: Entry) -> None:
        """Queue an entry: a delivery behind those of its repository, a message behind those of its thread.

        Of a repository, since a commit's checks concern all pull requests that have it as their head.
        """
        if isinstance(entry, InboxEntry):
            self.position = entry.id
            self._inbox.add(entry)
        else:
            self._outbox.add(_thread(entry), entry)

    def aside(self, entry: Entry) -> AbstractContextManager[None]:
        """While an entry waits for its next try: a message leaves its place to another thread's."""
        return nullcontext() if isinstance(entry, InboxEntry) else self._outbox.aside(_thread(entry))

    async def ack(self, ack: Ack) -> None:
        """Note that a message is at its end, with others of the moment; raises as `DeliveryQueue.ack`."""
        await self._acks.add(ack)

    async def _note(self, acks: Sequence[Ack]) -> Sequence[None]:
        await self._ack(self.lease, acks)
        return [None] * len(acks)

    def close(self) -> None:
        """Begin nothing more, and try nothing again."""
        self.stop.set()
        self._inbox.close()
        self._outbox.close()

    async def drained(self) -> None:
        """Wait for what is under way."""
        await self._inbox.drained()
        await self._outbox.drained()

    def lost(self) -> None:
        """Stop at once, also what is under way."""
        self.stop.set()
        self.cut.set()
        self._inbox.cancel()
        self._outbox.cancel()


def _thread(entry: OutboxEntry) -> tuple[str, int]:
    return entry.message.connection_id, entry.message.number


def _repository(entry: Entry) -> int:
    return entry.repository_id if isinstance(entry, InboxEntry) else entry.message.repository_id


def _batch(waiting: Sequence[Entry]) -> int:
    """How many of these deliveries are translated together."""
    size = 0
    for count, entry in enumerate(waiting[:MAX_BATCH]):
        size += compression.size(entry.packed) if isinstance(entry, InboxEntry) else 0
        if count and size > MAX_BATCH_BYTES:
            return count
    return min(len(waiting), MAX_BATCH)
