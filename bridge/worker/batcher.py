"""Batches: what waits is handled many at a time; what cannot go with the others goes in a lane of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from bridge.worker.keyed_executor import KeyedExecutor

FIRST = 4
"""What is offered at least: a flow is posted as many at once."""

Item = TypeVar("Item")


class Batcher(Generic[Item]):
    """Handles items in the order of `add`.

    `cut` says how many of those that wait make a batch. It is offered at most twice as many as the last one
    had, so that in a rush nobody waits long for the first ones of others. `handle_all` brings a batch to its
    end and returns the items that must go one by one, with all those behind them that have the same key
    (`key_of`): they go to `handle_one`, of one key one after the other, and so does what is added behind.
    """

    def __init__(
        self,
        *,
        cut: Callable[[Sequence[Item]], int],
        key_of: Callable[[Item], Hashable],
        handle_all: Callable[[Sequence[Item]], Awaitable[Sequence[Item]]],
        handle_one: Callable[[Item], Awaitable[None]],
        group: asyncio.TaskGroup,
    ) -> None:
        self._cut = cut
        self._key_of = key_of
        self._handle_all = handle_all
        self._lanes = KeyedExecutor[Hashable, Item](handle_one, group)
        self._group = group
        self._waiting: list[Item] = []
        self._task: asyncio.Task[None] | None = None
        self._offered = FIRST
        self._closed = False

    def add(self, item: Item) -> None:
        """Queue an item behind those of its key."""
        if self._closed:
            return
        if self._key_of(item) in self._lanes:
            self._lanes.add(self._key_of(item), item)
            return
        self._waiting.append(item)
        if self._task is None:
            self._task = self._group.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting and not self._closed:
                size = self._cut(self._waiting[: self._offered])
                self._offered = max(FIRST, 2 * size)
                left = await self._handle_all(self._waiting[:size])
                del self._waiting[:size]
                self._set_apart(left)
        finally:
            self._task = None

    def _set_apart(self, left: Sequence[Item]) -> None:
        held = {self._key_of(item) for item in left}
        if not held:
            return
        behind = [item for item in self._waiting if self._key_of(item) in held]
        self._waiting = [item for item in self._waiting if self._key_of(item) not in held]
        for item in (*left, *behind):
            self._lanes.add(self._key_of(item), item)

    def close(self) -> None:
        """Let what is being handled come to its end, and begin nothing more."""
        self._closed = True
        self._lanes.close()

    async def drained(self) -> None:
        """Wait until nothing is being handled."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._lanes.drained()

    def cancel(self) -> None:
        """Stop what is being handled, too."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        self._lanes.cancel()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._lanes)
