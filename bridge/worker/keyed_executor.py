"""Run items by key: those of one key one after the other, those of different keys side by side.

Keys belong to groups. Of each group only a limited number of keys run at once, in turn: a waiting item costs
little memory, a running one has a task with all its frames.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

MAX_TIMER_SECONDS = 30
"""The clock may be set while an item waits for its retry, so it is looked at this often."""

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class _Group(Generic[Key]):
    """A group's keys: the number known, the number running, and those ready to run."""

    __slots__ = ("keys", "ready", "running")

    def __init__(self) -> None:
        self.keys = 0
        self.running = 0
        self.ready: deque[Key] = deque()


class KeyedExecutor(Generic[Key, Item]):
    """Runs `handle` for each item: at most one at a time of one key, in the order of `add`.

    `handle` returns when to run the item again (Unix seconds), or None once it is done. Until then the item
    holds up its own key only: another key of its group takes its place. `limit` keys of a group run at once.
    """

    def __init__(
        self,
        handle: Callable[[Item], Awaitable[float | None]],
        tasks: asyncio.TaskGroup,
        *,
        limit: float = math.inf,
        group_of: Callable[[Key], Hashable] = lambda _: None,
    ) -> None:
        self._handle = handle
        self._task_group = tasks
        self._limit = limit
        self._group_of = group_of
        self._waiting: dict[Key, deque[Item]] = {}
        self._groups: dict[Hashable, _Group[Key]] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
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
        if (group := self._groups.get(name)) is None:
            group = self._groups[name] = _Group()
        group.keys += 1
        group.ready.append(key)
        self._start(group)

    def __contains__(self, key: Key) -> bool:
        """Tell whether an item of a key waits or runs."""
        return key in self._waiting

    def _start(self, group: _Group[Key]) -> None:
        while group.ready and group.running < self._limit and not self._closed:
            group.running += 1
            task = self._task_group.create_task(self._run(group, group.ready.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, group: _Group[Key], key: Key) -> None:
        """Run an item of a key, then one of the key that has been ready for longest."""
        try:
            while not self._closed:
                retry_at = await self._handle(self._waiting[key][0])
                if retry_at is None:
                    self._done(group, key)
                else:
                    self._retry(group, key, retry_at)
                if not group.ready:
                    break
                key = group.ready.popleft()
        finally:
            group.running -= 1

    def _done(self, group: _Group[Key], key: Key) -> None:
        waiting = self._waiting[key]
        waiting.popleft()
        if waiting:
            group.ready.append(key)
            return
        del self._waiting[key]
        group.keys -= 1
        if not group.keys:
            del self._groups[self._group_of(key)]

    def _retry(self, group: _Group[Key], key: Key, at: float) -> None:
        self._timers.pop(key, None)
        if self._closed:
            return
        if (delay := at - time.time()) > 0:
            self._timers[key] = asyncio.get_running_loop().call_later(
                min(delay, MAX_TIMER_SECONDS), self._retry, group, key, at
            )
            return
        group.ready.append(key)
        self._start(group)

    def close(self) -> None:
        """Let what runs come to its end, and start nothing more."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    async def drained(self) -> None:
        """Wait until nothing runs; a closed executor then drops what waits."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._closed:
            self._waiting.clear()
            self._groups.clear()

    def cancel(self) -> None:
        """Stop what runs, too."""
        self.close()
        for task in self._tasks:
            task.cancel()

    def __len__(self) -> int:
        return sum(len(items) for items in self._waiting.values())
