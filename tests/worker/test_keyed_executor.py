"""Items of one key run one after the other, those of different keys side by side."""

import asyncio
import time
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.worker import keyed_executor
from bridge.worker.keyed_executor import KeyedExecutor
from tests.conftest import PATIENCE

Item = tuple[str, int]


class Desk:
    """Handles items when a test lets it, and notes who was at work with whom."""

    def __init__(self) -> None:
        self.begun: list[Item] = []
        self.ended: list[Item] = []
        self.gates: defaultdict[Item, asyncio.Event] = defaultdict(asyncio.Event)

    async def handle(self, item: Item) -> None:
        self.begun.append(item)
        await self.gates[item].wait()
        self.ended.append(item)


async def settle() -> None:
    """Let everything go on that can."""
    for _ in range(10):
        await asyncio.sleep(0)


@settings(max_examples=80, deadline=None)
@given(
    adds=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=20),
    pauses=st.lists(st.integers(0, 3), min_size=20, max_size=20),
)
def test_each_key_keeps_its_order_and_has_one_at_a_time(
    adds: list[tuple[str, int]], pauses: list[int]
) -> None:
    """Whatever comes when, and however long each takes (in turns of the loop)."""
    handled: list[Item] = []
    busy: set[str] = set()

    async def handle(item: Item) -> None:
        key, number = item
        assert key not in busy
        busy.add(key)
        for _ in range(pauses[number]):
            await asyncio.sleep(0)
        busy.discard(key)
        handled.append(item)

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            executor = KeyedExecutor[str, Item](handle, tasks)
            for number, (key, turns) in enumerate(adds):
                executor.add(key, (key, number))
                for _ in range(turns):
                    await asyncio.sleep(0)
            await executor.drained()
            assert len(executor) == 0

    asyncio.run(run())
    for key in "abc":
        assert [item for item in handled if item[0] == key] == [
            (key, number) for number, (added, _) in enumerate(adds) if added == key
        ]


async def test_a_key_that_waits_does_not_hold_up_another() -> None:
    desk = Desk()
    desk.gates["b", 1].set()
    async with asyncio.TaskGroup() as tasks:
        executor = KeyedExecutor[str, Item](desk.handle, tasks)
        for item in (("a", 1), ("a", 2), ("b", 1)):
            executor.add(item[0], item)
        await settle()
        assert desk.begun == [("a", 1), ("b", 1)]
        assert desk.ended == [("b", 1)]
        assert len(executor) == 2
        for number in (1, 2):
            desk.gates["a", number].set()
        await executor.drained()
    assert desk.ended == [("b", 1), ("a", 1), ("a", 2)]


def by_group(key: str) -> str:
    """Keys are a group and a number: `a1`."""
    return key[0]


def limited(desk: Desk, tasks: asyncio.TaskGroup, *keys: str) -> KeyedExecutor[str, Item]:
    """An executor that runs two keys of a group at once; each key has one item."""
    executor = KeyedExecutor[str, Item](desk.handle, tasks, limit=2, group_of=by_group)
    for key in keys:
        executor.add(key, (key, 1))
    return executor


async def test_so_many_keys_of_a_group_run_at_once_and_others_take_their_turns() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        executor = limited(desk, tasks, "a1", "a2", "a3", "a4", "b1")
        await settle()
        assert desk.begun == [("a1", 1), ("a2", 1), ("b1", 1)]
        executor.add("a1", ("a1", 2))
        desk.gates["a1", 1].set()
        await settle()
        assert desk.begun[3:] == [("a3", 1)]
        desk.gates["a2", 1].set()
        await settle()
        assert desk.begun[4:] == [("a4", 1)]
        assert len(executor) == 4
        for item in (("a1", 2), ("a3", 1), ("a4", 1), ("b1", 1)):
            desk.gates[item].set()
        await executor.drained()
    # In turn: who was just handled is behind all others.
    assert desk.begun[5:] == [("a1", 2)]
    assert len(executor) == 0


async def test_an_item_that_waits_for_its_retry_holds_up_its_own_key_only() -> None:
    desk = Desk()

    async def handle(item: Item) -> float | None:
        if item == ("a1", 1):
            desk.begun.append(item)
            return time.time() + 3600
        await desk.handle(item)
        return None

    async with asyncio.TaskGroup() as tasks:
        executor = KeyedExecutor[str, Item](handle, tasks, limit=1, group_of=by_group)
        for item in (("a1", 1), ("a1", 2), ("a2", 1), ("a3", 1)):
            executor.add(item[0], item)
        desk.gates["a2", 1].set()
        desk.gates["a3", 1].set()
        await executor.drained()
        assert desk.begun == [("a1", 1), ("a2", 1), ("a3", 1)]
        assert ("a1" in executor, len(executor)) == (True, 2)
        executor.close()
        await executor.drained()
        assert len(executor) == 0


async def test_an_item_is_run_again_at_its_time_before_those_behind_it() -> None:
    runs: list[Item] = []
    done = asyncio.Event()

    async def handle(item: Item) -> float | None:
        runs.append(item)
        if item == ("b", 2):
            done.set()
        return time.time() + 0.01 if runs.count(item) < 3 else None

    async with asyncio.TaskGroup() as tasks:
        executor = KeyedExecutor[str, Item](handle, tasks)
        for number in (1, 2):
            executor.add("b", ("b", number))
        async with asyncio.timeout(PATIENCE):
            await done.wait()
        executor.close()
    assert runs == [("b", 1)] * 3 + [("b", 2)]


