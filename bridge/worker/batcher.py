"""Handle items in batches, and one by one those that cannot go with the others."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from bridge.worker.keyed_executor import KeyedExecutor

FIRST = 4
"""The size of the first batch: as many messages as are posted to a flow at once."""

Item = TypeVar("Item")


class Batcher(Generic[Item]):
    """Handles items in the order of `add`.

    `batch_size` says how many of the waiting items make a batch. It is offered at most twice as many as the
    last batch had, so that the first ones of a rush need not wait for all the others. `handle_batch` returns
    the items to handle by themselves, with all those behind them that have the same key. `handle_one` gets
    these, and all that is added to such a key meanwhile, as in a `KeyedExecutor`.
    """

    def __init__(
        self,
        *,
        batch_size: Callable[[Sequence[Item]], int],
        key_of: Callable[[Item], Hashable],
        handle_batch: Callable[[Sequence[Item]], Awaitable[Sequence[Item]]],
        handle_one: Callable[[Item], Awaitable[float | None]],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._batch_size = batch_size
        self._key_of = key_of
        self._handle_batch = handle_batch
        self._singles = KeyedExecutor[Hashable, Item](handle_one, tasks)
        self._task_group = tasks
        self._waiting: list[Item] = []
        self._task: asyncio.Task[None] | None = None
        self._offered = FIRST
        self._closed = False

    def add(self, item: Item) -> None:
        """Queue an item behind those of its key."""
        if self._closed:
            return
        if self._key_of(item) in self._singles:
            self._singles.add(self._key_of(item), item)
            return
        self._waiting.append(item)
        if self._task is None:
            self._task = self._task_group.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting and not self._closed:
                size = self._batch_size(self._waiting[: self._offered])
                self._offered = max(FIRST, 2 * size)
                left = await self._handle_batch(self._waiting[:size])
                del self._waiting[:size]
                self._single_out(left)
        finally:
            self._task = None

    def _single_out(self, left: Sequence[Item]) -> None:
        keys = {self._key_of(item) for item in left}
        if not keys:
            return
        behind = [item for item in self._waiting if self._key_of(item) in keys]
        self._waiting = [item for item in self._waiting if self._key_of(item) not in keys]
        for item in (*left, *behind):
            self._singles.add(self._key_of(item), item)

    def close(self) -> None:
        """Let what runs come to its end, and start nothing more."""
        self._closed = True
        self._singles.close()

    async def drained(self) -> None:
        """Wait until nothing runs."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._singles.drained()

    def cancel(self) -> None:
        """Stop what runs, too."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        self._singles.cancel()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._singles)
