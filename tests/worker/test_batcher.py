"""Batches: many at a time, in order; what cannot go with the others goes in a key of its own."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.worker.batcher import FIRST, Batcher
from bridge.worker.keyed_executor import KeyedExecutor
from tests.conftest import PATIENCE

Item = tuple[str, int]


class Desk:
    """Handles batches and single items, each behind a gate; `odd` items cannot go with others."""

    def __init__(self, *odd: Item) -> None:
        self.odd = set(odd)
        self.batches: list[list[Item]] = []
        self.alone: list[Item] = []
        self.gate, self.gate_of_one = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.gate_of_one.set()

    def open(self, group: asyncio.TaskGroup, *, most: int = 3) -> Batcher[Item]:
        return Batcher[Item](
            batch_size=lambda waiting: min(most, len(waiting)),
            key_of=lambda item: item[0],
            handle_batch=self.handle_batch,
            handle_one=self.handle_one,
            tasks=group,
        )

    async def handle_batch(self, items: Sequence[Item]) -> Sequence[Item]:
        self.batches.append(list(items))
        await self.gate.wait()
        held = {key for key, number in items if (key, number) in self.odd}
        return [item for item in items if item[0] in held]

    async def handle_one(self, item: Item) -> None:
        await self.gate_of_one.wait()
        self.alone.append(item)


async def settle() -> None:
    """Let everything go on that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_waiting_items_are_handled_together_one_batch_at_a_time() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        batches = desk.open(group)
        desk.gate.clear()
        batches.add(("a", 0))
        await settle()
        for number in range(1, 6):
            batches.add(("ab"[number % 2], number))
        await settle()
        assert desk.batches == [[("a", 0)]]
        assert len(batches) == 6
        desk.gate.set()
        await batches.drained()
        assert len(batches) == 0
    assert desk.batches == [[("a", 0)], [("b", 1), ("a", 2), ("b", 3)], [("a", 4), ("b", 5)]]
    assert desk.alone == []


async def test_in_a_rush_a_batch_is_offered_twice_as_many_as_the_last_one_had() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        batches = desk.open(group, most=1000)
        for number in range(FIRST * 10):
            batches.add(("a", number))
        await batches.drained()
        assert [len(batch) for batch in desk.batches] == [FIRST, 2 * FIRST, 4 * FIRST, 3 * FIRST]
        # What comes one by one goes at once, and the next rush begins small again.
        for number in range(2):
            batches.add(("b", number))
            await batches.drained()
        for number in range(3 * FIRST):
            batches.add(("c", number))
        await batches.drained()
    assert [len(batch) for batch in desk.batches[4:]] == [1, 1, FIRST, 2 * FIRST]


async def test_an_odd_one_holds_up_its_own_key_and_no_other() -> None:
    desk = Desk(("a", 1))
    async with asyncio.TaskGroup() as group:
        batches = desk.open(group)
        for item in (("a", 1), ("b", 2), ("a", 3), ("b", 4), ("a", 5)):
            batches.add(item)
        await settle()
        await batches.drained()
    assert desk.alone == [("a", 1), ("a", 3), ("a", 5)]
    assert desk.batches == [[("a", 1), ("b", 2), ("a", 3)], [("b", 4)]]


async def test_items_behind_a_slow_odd_one_wait_for_it_and_later_go_with_others() -> None:
    desk = Desk(("a", 1))
    async with asyncio.TaskGroup() as group:
        batches = desk.open(group)
        desk.gate_of_one.clear()
        batches.add(("a", 1))
        await settle()
        batches.add(("a", 2))
        batches.add(("b", 3))
        await settle()
        assert desk.batches == [[("a", 1)], [("b", 3)]]
        desk.gate_of_one.set()
        await batches.drained()
        assert desk.alone == [("a", 1), ("a", 2)]
        batches.add(("a", 4))
        await batches.drained()
    assert desk.batches[-1] == [("a", 4)]


async def test_closed_batches_end_what_is_under_way_and_begin_nothing() -> None:
    desk = Desk(("a", 1))
    async with asyncio.TaskGroup() as group:
        batches = desk.open(group, most=2)
        desk.gate.clear()
        for item in (("a", 1), ("b", 2), ("b", 3)):
            batches.add(item)
        await settle()
        batches.close()
        batches.add(("c", 4))
        desk.gate.set()
        await batches.drained()
    assert (desk.batches, desk.alone) == ([[("a", 1), ("b", 2)]], [])


async def test_cancelled_batches_end_at_once() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        batches = desk.open(group)
        desk.gate.clear()
        batches.add(("a", 1))
        await settle()
        batches.cancel()
        batches.add(("a", 2))
        async with asyncio.timeout(PATIENCE):
            await batches.drained()
    assert desk.batches == [[("a", 1)]]


@settings(max_examples=100, deadline=None)
@given(
    adds=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=25),
    pauses=st.lists(st.integers(0, 3), min_size=25, max_size=25),
)
def test_each_key_keeps_its_order_when_others_go_apart(
    adds: list[tuple[str, int, bool]], pauses: list[int]
) -> None:
    """Whatever comes when, however long each takes (in turns of the loop), and whichever are odd."""
    handled: list[Item] = []
    busy: set[str] = set()
    odd = {(key, number) for number, (key, _, is_odd) in enumerate(adds) if is_odd}

    async def handle(items: Sequence[Item]) -> None:
        keys = {key for key, _ in items}
        assert not keys & busy, "one after the other"
        busy.update(keys)
        for _ in range(sum(pauses[number] for _, number in items)):
            await asyncio.sleep(0)
        busy.difference_update(keys)
        handled.extend(items)

    async def handle_batch(items: Sequence[Item]) -> Sequence[Item]:
        held: set[str] = set()
        left = []
        for item in items:
            if item in odd:
                held.add(item[0])
            if item[0] in held:
                left.append(item)
        await handle([item for item in items if item not in left])
        return left

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            batches = Batcher[Item](
                batch_size=lambda waiting: min(4, len(waiting)),
                key_of=lambda item: item[0],
                handle_batch=handle_batch,
                handle_one=lambda item: handle([item]),
                tasks=group,
            )
            for number, (key, turns, _) in enumerate(adds):
                batches.add((key, number))
                for _ in range(turns):
                    await asyncio.sleep(0)
            while len(batches):
                await batches.drained()

    asyncio.run(run())
    for key in "abc":
        assert [number for one, number in handled if one == key] == [
            number for number, (added, _, _) in enumerate(adds) if added == key
        ]


async def test_an_executor_tells_whether_it_has_items_of_a_key() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        executor = KeyedExecutor[str, Item](desk.handle_one, group)
        executor.add("a", ("a", 1))
        assert ("a" in executor, "b" in executor) == (True, False)
        await executor.drained()
        assert "a" not in executor
