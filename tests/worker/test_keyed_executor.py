"""Lanes: one after the other within a key, side by side across keys."""

import asyncio
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.worker.keyed_executor import KeyedExecutor

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
        async with asyncio.TaskGroup() as group:
            lanes = KeyedExecutor[str, Item](handle, group)
            for number, (key, turns) in enumerate(adds):
                lanes.add(key, (key, number))
                for _ in range(turns):
                    await asyncio.sleep(0)
            await lanes.drained()
            assert len(lanes) == 0

    asyncio.run(run())
    for key in "abc":
        assert [item for item in handled if item[0] == key] == [
            (key, number) for number, (added, _) in enumerate(adds) if added == key
        ]


async def test_a_key_that_waits_does_not_hold_up_another() -> None:
    desk = Desk()
    desk.gates["b", 1].set()
    async with asyncio.TaskGroup() as group:
        lanes = KeyedExecutor[str, Item](desk.handle, group)
        for item in (("a", 1), ("a", 2), ("b", 1)):
            lanes.add(item[0], item)
        await settle()
        assert desk.begun == [("a", 1), ("b", 1)]
        assert desk.ended == [("b", 1)]
        assert len(lanes) == 2
        for number in (1, 2):
            desk.gates["a", number].set()
        await lanes.drained()
    assert desk.ended == [("b", 1), ("a", 1), ("a", 2)]


def by_road(key: str) -> str:
    """Keys are a road and a number: `a1`."""
    return key[0]


def roads(desk: Desk, group: asyncio.TaskGroup, *keys: str) -> KeyedExecutor[str, Item]:
    """Lanes of which two of a road are in use at once, each with one item."""
    lanes = KeyedExecutor[str, Item](desk.handle, group, limit=2, group_of=by_road)
    for key in keys:
        lanes.add(key, (key, 1))
    return lanes


async def test_of_a_road_so_many_lanes_are_in_use_at_once_and_others_take_their_turns() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        lanes = roads(desk, group, "a1", "a2", "a3", "a4", "b1")
        await settle()
        assert desk.begun == [("a1", 1), ("a2", 1), ("b1", 1)]
        lanes.add("a1", ("a1", 2))
        desk.gates["a1", 1].set()
        await settle()
        assert desk.begun[3:] == [("a3", 1)]
        desk.gates["a2", 1].set()
        await settle()
        assert desk.begun[4:] == [("a4", 1)]
        assert len(lanes) == 4
        for item in (("a1", 2), ("a3", 1), ("a4", 1), ("b1", 1)):
            desk.gates[item].set()
        await lanes.drained()
    # In turn: who was just handled is behind all others.
    assert desk.begun[5:] == [("a1", 2)]
    assert len(lanes) == 0


async def test_who_steps_aside_leaves_its_place_and_takes_none_from_others_when_it_is_back() -> None:
    desk, back = Desk(), asyncio.Event()

    async def handle(item: Item) -> None:
        if item == ("a1", 1):
            with lanes.aside("a1"):
                await back.wait()
        await desk.handle(item)

    async with asyncio.TaskGroup() as group:
        lanes = KeyedExecutor[str, Item](handle, group, limit=1, group_of=by_road)
        for key in ("a1", "a2", "a3"):
            lanes.add(key, (key, 1))
        await settle()
        assert desk.begun == [("a2", 1)]
        back.set()
        await settle()
        assert desk.begun == [("a2", 1), ("a1", 1)]
        desk.gates["a2", 1].set()
        await settle()
        assert desk.begun[2:] == []
        desk.gates["a1", 1].set()
        await settle()
        assert desk.begun[2:] == [("a3", 1)]
        desk.gates["a3", 1].set()
        await lanes.drained()
    assert len(lanes) == 0


