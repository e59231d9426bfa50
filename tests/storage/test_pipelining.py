"""Commands that come at one moment go to Redis together, and each caller gets its own answer or error."""

import asyncio
import gc
import os
import signal
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout

from bridge.storage import embedded
from bridge.storage.client import MAX_CONNECTIONS, close_redis, connect_redis
from bridge.storage.lua_scripts import Script
from bridge.storage.pipelining import MAX_GROUP, GroupingRedis
from tests.conftest import eventually
from tests.kits.queue import reads


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[GroupingRedis]:
    client = connect_redis(redis_url)
    assert isinstance(client, GroupingRedis)
    yield client
    await client.aclose()


async def test_commands_of_one_moment_share_a_round_trip(redis: Any) -> None:
    before = await reads(redis)
    found = await asyncio.gather(*(redis.incr("n") for _ in range(3 * MAX_GROUP)))
    assert sorted(found) == list(range(1, 3 * MAX_GROUP + 1))
    # One goes ahead, three groups follow; the count itself is read, too.
    assert await reads(redis) - before < 20


async def test_each_gets_its_own_answer_in_the_shape_that_redis_py_gives_it(redis: Any) -> None:
    await redis.hset("hash", "field", "value")
    await redis.set("text", "t")
    script = Script(redis, "return {KEYS[1], ARGV[1]}")

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


async def test_a_caller_that_gives_up_harms_nobody(redis: Any) -> None:
    first = asyncio.create_task(redis.incr("n"))
    await asyncio.sleep(0)
    gone, stays = (asyncio.create_task(redis.incr("n")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert [await first, await stays] == [1, 3], "its command is sent all the same"
    assert gone.cancelled()


async def test_a_cancelled_caller_ahead_lets_the_others_go_on(redis: Any) -> None:
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
    with embedded.running(tmp_path) as url:
        redis: Any = connect_redis(url)
        await redis.set("text", "t")
    try:
        found = await asyncio.gather(
            *(redis.get("text") for _ in range(2 * MAX_GROUP)), return_exceptions=True
        )
        assert all(isinstance(one, RedisError | OSError) for one in found)

        with embedded.running(tmp_path):
            assert await asyncio.gather(*(redis.get("text") for _ in range(5))) == [b"t"] * 5
    finally:
        await close_redis(redis)


@contextmanager
def _frozen(process_id: int) -> Iterator[None]:
    """Have a process of this test answer nothing, for however long this takes."""
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


async def test_a_redis_that_does_not_answer_is_an_error_in_time_and_its_late_answers_are_nobodys(
    redis_url: str,
) -> None:
    redis: Any = connect_redis(redis_url)
    hasty: Any = GroupingRedis(connection_pool=redis.connection_pool, pipelines=6, answer_seconds=2)
    try:
        await redis.mset({"a": "1", "b": "2"})
        await hasty.ping()
        with _frozen((await redis.info())["process_id"]):
            late = await asyncio.gather(*(hasty.get("a") for _ in range(3)), return_exceptions=True)
            assert [type(one) for one in late] == [RedisTimeout] * 3
            with pytest.raises(RedisTimeout):
                async with hasty.pipeline() as pipe:
                    await pipe.get("a").execute()
        # On connections of their own: what Redis answers to the commands above reaches nobody.
        assert list(await asyncio.gather(hasty.get("b"), hasty.get("a"))) == [b"2", b"1"]
        async with hasty.pipeline() as pipe:
            assert await pipe.get("b").execute() == [b"2"]
    finally:
        await hasty.aclose()
        await close_redis(redis)


async def test_a_reader_is_given_the_time_that_it_asked_for_besides(redis_url: str) -> None:
    redis: Any = connect_redis(redis_url)
    hasty: Any = GroupingRedis(connection_pool=redis.connection_pool, pipelines=6, answer_seconds=2)
    try:
        assert not await hasty.xread({"stream": "0"}, block=2_100)
    finally:
        await close_redis(redis)


async def test_more_pipelines_than_there_are_connections_wait_for_one_another(redis: Any) -> None:
    async def counted() -> int:
        async with redis.pipeline() as pipe:
            return int((await pipe.incr("n").execute())[0])

    reader = asyncio.create_task(redis.xread({"stream": "0"}, block=60_000))
    numbers = await asyncio.gather(*(counted() for _ in range(5 * MAX_CONNECTIONS)), redis.incr("n"))
    assert sorted(numbers) == list(range(1, 5 * MAX_CONNECTIONS + 2))
    clients = await redis.client_list()
    assert len([one for one in clients if one["cmd"] != "client|list"]) <= MAX_CONNECTIONS
    reader.cancel()


async def test_a_transaction_that_is_cancelled_while_it_waits_is_never_begun(redis: Any) -> None:
    async def counted() -> None:
        async with redis.pipeline() as pipe:
            await pipe.incr("n").execute()

    asked = [asyncio.create_task(counted()) for _ in range(2 * MAX_CONNECTIONS)]
    await asyncio.sleep(0)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asked.pop().cancel()
        await asyncio.gather(*asked)
        gc.collect()
    assert [str(one.message) for one in warned] == []
    assert await redis.get("n") == str(len(asked)).encode()


async def test_nothing_stays_open_once_it_is_closed(redis_url: str) -> None:
    redis: Any = connect_redis(redis_url)
    other: Any = connect_redis(redis_url)
    before = len(await other.client_list())
    await redis.ping()
    assert len(await other.client_list()) == before + 1
    await close_redis(redis)

    async def closed() -> bool:
        return len(await other.client_list()) == before

    await eventually(closed)
    await close_redis(other)
