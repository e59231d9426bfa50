"""Commands that come at one moment go to Redis together, and each caller gets its own answer or error."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError, ResponseError

from bridge import embedded_redis
from bridge.redis_client import close_redis, connect_redis
from bridge.redis_grouping import MAX_GROUP, GroupingRedis


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[GroupingRedis]:
    client = connect_redis(redis_url)
    assert isinstance(client, GroupingRedis)
    yield client
    await close_redis(client)


async def reads(redis: Any) -> int:
    """How often Redis read from a client."""
    return int((await redis.info("stats"))["total_reads_processed"])


async def test_what_comes_at_one_moment_shares_a_round_trip(redis: Any) -> None:
    before = await reads(redis)
    found = await asyncio.gather(*(redis.incr("n") for _ in range(3 * MAX_GROUP)))
    assert sorted(found) == list(range(1, 3 * MAX_GROUP + 1))
    # One goes ahead, three groups follow; the count itself is read, too.
    assert await reads(redis) - before < 20


async def test_each_gets_its_own_answer_in_the_shape_that_redis_py_gives_it(redis: Any) -> None:
    await redis.hset("hash", "field", "value")
    await redis.set("text", "t")
    script = redis.register_script("return {KEYS[1], ARGV[1]}")

    found = await asyncio.gather(
        redis.get("text"),
        redis.hgetall("hash"),
        redis.get("nothing"),
        redis.hget("text", "field"),
        script(keys=["k"], args=["a"]),
        redis.exists("text"),
        redis.set("text", "other", nx=True),
        redis.ping(),
        return_exceptions=True,
    )
    wrong = found.pop(3)
    assert isinstance(wrong, ResponseError)
    assert "WRONGTYPE" in str(wrong)
    assert found == [b"t", {b"field": b"value"}, None, [b"k", b"a"], 1, None, True]


async def test_a_read_that_waits_keeps_nobody_waiting(redis: Any) -> None:
    waiting = asyncio.create_task(redis.xread({"stream": "0"}, block=60_000))
    await asyncio.sleep(0)
    assert await asyncio.gather(*(redis.incr("n") for _ in range(5))) == [1, 2, 3, 4, 5]
    assert not waiting.done()
    await redis.xadd("stream", {"a": "b"})
    assert await waiting


async def test_who_gives_up_waiting_harms_nobody_and_what_it_wanted_is_not_done(redis: Any) -> None:
    first = asyncio.create_task(redis.incr("n"))
    await asyncio.sleep(0)
    gone, stays = (asyncio.create_task(redis.incr("n")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert [await first, await stays] == [1, 2]
    assert gone.cancelled()


async def test_whoever_is_cancelled_ahead_lets_the_others_go_on(redis: Any) -> None:
    first = asyncio.create_task(redis.incr("n"))
    await asyncio.sleep(0)
    behind = [asyncio.create_task(redis.incr("m")) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.gather(*behind) == [1, 2, 3]
    assert await redis.incr("m") == 4


async def test_a_redis_that_is_away_is_told_to_all_who_wait_and_serves_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    with embedded_redis.running(tmp_path) as url:
        redis: Any = connect_redis(url)
        await redis.set("text", "t")
    try:
        found = await asyncio.gather(
            *(redis.get("text") for _ in range(2 * MAX_GROUP)), return_exceptions=True
        )
        assert all(isinstance(one, RedisError | OSError) for one in found)

        with embedded_redis.running(tmp_path):
            assert await asyncio.gather(*(redis.get("text") for _ in range(5))) == [b"t"] * 5
    finally:
        await close_redis(redis)