@settings(max_examples=60, deadline=None)
@given(
    adds=st.lists(st.tuples(st.sampled_from(["a1", "a2", "a3", "b1"]), st.integers(0, 2)), max_size=20),
    steps=st.lists(st.sampled_from([0, 1, -1]), min_size=20, max_size=20),
)
def test_a_road_is_forgotten_when_all_its_lanes_are_done(
    adds: list[tuple[str, int]], steps: list[int]
) -> None:
    """Whatever comes when, and whoever steps aside (-1): all is handled, and no place is lost or won."""
    handled: list[Item] = []

    async def run() -> None:
        async def handle(item: Item) -> None:
            if steps[item[1]] < 0:
                with lanes.aside(item[0]):
                    await asyncio.sleep(0)
            for _ in range(steps[item[1]]):
                await asyncio.sleep(0)
            handled.append(item)

        async with asyncio.TaskGroup() as group:
            lanes = KeyedExecutor[str, Item](handle, group, limit=1, group_of=by_road)
            for number, (key, turns) in enumerate(adds):
                lanes.add(key, (key, number))
                for _ in range(turns):
                    await asyncio.sleep(0)
            await lanes.drained()
        assert (len(lanes), lanes._roads) == (0, {})

    asyncio.run(run())
    for key in ("a1", "a2", "a3", "b1"):
        assert [item for item in handled if item[0] == key] == [
            (key, number) for number, (added, _) in enumerate(adds) if added == key
        ]


async def test_lanes_that_wait_for_their_turn_are_not_begun_once_closed() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        lanes = roads(desk, group, "a1", "a2", "a3")
        await settle()
        lanes.close()
        for key in ("a1", "a2", "a3"):
            desk.gates[key, 1].set()
        await lanes.drained()
    assert desk.begun == desk.ended == [("a1", 1), ("a2", 1)]


async def test_a_lane_that_ran_empty_goes_on_when_something_comes() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        lanes = KeyedExecutor[str, Item](desk.handle, group)
        for number in (1, 2):
            desk.gates["a", number].set()
            lanes.add("a", ("a", number))
            await lanes.drained()
            assert desk.ended[-1] == ("a", number)


async def test_closed_lanes_end_what_is_under_way_and_begin_nothing() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        lanes = KeyedExecutor[str, Item](desk.handle, group)
        for item in (("a", 1), ("a", 2)):
            lanes.add("a", item)
        await settle()
        lanes.close()
        lanes.add("a", ("a", 3))
        lanes.add("b", ("b", 1))
        desk.gates["a", 1].set()
        desk.gates["a", 2].set()
        await lanes.drained()
    assert desk.begun == desk.ended == [("a", 1)]
    assert len(lanes) == 0


async def test_lanes_closed_before_anything_ran_begin_nothing() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        lanes = KeyedExecutor[str, Item](desk.handle, group)
        lanes.add("a", ("a", 1))
        lanes.close()
        await lanes.drained()
    assert desk.begun == []


async def test_cancelled_lanes_end_at_once() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as group:
        lanes = KeyedExecutor[str, Item](desk.handle, group)
        for item in (("a", 1), ("a", 2), ("b", 1)):
            lanes.add(item[0], item)
        await settle()
        lanes.cancel()
        lanes.add("c", ("c", 1))
        async with asyncio.timeout(1):
            await lanes.drained()
    assert desk.begun == [("a", 1), ("b", 1)]
    assert desk.ended == []


async def test_empty_lanes_are_drained_at_once() -> None:
    async with asyncio.TaskGroup() as group:
        lanes = KeyedExecutor[str, Item](Desk().handle, group)
        await lanes.drained()
        lanes.cancel()
        await lanes.drained()
        assert len(lanes) == 0


async def test_an_error_of_the_handler_reaches_the_group_and_what_waits_is_not_begun() -> None:
    begun: list[Item] = []

    async def fail(item: Item) -> None:
        begun.append(item)
        raise LookupError(item)

    with pytest.raises(ExceptionGroup) as failed:
        async with asyncio.TaskGroup() as group:
            lanes = KeyedExecutor[str, Item](fail, group)
            lanes.add("a", ("a", 1))
            lanes.add("a", ("a", 2))
    assert failed.group_contains(LookupError)
    assert begun == [("a", 1)]
