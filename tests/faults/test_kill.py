"""Kill what runs, in the middle of a load: a 202 is a promise, and a thread keeps its order."""

import asyncio
import signal
import subprocess
import time

from bridge import keys
from scripts.sandbox.house import until
from tests.faults.load import THREADS, TOTAL, Load, RedisServer
from tests.faults.table import check


async def test_a_worker_that_is_killed_loses_nothing(load: Load) -> None:
    worker = load.house.start("bridge", "worker")
    sending = asyncio.create_task(load.send())
    left = []
    for mark in (20, 70, 120):
        await load.posted(mark)
        _kill(worker)
        left.append(await load.not_posted())
        worker = load.house.start("bridge", "worker")
    await sending

    check(await load.finished("kill -9 the worker", left), repeats=3 * THREADS)


async def test_a_web_process_that_is_killed_in_a_burst_loses_nothing(calm_load: Load) -> None:
    calm_load.house.start("bridge", "worker")
    web = calm_load.house.processes[-2]
    sending = asyncio.create_task(calm_load.send())
    left = []
    for mark in (40, 120):
        await calm_load.sent(mark)
        _kill(web)
        left.append(TOTAL - len(calm_load.accepted))
        web = calm_load.house.start("bridge", "web")
    await sending

    check(await calm_load.finished("kill -9 the web process", left), repeats=0)


async def test_a_second_worker_that_is_killed_is_stood_in_for_by_the_first(load: Load) -> None:
    load.house.start("bridge", "worker")
    second = load.house.start("bridge", "worker")
    await _shared_evenly(load)
    sending = asyncio.create_task(load.send())
    await load.posted(60)
    _kill(second)
    left = [await load.not_posted()]
    await sending

    check(await load.finished("kill -9 a second worker", left), repeats=THREADS)


async def test_a_worker_that_was_frozen_past_its_lease_does_no_harm_when_it_goes_on(load: Load) -> None:
    load.house.start("bridge", "worker")
    frozen = load.house.start("bridge", "worker")
    await _shared_evenly(load)
    sending = asyncio.create_task(load.send())
    await load.posted(60)
    frozen.send_signal(signal.SIGSTOP)
    left = [await load.not_posted()]
    try:
        await sending
        await load.posted(TOTAL)
    finally:
        frozen.send_signal(signal.SIGCONT)
    await _shared_evenly(load)

    check(await load.finished("freeze a worker past its lease", left), repeats=THREADS)


async def test_a_redis_that_is_killed_loses_nothing_it_answered_for(
    calm_load: Load, server: RedisServer
) -> None:
    calm_load.house.start("bridge", "worker")
    sending = asyncio.create_task(calm_load.send())
    left = []
    for mark in (40, 120):
        await calm_load.posted(mark)
        left.append(await calm_load.not_posted())
        server.kill((await calm_load.redis.info("server"))["process_id"])
        server.start()
    await sending

    check(await calm_load.finished("kill -9 Redis", left), repeats=0)


async def test_a_worker_that_is_told_to_stop_ends_well_and_leaves_the_rest_to_the_next(
    calm_load: Load,
) -> None:
    worker = calm_load.house.start("bridge", "worker")
    sending = asyncio.create_task(calm_load.send())
    left = []
    for mark in (40, 120):
        await calm_load.posted(mark)
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 25) == 0
        assert time.monotonic() - began < 25
        left.append(await calm_load.not_posted())
        worker = calm_load.house.start("bridge", "worker")
    await sending

    check(await calm_load.finished("SIGTERM to the worker", left), repeats=0)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


async def _shared_evenly(load: Load) -> None:
    """Wait until two workers have half of the partitions each."""

    async def even() -> bool:
        names = await load.redis.mget([keys.lease(partition) for partition in range(keys.PARTITIONS)])
        return sorted(names.count(name) for name in set(names)) == [16, 16]

    await until(even, "two workers do not share the partitions evenly")
