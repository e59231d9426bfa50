"""Kill what runs, in the middle of a load: a 202 is a promise, and a thread keeps its order."""

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge import keys
from scripts.sandbox.house import until
from tests.faults.load import (
    POSTS_UNDER_WAY,
    REPOSITORIES,
    TOTAL,
    Load,
    RedisServer,
    Row,
    open_load,
    redis_server,
)

LEASE_SECONDS = 1.5
"""Short, since a worker that was killed keeps its partitions for that long."""

ROWS: list[Row] = []


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    """Prints what was counted (`pytest -s` shows it)."""
    yield
    head = f"{'fault':34}{'times':>6}{'deliveries':>12}{'lost':>6}{'repeated':>10}"
    print(f"\n{head}{'out of order':>14}{'stale':>7}")
    for row in ROWS:
        print(
            f"{row.fault:34}{row.faults:6}{row.deliveries:12}{row.lost:6}{row.repeated:10}"
            f"{row.out_of_order:14}{row.stale:7}"
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def load(tmp_path: Path, server: RedisServer) -> AsyncIterator[Load]:
    async with open_load(tmp_path, server, lease_seconds=LEASE_SECONDS) as opened:
        yield opened


async def test_a_worker_that_is_killed_loses_nothing(load: Load) -> None:
    worker = load.house.start("bridge", "worker")
    sending = asyncio.create_task(load.send())
    for mark in (20, 80, 140):
        await load.posted(mark)
        _kill(worker)
        worker = load.house.start("bridge", "worker")
    await sending

    _check(await load.finished("kill -9 the worker", 3), repeats=3 * POSTS_UNDER_WAY * REPOSITORIES)


async def test_a_web_process_that_is_killed_in_a_burst_loses_nothing(load: Load) -> None:
    load.house.start("bridge", "worker")
    web = load.house.processes[-2]
    sending = asyncio.create_task(load.send())
    for mark in (40, 120):
        await load.sent(mark)
        _kill(web)
        web = load.house.start("bridge", "web")
    await sending

    _check(await load.finished("kill -9 the web process", 2), repeats=0)


async def test_a_second_worker_that_is_killed_is_stood_in_for_by_the_first(load: Load) -> None:
    load.house.start("bridge", "worker")
    second = load.house.start("bridge", "worker")
    await _shared_evenly(load)
    sending = asyncio.create_task(load.send())
    await load.posted(60)
    _kill(second)
    await sending

    _check(await load.finished("kill -9 a second worker", 1), repeats=POSTS_UNDER_WAY * REPOSITORIES)


async def test_a_worker_that_was_frozen_past_its_lease_does_no_harm_when_it_goes_on(load: Load) -> None:
    load.house.start("bridge", "worker")
    frozen = load.house.start("bridge", "worker")
    await _shared_evenly(load)
    sending = asyncio.create_task(load.send())
    await load.posted(60)
    frozen.send_signal(signal.SIGSTOP)
    try:
        await sending
        await load.posted(TOTAL)
    finally:
        frozen.send_signal(signal.SIGCONT)
    await _shared_evenly(load)

    _check(await load.finished("freeze a worker past its lease", 1), repeats=POSTS_UNDER_WAY * REPOSITORIES)


async def test_a_redis_that_is_killed_loses_nothing_it_answered_for(load: Load, server: RedisServer) -> None:
    load.house.start("bridge", "worker")
    sending = asyncio.create_task(load.send())
    for mark in (40, 120):
        await load.posted(mark)
        server.kill((await load.redis.info("server"))["process_id"])
        server.start()
    await sending

    _check(await load.finished("kill -9 Redis", 2), repeats=0)


async def test_a_worker_that_is_told_to_stop_ends_well_and_leaves_the_rest_to_the_next(load: Load) -> None:
    worker = load.house.start("bridge", "worker")
    sending = asyncio.create_task(load.send())
    for mark in (40, 120):
        await load.posted(mark)
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 25) == 0
        assert time.monotonic() - began < 25
        worker = load.house.start("bridge", "worker")
    await sending

    _check(await load.finished("SIGTERM to the worker", 2), repeats=0)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _check(row: Row, *, repeats: int) -> None:
    """Nothing is lost or out of order; repeats (which their uuid tells) only where a note was lost."""
    ROWS.append(row)
    assert (row.deliveries, row.lost, row.out_of_order, row.stale) == (TOTAL, 0, 0, 0)
    assert row.repeated <= repeats


async def _shared_evenly(load: Load) -> None:
    """Wait until two workers have half of the partitions each."""

    async def even() -> bool:
        names = await load.redis.mget([keys.lease(partition) for partition in range(keys.PARTITIONS)])
        return sorted(names.count(name) for name in set(names)) == [16, 16]

    await until(even, "two workers do not share the partitions evenly")
