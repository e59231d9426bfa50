"""A partition in a worker's hands: its lanes, and what tells them to stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bridge.deliveries import Entry, InboxEntry, Lease, Tries
from bridge.lanes import Lanes
from bridge.newest import Newest


class Stopped(Exception):
    """Told to stop while an entry waited; it stays in Redis for the next owner of the partition."""


class Stop:
    """Told once, heard by everything that waits."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Tell it."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether it was told."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Return once it is told."""
        await self._event.wait()

    async def pause(self, seconds: float) -> None:
        """Sleep, but no longer than until it is told."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return

    async def pause_until(self, moment: float) -> None:
        """Wait for a time (Unix seconds), past or to come; raises `Stopped` as soon as it is told."""
        while not self.is_set():
            if (delay := moment - time.time()) <= 0:
                return
            # In steps: the clock may be set while we wait.
            await self.pause(min(delay, 30))
        raise Stopped


class Holding:
    """A partition in a worker's hands, until it is closed (given back) or lost."""

    def __init__(
        self, lease: Lease, handle: Callable[["Holding", Entry], Awaitable[None]], group: asyncio.TaskGroup
    ) -> None:
        self.lease = lease
        self.position = "0"
        self.tries: dict[str, Tries] = {}
        self.newest = Newest()
        self.stop = Stop()
        """Nothing more is to begin, and nothing to be tried again."""
        self.cut = Stop()
        """What is under way is not to be finished, either."""
        self._inbox = Lanes[Entry](lambda entry: handle(self, entry), group)
        self._outbox = Lanes[Entry](lambda entry: handle(self, entry), group)

    @property
    def loaded(self) -> int:
        """Deliveries in memory."""
        return len(self._inbox)

    def take(self, entry: Entry) -> None:
        """Queue an entry in its lane: a repository's deliveries, a thread's messages.

        Of a repository, since a commit's checks concern all pull requests that have it as their head.
        """
        if isinstance(entry, InboxEntry):
            self.position = entry.id
            self._inbox.add(entry.repository_id, entry)
        else:
            self._outbox.add((entry.letter.connection_id, entry.letter.number), entry)

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