async def test_a_retry_keeps_its_time_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    now, ended = time.time(), asyncio.Event()
    monkeypatch.setattr("bridge.worker.keyed_executor.time.time", lambda: now)
    monkeypatch.setattr(keyed_executor, "MAX_TIMER_SECONDS", 0.001)
    runs: list[Item] = []

    async def handle(item: Item) -> float | None:
        runs.append(item)
        if len(runs) == 1:
            return now + 3600
        ended.set()
        return None

    async with asyncio.TaskGroup() as tasks:
        executor = KeyedExecutor[str, Item](handle, tasks)
        executor.add("a", ("a", 1))
        await settle()
        now += 4000
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
    assert runs == [("a", 1)] * 2


@settings(max_examples=60, deadline=None)
@given(
    adds=st.lists(st.tuples(st.sampled_from(["a1", "a2", "a3", "b1"]), st.integers(0, 2)), max_size=20),
    steps=st.lists(st.sampled_from([0, 1, -1]), min_size=20, max_size=20),
)
def test_a_group_is_forgotten_when_all_its_keys_are_done(
    adds: list[tuple[str, int]], steps: list[int]
) -> None:
    """Whatever comes when, and whichever are retried (-1): all are done in order, and no place is lost."""
    handled: list[Item] = []
    tried: set[Item] = set()

    async def handle(item: Item) -> float | None:
        if steps[item[1]] < 0 and item not in tried:
            tried.add(item)
            return 0
        for _ in range(steps[item[1]]):
            await asyncio.sleep(0)
        handled.append(item)
        return None

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            executor = KeyedExecutor[str, Item](handle, tasks, limit=1, group_of=by_group)
            for number, (key, turns) in enumerate(adds):
                executor.add(key, (key, number))
                for _ in range(turns):
                    await asyncio.sleep(0)
            await executor.drained()
        assert (len(executor), executor._groups) == (0, {})

    asyncio.run(run())
    for key in ("a1", "a2", "a3", "b1"):
        assert [item for item in handled if item[0] == key] == [
            (key, number) for number, (added, _) in enumerate(adds) if added == key
        ]


async def test_keys_that_wait_for_their_turn_are_not_begun_once_closed() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        executor = limited(desk, tasks, "a1", "a2", "a3")
        await settle()
        executor.close()
        for key in ("a1", "a2", "a3"):
            desk.gates[key, 1].set()
        await executor.drained()
    assert desk.begun == desk.ended == [("a1", 1), ("a2", 1)]


async def test_a_key_that_ran_empty_goes_on_when_something_comes() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        executor = KeyedExecutor[str, Item](desk.handle, tasks)
        for number in (1, 2):
            desk.gates["a", number].set()
            executor.add("a", ("a", number))
            await executor.drained()
            assert desk.ended[-1] == ("a", number)


async def test_a_closed_executor_ends_what_is_under_way_and_begins_nothing() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        executor = KeyedExecutor[str, Item](desk.handle, tasks)
        for item in (("a", 1), ("a", 2)):
            executor.add("a", item)
        await settle()
        executor.close()
        executor.add("a", ("a", 3))
        executor.add("b", ("b", 1))
        desk.gates["a", 1].set()
        desk.gates["a", 2].set()
        await executor.drained()
    assert desk.begun == desk.ended == [("a", 1)]
    assert len(executor) == 0


async def test_an_executor_closed_before_anything_ran_begins_nothing() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        executor = KeyedExecutor[str, Item](desk.handle, tasks)
        executor.add("a", ("a", 1))
        executor.close()
        await executor.drained()
    assert desk.begun == []


async def test_a_cancelled_executor_ends_at_once() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        executor = KeyedExecutor[str, Item](desk.handle, tasks)
        for item in (("a", 1), ("a", 2), ("b", 1)):
            executor.add(item[0], item)
        await settle()
        executor.cancel()
        executor.add("c", ("c", 1))
        async with asyncio.timeout(PATIENCE):
            await executor.drained()
    assert desk.begun == [("a", 1), ("b", 1)]
    assert desk.ended == []


async def test_an_empty_executor_is_drained_at_once() -> None:
    async with asyncio.TaskGroup() as tasks:
        executor = KeyedExecutor[str, Item](Desk().handle, tasks)
        await executor.drained()
        executor.cancel()
        await executor.drained()
        assert len(executor) == 0


async def test_an_error_of_the_handler_reaches_the_group_and_what_waits_is_not_begun() -> None:
    begun: list[Item] = []

    async def fail(item: Item) -> None:
        begun.append(item)
        raise LookupError(item)

    with pytest.raises(ExceptionGroup) as failed:
        async with asyncio.TaskGroup() as tasks:
            executor = KeyedExecutor[str, Item](fail, tasks)
            executor.add("a", ("a", 1))
            executor.add("a", ("a", 2))
    assert failed.group_contains(LookupError)
    assert begun == [("a", 1)]
