"""Lanes: what has the same key goes one after the other, different keys side by side."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """Runs `handle` for each item: at most one at a time of one key, in the order of `add`."""

    def __init__(self, handle: Callable[[Item], Awaitable[None]], group: asyncio.TaskGroup) -> None:
        self._handle = handle
        self._group = group
        self._waiting: dict[Hashable, deque[Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def add(self, key: Hashable, item: Item) -> None:
        """Queue an item behind those of its key."""
        if self._closed:
            return
        if key in self._waiting:
            self._waiting[key].append(item)
            return
        self._waiting[key] = deque([item])
        task = self._group.create_task(self._run(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def __contains__(self, key: Hashable) -> bool:
        """Whether an item of a key waits or is being handled."""
        return key in self._waiting

    async def _run(self, key: Hashable) -> None:
        waiting = self._waiting[key]
        try:
            while waiting and not self._closed:
                await self._handle(waiting[0])
                waiting.popleft()
        finally:
            del self._waiting[key]

    def close(self) -> None:
        """Let what is being handled come to its end, and begin nothing more."""
        self._closed = True

    async def drained(self) -> None:
        """Wait until nothing is being handled."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def cancel(self) -> None:
        """Stop what is being handled, too."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    def __len__(self) -> int:
        return sum(len(items) for items in self._waiting.values())
