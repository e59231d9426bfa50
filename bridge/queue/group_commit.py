"""What comes at the same time, done together.

One step is under way at a time; what arrives meanwhile goes with the next. So whoever comes alone waits for
nobody, and under load each step serves many (a group commit).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Does `step` for the items of one moment, `most` of them at the most, in the order they came in.

    It answers for each.
    """

    def __init__(self, step: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, most: int) -> None:
        self._step = step
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._stepping: asyncio.Task[None] | None = None

    def add(self, item: Item) -> asyncio.Future[Result]:
        """What a step will answer for the item; to await it raises what the step raised."""
        told: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, told))
        if self._stepping is None:
            self._stepping = asyncio.create_task(self._run())
        return told

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._do(group)
        finally:
            self._stepping = None

    async def _do(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            answers = await self._step([item for item, _ in group])
        except Exception as error:
            for _, told in group:
                if not told.done():
                    told.set_exception(error)
            return
        for (_, told), answer in zip(group, answers, strict=True):
            # Whoever waited may have gone.
            if not told.done():
                told.set_result(answer)
