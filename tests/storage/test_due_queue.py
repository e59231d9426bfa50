"""Members due at a time: each is popped once, at its earliest time, with its newest note."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from bridge.storage.client import close_redis, connect_redis
from bridge.storage.due_queue import DueQueue

DUE, NOTES = "{test}:due", "{test}:notes"


class Numbered(msgspec.Struct):
    number: int


LATER = 1000


@pytest.fixture(params=[NOTES, ""], ids=["with notes", "without notes"])
async def queue(redis_url: str, request: pytest.FixtureRequest) -> AsyncIterator[DueQueue]:
    redis = connect_redis(redis_url)
    try:
        yield DueQueue(redis, DUE, request.param)
        assert await redis.exists(DUE, NOTES) == 0, "nothing is left behind"
    finally:
        await close_redis(redis)


async def members(queue: DueQueue) -> list[str]:
    """All that is due now, in order."""
    found = []
    while one := await queue.pop():
        found.append(one[0])
    return found


async def test_due_members_are_popped_once_the_earliest_first(queue: DueQueue) -> None:
    assert await queue.pop() is None
    await queue.add([], delay=0)
    await queue.add(["b"], delay=-1)
    await queue.add(["a"], delay=-2)
    await queue.add(["c"], delay=LATER)
    assert await members(queue) == ["a", "b"]
    await queue.add(["c"], delay=0)
    assert await members(queue) == ["c"]


async def test_one_that_waits_may_only_become_due_earlier(queue: DueQueue) -> None:
    await queue.add(["a", "b"], delay=LATER)
    await queue.put_back("a", delay=0)
    assert await queue.pop() is None, "added meanwhile: it stays as it is"
    await queue.add(["a"], delay=0)
    await queue.add(["a"], delay=LATER)
    assert await members(queue) == ["a"]
    await queue.put_back("a", delay=0)
    assert await members(queue) == ["a"]
    await queue.add(["b"], delay=0)
    assert await members(queue) == ["b"]


@pytest.mark.parametrize(("queue", "seconds"), [(NOTES, LATER), (NOTES, 0), ("", 0)], indirect=["queue"])
async def test_a_member_of_another_version_is_dropped_and_stops_nobody(queue: DueQueue, seconds: int) -> None:
    """As after an update or a rollback."""
    await queue.add(['[1, "mergeable"]', '{"x": 1}'], delay=-1)
    await queue.add(['{"number": 7}'], delay=0)
    assert await queue.claim_as(Numbered, seconds=seconds) == Numbered(number=7)
    if seconds:
        await queue.settle('{"number": 7}', "")
    assert await queue.claim_as(Numbered) is None


async def test_each_member_has_one_taker(queue: DueQueue) -> None:
    await queue.add([f"m{number}" for number in range(20)], delay=0)
    found = await asyncio.gather(*(queue.pop() for _ in range(30)))
    assert sorted(one[0] for one in found if one) == sorted(f"m{number}" for number in range(20))


async def test_the_newest_note_is_kept_but_not_that_of_one_put_back(redis_url: str) -> None:
    redis = connect_redis(redis_url)
    try:
        queue = DueQueue(redis, DUE, NOTES)
        await queue.add(["a"], delay=LATER, note="first")
        await queue.add(["a"], delay=0, note="second")
        await queue.put_back("a", delay=0, note="old")
        assert await queue.pop() == ("a", "second")
        await queue.put_back("a", delay=0, note="old")
        assert await queue.pop() == ("a", "old")
    finally:
        await close_redis(redis)


@pytest.mark.parametrize("queue", [NOTES], indirect=True)
async def test_a_claimed_member_is_due_again_unless_settled(queue: DueQueue) -> None:
    await queue.add(["a"], delay=0, note="1")
    assert await queue.claim(seconds=0.001) == ("a", "1")
    await asyncio.sleep(0)
    while not (again := await queue.claim(seconds=LATER)):
        pass
    assert again == ("a", "1"), "its taker died"
    assert await queue.claim(seconds=LATER) is None
    await queue.settle("a", "1", delay=-1, new_note="2")
    assert await queue.claim(seconds=LATER) == ("a", "2")
    await queue.settle("a", "2")
    assert await queue.pop() is None


@pytest.mark.parametrize("queue", [NOTES], indirect=True)
async def test_a_new_note_of_a_claimed_member_outlasts_its_settling(queue: DueQueue) -> None:
    await queue.add(["a"], delay=0, note="1")
    assert await queue.claim(seconds=LATER)
    await queue.add(["a"], delay=0, note="2")
    for delay in (None, LATER):
        await queue.settle("a", "1", delay=delay, new_note="3")
    assert await queue.pop() == ("a", "2")
    await queue.settle("a", "2", delay=0, new_note="4")
    assert await queue.pop() is None, "one that is gone stays gone"
