"""Flowdock and Redis in trouble, in the middle of a load: several web processes, several workers."""

import asyncio
from typing import Any

import pytest

from tests.faults.load import SLOW, Load
from tests.faults.row import AT, TOTAL
from tests.faults.table import check

pytestmark = pytest.mark.timeout(300)

FLOWDOCK: dict[str, tuple[dict[str, Any], int]] = {
    # What Flowdock does to the next posts, and how many repeats that may cause.
    "Flowdock answers 500": ({"status": 500, "times": 15}, 0),
    "Flowdock answers 429, Retry-After": ({"status": 429, "headers": {"Retry-After": "1"}, "times": 3}, 0),
    "Flowdock hangs": ({"delay": 15, "times": 2}, 0),
    "Flowdock cuts before it takes one": ({"cut": "before", "times": 10}, 0),
    "Flowdock cuts after it took one": ({"cut": "after", "times": 10}, 20),
}


async def test_a_flowdock_in_trouble_gets_everything_once_it_is_well(wide_load: Load) -> None:
    for name, (fault, repeats) in FLOWDOCK.items():
        sending = asyncio.create_task(wide_load.send())
        left = []
        for mark in AT:
            await wide_load.posted(mark)
            await _break(wide_load, **fault)
            left.append(await wide_load.not_posted())
        await sending

        check(await wide_load.finished(name, left), repeats=repeats)
        await wide_load.again()

    await _refused(wide_load)
    await wide_load.again()
    await _gone(wide_load)
    await wide_load.again()
    await _killed(wide_load)


async def _refused(wide_load: Load) -> None:
    """A message that Flowdock refuses is a dead letter, and its thread goes on."""
    sending = asyncio.create_task(wide_load.send())
    await wide_load.posted(AT[0])
    # The thread's title is the newest, so it is the author that tells a message: step 3 of every thread.
    await _break(wide_load, body='"name":"step-3"', status=400, answer="no", times=1_000_000)
    left = [await wide_load.not_posted()]
    await sending

    row = await wide_load.finished("Flowdock answers 400", left)
    dead = await wide_load.dead()
    assert {letter.reason for letter in dead.values()} == {"Flowdock answered 400: no"}
    assert {wide_load.accepted[message][1] for message in dead} == {3}
    check(row, dead=row.dead)
    assert row.dead > 0


async def _gone(wide_load: Load) -> None:
    """A message to a source that the flow removed goes nowhere, and says why; the others are posted."""
    sending = asyncio.create_task(wide_load.send())
    await wide_load.posted(AT[0])
    gone = list(wide_load.connections)[:3]
    await wide_load.remove_sources(gone)
    left = [await wide_load.not_posted()]
    await sending

    row = await wide_load.finished("Flowdock answers 410", left)
    skipped = await wide_load.skipped()
    assert set(skipped.values()) <= {
        *("the flow removed the source", "the connection was removed", "not connected")
    }
    threads = {wide_load.connections[one].thread_id(number) for one in gone for number in (1, 2)}
    assert {wide_load.accepted[message][0] for message in skipped} <= threads
    # Each of the three was told 410, and heard of once; the tokens are forgotten.
    assert list(skipped.values()).count("the flow removed the source") >= len(gone)
    kept = {one.repository for one in await wide_load.store.all()}
    assert kept == {f"acme/repository-{one}" for one in wide_load.connections if one not in gone}
    check(row, skipped=row.skipped)


async def _killed(wide_load: Load) -> None:
    """A Flowdock that is killed and comes back gets everything."""
    sending = asyncio.create_task(wide_load.send())
    left = []
    for mark in AT:
        await wide_load.posted(mark)
        await wide_load.wire.cut()
        left.append(await wide_load.not_posted())
        await wide_load.failing()
        await wide_load.wire.mend()
    await sending

    # What was under way had its answer lost: one post a thread and cut.
    check(await wide_load.finished("Flowdock is killed", left), repeats=2 * len(wide_load.connections) * 2)


REDIS: dict[str, tuple[dict[str, str], dict[str, str], int]] = {
    # What makes Redis refuse to write, what ends that, and bridge's answer meanwhile.
    "Redis is full": ({"maxmemory": "1"}, {"maxmemory": "0"}, 503),
    "Redis is read-only": ({"min-replicas-to-write": "1"}, {"min-replicas-to-write": "0"}, 503),
}


async def test_a_redis_in_trouble_loses_nothing_that_it_answered_for(wide_load: Load) -> None:
    for name, (trouble, cure, status) in REDIS.items():
        wide_load.hold(AT[0])
        sending = asyncio.create_task(wide_load.send())
        left = []
        for at, mark in enumerate(AT, start=1):
            await wide_load.sent(mark)
            await _configure(wide_load, trouble)
            # Those that come now are refused, and taken again by themselves.
            wide_load.go_on()
            left.append(await wide_load.not_posted())
            await _answered(wide_load, status, wide_load.answers[status] + 20)
            if at < len(AT):
                wide_load.hold(AT[at])
            await _configure(wide_load, cure)
        await sending

        check(await wide_load.finished(name, left))
        await wide_load.again()

    await _slow(wide_load)


async def _slow(wide_load: Load) -> None:
    sending = asyncio.create_task(wide_load.send())
    left = []
    for mark in AT:
        await wide_load.posted(mark)
        left.append(await wide_load.not_posted())
        await wide_load.redis.client_pause(1500)
    await sending

    check(await wide_load.finished("Redis pauses for 1.5 s", left))


async def _break(load: Load, **fault: Any) -> None:
    faults = f"{load.house.flowdock}/_sandbox/faults"
    async with load.house.http.delete(faults):
        await load.house.post(faults, {"path": "/messages", **fault})
    await load.house.post(faults, SLOW)


async def _configure(load: Load, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        await load.redis.config_set(name, value)


async def _answered(load: Load, status: int, count: int) -> None:
    async with asyncio.timeout(30):
        while load.answers[status] < count:  # noqa: ASYNC110  (the load sets no event)
            await asyncio.sleep(0.01)
    assert len(load.accepted) < TOTAL
