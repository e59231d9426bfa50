"""What comes at the same time, done together.

One step is under way at a time; what arrives meanwhile goes with the next. So whoever comes alone waits for
nobody, and under load each step serves many (a group commit).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Grouped(Generic[Item]):
    """Does `step` for the items of one moment, `most` of them at the most, in the order they came in."""

    def __init__(self, step: Callable[[Sequence[Item]], Awaitable[None]], *, most: int) -> None:
        self._step = step
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._stepping: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> None:
        """Return once a step has done it; raises what the step raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._stepping is None:
            self._stepping = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._do(group)
        finally:
            self._stepping = None

    async def _do(self, group: Sequence[tuple[Item, asyncio.Future[None]]]) -> None:
        error: Exception | None = None
        try:
            await self._step([item for item, _ in group])
        except Exception as raised:
            error = raised
        for _, done in group:
            # Whoever waited may have gone.
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
