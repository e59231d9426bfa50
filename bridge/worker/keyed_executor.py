"""Work by key: items of one key run one after the other, those of different keys side by side.

Keys belong to groups. Of each group only so many keys are at work at once, in turn: a waiting item costs
little, a running one has a task with all its frames.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class _Road(Generic[Key]):
    """How many lanes it has, how many of them are in use, and which wait to be."""

    __slots__ = ("busy", "lanes", "waiting")

    def __init__(self) -> None:
        self.lanes = 0
        self.busy = 0
        self.waiting: deque[Key] = deque()


class KeyedExecutor(Generic[Key, Item]):
    """Runs `handle` for each item: at most one at a time of one key, in the order of `add`.

    `group_of` says on which road the lane of a key lies, of which `limit` are in use at the same time.
    """

    def __init__(
        self,
        handle: Callable[[Item], Awaitable[None]],
        group: asyncio.TaskGroup,
        *,
        limit: float = math.inf,
        group_of: Callable[[Key], Hashable] = lambda _: None,
    ) -> None:
        self._handle = handle
        self._group = group
        self._limit = limit
        self._group_of = group_of
        self._waiting: dict[Key, deque[Item]] = {}
        self._roads: dict[Hashable, _Road[Key]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def add(self, key: Key, item: Item) -> None:
        """Queue an item behind those of its key."""
        if self._closed:
            return
        if key in self._waiting:
            self._waiting[key].append(item)
            return
        self._waiting[key] = deque([item])
        name = self._group_of(key)
        if (road := self._roads.get(name)) is None:
            road = self._roads[name] = _Road()
        road.lanes += 1
        road.waiting.append(key)
        self._begin(road)

    def __contains__(self, key: Key) -> bool:
        """Whether an item of a key waits or is being handled."""
        return key in self._waiting

    @contextmanager
    def aside(self, key: Key) -> Iterator[None]:
        """While a key's item, which is being handled, only waits: another lane of its road has its place."""
        road = self._roads[self._group_of(key)]
        road.busy -= 1
        self._begin(road)
        try:
            yield
        finally:
            road.busy += 1

    def _begin(self, road: _Road[Key]) -> None:
        while road.waiting and road.busy < self._limit and not self._closed:
            road.busy += 1
            task = self._group.create_task(self._run(road, road.waiting.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, road: _Road[Key], key: Key) -> None:
        """Handle an item of a lane, then one of the lane that has waited longest."""
        try:
            while not self._closed:
                await self._handle(self._waiting[key][0])
                self._handled(road, key)
                if not road.waiting or road.busy > self._limit:
                    break
                key = road.waiting.popleft()
        finally:
            road.busy -= 1

    def _handled(self, road: _Road[Key], key: Key) -> None:
        waiting = self._waiting[key]
        waiting.popleft()
        if waiting:
            road.waiting.append(key)
            return
        del self._waiting[key]
        road.lanes -= 1
        if not road.lanes:
            del self._roads[self._group_of(key)]

    def close(self) -> None:
        """Let what is being handled come to its end, and begin nothing more."""
        self._closed = True

    async def drained(self) -> None:
        """Wait until nothing is being handled; what was closed then holds nothing any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._closed:
            self._waiting.clear()
            self._roads.clear()

    def cancel(self) -> None:
        """Stop what is being handled, too."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    def __len__(self) -> int:
        return sum(len(items) for items in self._waiting.values())
