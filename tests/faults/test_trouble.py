"""Flowdock and Redis in trouble, in the middle of a load: several web processes, several workers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.faults.load import SLOW, Load
from tests.faults.processes import Shared, open_load
from tests.faults.row import AT, TOTAL
from tests.faults.server import redis_server
from tests.faults.table import check

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

FLOWDOCK: dict[str, tuple[dict[str, Any], int]] = {
    # What Flowdock does to the next posts, and how many repeats that may cause.
    "Flowdock answers 500": ({"status": 500, "times": 15}, 0),
    "Flowdock answers 429, Retry-After": ({"status": 429, "headers": {"Retry-After": "1"}, "times": 3}, 0),
    "Flowdock hangs": ({"delay": 15, "times": 2}, 0),
    "Flowdock hangs up before accepting a post": ({"cut": "before", "times": 10}, 0),
    "Flowdock hangs up after accepting a post": ({"cut": "after", "times": 10}, 20),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shared]:
    """Two web processes and two workers."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        folder = tmp_path_factory.mktemp("load")
        async with open_load(folder, server.url, lease_seconds=6, more_webs=1) as opened:
            # Their log tells of deliveries for which the connection was gone.
            await opened.staff(2, {"LOG_LEVEL": "info"})
            yield Shared(opened)


@pytest_asyncio.fixture(loop_scope="module")
async def load(shared: Shared) -> AsyncIterator[Load]:
    """A load of its own for each test, on the same processes."""
    async with shared.anew() as load:
        yield load


@pytest.mark.parametrize("name", FLOWDOCK)
async def test_a_flowdock_in_trouble_gets_everything_once_it_is_well(load: Load, name: str) -> None:
    fault, repeats = FLOWDOCK[name]
    sending = asyncio.create_task(load.send())
    left = []
    for mark in AT:
        await load.posted(mark)
        await _break(load, **fault)
        left.append(await load.not_posted())
    await sending

    check(await load.finished(name, left), repeats=repeats)


async def test_a_message_that_flowdock_refuses_is_a_dead_letter_and_its_thread_goes_on(load: Load) -> None:
    sending = asyncio.create_task(load.send())
    await load.posted(AT[0])
    # The thread's title is the newest, so it is the author that tells a message: step 3 of every thread.
    await _break(load, body='"name":"step-3"', status=400, answer="no", times=1_000_000)
    left = [await load.not_posted()]
    await sending

    row = await load.finished("Flowdock answers 400", left)
    dead = await load.dead()
    assert {letter.reason for letter in dead.values()} == {"Flowdock answered 400: no"}
    assert {load.accepted[message][1] for message in dead} == {3}
    check(row, dead=row.dead)
    assert row.dead > 0


async def test_a_message_to_a_removed_source_goes_nowhere_and_says_why(load: Load) -> None:
    sending = asyncio.create_task(load.send())
    await load.posted(AT[0])
    gone = list(load.connections)[:3]
    await load.remove_sources(gone)
    left = [await load.not_posted()]
    await sending

    row = await load.finished("Flowdock answers 410", left)
    skipped = await load.skipped()
    assert set(skipped.values()) <= {
        *("the source was removed from the flow", "the connection was removed", "not connected")
    }
    threads = {load.connections[one].thread_id(number) for one in gone for number in (1, 2)}
    assert {load.accepted[message][0] for message in skipped} <= threads
    # Each of the three was told 410, and heard of once; the tokens are forgotten.
    assert list(skipped.values()).count("the source was removed from the flow") >= len(gone)
    kept = {one.repository for one in await load.store.all()}
    assert kept == {f"acme/repository-{one}" for one in load.connections if one not in gone}
    check(row, skipped=row.skipped)


async def test_a_flowdock_that_is_killed_and_comes_back_gets_everything(load: Load) -> None:
    sending = asyncio.create_task(load.send())
    left = []
    for mark in AT:
        await load.posted(mark)
        await load.wire.cut()
        left.append(await load.not_posted())
        await load.failing()
        await load.wire.mend()
    await sending

    # What was under way had its answer lost: one post a thread and cut.
    check(await load.finished("Flowdock is killed", left), repeats=2 * len(load.connections) * 2)


REDIS: dict[str, tuple[dict[str, str], dict[str, str], int]] = {
    # What makes Redis refuse to write, what ends that, and bridge's answer meanwhile.
    "Redis is full": ({"maxmemory": "1"}, {"maxmemory": "0"}, 503),
    "Redis is read-only": ({"min-replicas-to-write": "1"}, {"min-replicas-to-write": "0"}, 503),
}


@pytest.mark.parametrize("name", REDIS)
async def test_a_redis_in_trouble_loses_nothing_that_it_answered_for(load: Load, name: str) -> None:
    trouble, cure, status = REDIS[name]
    load.hold(AT[0])
    sending = asyncio.create_task(load.send())
    left = []
    for at, mark in enumerate(AT, start=1):
        await load.sent(mark)
        await _configure(load, trouble)
        # Those that come now are refused, and taken again by themselves.
        load.go_on()
        left.append(await load.not_posted())
        await _answered(load, status, load.answers[status] + 20)
        if at < len(AT):
            load.hold(AT[at])
        await _configure(load, cure)
    await sending

    check(await load.finished(name, left))


async def test_a_redis_that_pauses_loses_nothing(load: Load) -> None:
    sending = asyncio.create_task(load.send())
    left = []
    for mark in AT:
        await load.posted(mark)
        left.append(await load.not_posted())
        await load.redis.client_pause(1500)
    await sending

    check(await load.finished("Redis pauses for 1.5 s", left))


async def _break(load: Load, **fault: Any) -> None:
    faults = f"{load.house.flowdock}/_sandbox/faults"
    async with load.house.http.delete(faults):
        await load.house.post(faults, {"path": "/messages", **fault})
    await load.house.post(faults, SLOW)


async def _configure(load: Load, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        await load.redis.config_set(name, value)


async def _answered(load: Load, status: int, count: int) -> None:
    async with asyncio.timeout(60):
        while load.answers[status] < count:  # noqa: ASYNC110  (the load sets no event)
            await asyncio.sleep(0.01)
    assert len(load.accepted) < TOTAL
