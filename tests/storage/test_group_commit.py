"""Items of one moment are done together; each caller hears of its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from bridge.storage.group_commit import GroupCommit


class Desk:
    """Remembers the groups; `gate` holds up a step, `refused` items make theirs fail."""

    def __init__(self, *refused: int) -> None:
        self.groups: list[list[int]] = []
        self.refused = set(refused)
        self.gate = asyncio.Event()
        self.gate.set()

    async def step(self, items: Sequence[int]) -> list[str]:
        self.groups.append(list(items))
        await self.gate.wait()
        if self.refused & set(items):
            raise LookupError(f"in {list(items)}")
        return [f"done {item}" for item in items]

    def grouped(self, most: int) -> GroupCommit[int, str]:
        """Those who come to this desk."""
        return GroupCommit(self.step, most=most)


async def settle() -> None:
    """Let everything go on that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_alone_goes_at_once_and_those_that_come_meanwhile_go_together() -> None:
    desk = Desk()
    grouped = desk.grouped(3)
    desk.gate.clear()
    first = grouped.add(0)
    await settle()
    others = [grouped.add(number) for number in range(1, 5)]
    await settle()
    assert desk.groups == [[0]]
    assert not first.done()
    desk.gate.set()
    assert await asyncio.gather(first, *others) == [f"done {number}" for number in range(5)]
    assert desk.groups == [[0], [1, 2, 3], [4]]
    await grouped.add(5)
    assert desk.groups[-1] == [5]


async def test_callers_in_a_failing_group_hear_of_it_and_others_do_not() -> None:
    desk = Desk(2)
    grouped = desk.grouped(2)
    tasks = [grouped.add(number) for number in range(5)]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(answer, LookupError) for answer in answers] == [False, False, True, True, False]
    await grouped.add(5)


async def test_a_caller_that_gives_up_keeps_nobody_else_waiting() -> None:
    desk = Desk()
    grouped = desk.grouped(2)
    desk.gate.clear()
    gone, left = grouped.add(0), asyncio.ensure_future(grouped.add(1))
    await settle()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    desk.gate.set()
    await left
    assert desk.groups == [[0, 1]]
