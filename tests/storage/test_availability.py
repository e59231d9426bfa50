"""The log of a Redis that is away or refuses: one line for all loops, and one when it is back."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from redis.exceptions import (
    AskError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.typing import EventDict

from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage import availability, embedded
from bridge.storage.availability import Availability
from bridge.storage.client import close_redis, connect_redis
from bridge.storage.lua_scripts import Script
from tests.deployment.test_operating import logged as logged_lines


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EventDict]]:
    """The lines of the log."""
    monkeypatch.setattr(availability, "log", structlog.get_logger())
    with structlog.testing.capture_logs() as lines:
        yield lines


def events(logged: list[EventDict]) -> list[str]:
    return [line["event"] for line in logged]


async def fail(redis: Any) -> None:
    """All kinds of round trips, many at a time."""
    asked = [redis.get("text"), redis.xread({"stream": "0"}, block=10)]
    async with redis.pipeline(transaction=True) as transaction, redis.pipeline(transaction=False) as pipe:
        asked += [transaction.get("text").execute(), pipe.get("text").execute()]
        found = await asyncio.gather(*asked, *(redis.get("text") for _ in range(300)), return_exceptions=True)
    assert all(isinstance(one, RedisError | OSError) for one in found), found


async def test_a_redis_that_is_away_is_one_line_and_its_return_another(
    tmp_path: Path, logged: list[EventDict]
) -> None:
    with embedded.running(tmp_path) as url:
        redis: Any = connect_redis(url)
        await redis.set("text", "t")
    try:
        assert logged == []
        for _ in range(2):
            await asyncio.gather(*(fail(redis) for _ in range(5)))
        assert events(logged) == ["redis_unavailable"]
        assert logged[0].keys() >= {"error", "away_seconds"}
        with embedded.running(tmp_path):
            assert [await redis.get("text") for _ in range(3)] == [b"t"] * 3
            assert events(logged) == ["redis_unavailable", "redis_available"]
        await fail(redis)
        assert events(logged)[2:] == ["redis_unavailable"], "a second time is told, however soon"
    finally:
        await close_redis(redis)


async def test_a_full_redis_is_one_line_and_never_said_to_be_away(
    redis: Any, logged: list[EventDict]
) -> None:
    await redis.config_set("maxmemory", 1)
    try:
        full = await asyncio.gather(*(redis.set("text", "t") for _ in range(9)), return_exceptions=True)
        assert {type(one) for one in full} == {OutOfMemoryError}
        async with redis.pipeline(transaction=True) as pipe:
            with pytest.raises(ResponseError):
                await pipe.set("text", "t").execute()
        assert await redis.get("text") is None
    finally:
        await redis.config_set("maxmemory", 0)
    assert [(line["event"], line["error"]) for line in logged] == [("redis_refused", "OutOfMemoryError")]


async def test_answers_that_the_caller_expects_are_no_lines(redis: Any, logged: list[EventDict]) -> None:
    await redis.script_flush()
    assert await Script(redis, "return 1")(keys=[]) == 1, "the first time, Redis does not know it"
    with pytest.raises(ResponseError, match=r"^FENCED$"):
        await Script(redis, "return redis.error_reply('FENCED')")(keys=[])
    assert await DeliveryQueue(redis).dead_letters() == []
    assert logged == []


AWAY, FULL = RedisConnectionError("gone"), OutOfMemoryError("command not allowed")

# When what happens, and the line that it makes.
TIMES = [
    (0, AWAY, "redis_unavailable"),
    (59, AWAY, ""),
    (60, AWAY, "redis_unavailable"),
    (61, None, "redis_available"),
    (62, None, ""),
    (63, AWAY, "redis_unavailable"),
    (64, FULL, "redis_refused"),
    (65, NoScriptError("no such script"), ""),
    (123, FULL, ""),
    (123, AWAY, "redis_unavailable"),
    (124, FULL, "redis_refused"),
]


def test_a_reminder_comes_once_a_minute(monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]) -> None:
    said = Availability("localhost:6379")
    for now, error, event in TIMES:
        monkeypatch.setattr(time, "monotonic", lambda now=now: now)
        logged.clear()
        said.failed(error) if error else said.answered()
        assert events(logged) == [event] * bool(event), now
        assert all(line["address"] == "localhost:6379" for line in logged)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://user:s3cret@127.0.0.1:1/0", "127.0.0.1:1"),
        ("redis://:s3cret@[::1]:1", "[::1]:1"),
        ("unix://user:s3cret@/nowhere/redis.sock?db=1", "/nowhere/redis.sock"),
    ],
)
async def test_the_address_has_no_password(url: str, address: str, logged: list[EventDict]) -> None:
    redis: Any = connect_redis(url)
    try:
        with pytest.raises(RedisError):
            await redis.ping()
    finally:
        await close_redis(redis)
    assert [line["address"] for line in logged] == [address]
    assert "s3cret" not in str(logged)


@pytest.mark.parametrize(("is_node", "said"), [(False, ["redis_refused"]), (True, [])])
def test_redirections_are_expected_of_a_clusters_nodes_alone(
    logged: list[EventDict], is_node: bool, said: list[str]
) -> None:
    """A cluster without REDIS_CLUSTER redirects at the start, and bridge would wait without a word."""
    node = Availability("localhost:6379", is_node=is_node)
    for error in (MovedError("12182 127.0.0.1:6380"), AskError("12182 127.0.0.1:6380"), TryAgainError("a b")):
        node.failed(error)
    assert events(logged) == said


def test_nothing_else_logs_it() -> None:
    """A loop that logs it by itself says so once a second."""
    sources = {path for path, event, _ in logged_lines() if event.startswith("redis_")}
    assert sources == {"bridge/storage/availability.py"}
