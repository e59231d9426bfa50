"""Kill what runs, in the middle of a load: a 202 is a promise, and a thread keeps its order."""

import asyncio
import hashlib
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Literal

import pytest

from bridge.storage import keys
from bridge.storage.lua_scripts import source
from scripts.sandbox.house import until
from tests.faults import github
from tests.faults.load import Load
from tests.faults.row import AT, THREADS, TOTAL
from tests.faults.server import RedisServer
from tests.faults.table import check
from tests.faults.wire import Way, Wire, open_wire

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Where in the way of its messages a worker is killed: the wire that holds them there."""

    wire: Literal["Flowdock", "Redis"]
    way: Way
    mark: bytes
    held: int
    """How many messages are held there when the worker is killed."""
    repeats: tuple[int, int]
    """How many of them are posted twice, at least and at most."""


ACK = hashlib.sha1(source("bridge.queue", "ack").encode(), usedforsecurity=False).hexdigest().encode()
"""By what Redis knows the step that notes a post."""

PHASES = {
    "kill -9 the worker before its posts reach Flowdock": Phase(
        wire="Flowdock", way="going", mark=b"POST /messages", held=THREADS, repeats=(0, 0)
    ),
    "kill -9 the worker before Flowdock's answers reach it": Phase(
        wire="Flowdock", way="coming", mark=b"HTTP/1.1 202", held=THREADS, repeats=(THREADS, THREADS)
    ),
    # A worker has eight connections to Redis: not every thread's note gets as far as the wire.
    "kill -9 the worker before its notes reach Redis": Phase(
        wire="Redis", way="going", mark=ACK, held=5, repeats=(5, THREADS)
    ),
}


async def test_a_worker_that_ends_in_the_middle_loses_nothing(calm_load: Load, server: RedisServer) -> None:
    async with open_wire(server.url) as to_redis:
        calm_load.house.settings["REDIS_URL"] = to_redis.url
        worker = calm_load.house.start("bridge", "worker")
        worker = await _told_to_stop(calm_load, worker)
        await calm_load.again()
        worker = await _killed_anywhere(calm_load, worker)
        for name, phase in PHASES.items():
            await calm_load.again()
            wire = calm_load.wire if phase.wire == "Flowdock" else to_redis
            worker = await _killed_in(calm_load, worker, name, phase, wire)


async def _told_to_stop(load: Load, worker: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """It ends well, and leaves the rest to the next."""
    sending = asyncio.create_task(load.send())
    left = []
    for mark in AT:
        await load.posted(mark)
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 25) == 0
        assert time.monotonic() - began < 25
        left.append(await load.not_posted())
        worker = load.house.start("bridge", "worker")
    await sending

    check(await load.finished("SIGTERM to the worker", left), repeats=0)
    return worker


async def _killed_anywhere(load: Load, worker: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    sending = asyncio.create_task(load.send())
    left = []
    for mark in AT:
        await load.posted(mark)
        _kill(worker)
        left.append(await load.not_posted())
        worker = await _next_worker(load)
    await sending

    check(await load.finished("kill -9 the worker", left), repeats=len(AT) * THREADS)
    return worker


async def _killed_in(
    load: Load, worker: subprocess.Popen[bytes], name: str, phase: Phase, wire: Wire
) -> subprocess.Popen[bytes]:
    sending = asyncio.create_task(load.send())
    # So early that each thread still has something to post.
    await load.posted(THREADS // 2)
    wire.hold(phase.way, phase.mark)
    await wire.held(phase.held)
    left = [await load.not_posted()]
    _kill(worker)
    wire.drop()
    worker = await _next_worker(load)
    await sending

    row = await load.finished(name, left)
    least, most = phase.repeats
    check(row, repeats=most)
    assert row.repeated >= least
    return worker


async def _next_worker(load: Load) -> subprocess.Popen[bytes]:
    """Another, once the leases of the only one there was have run out: they are ended, to save the time."""
    await load.redis.delete(keys.WORKERS, *(keys.lease(partition) for partition in range(keys.PARTITIONS)))
    return load.house.start("bridge", "worker")


async def test_what_is_killed_around_a_worker_loses_nothing_that_was_answered_for(
    calm_load: Load, server: RedisServer
) -> None:
    web = calm_load.house.processes[-1]
    calm_load.house.start("bridge", "worker")
    sending = asyncio.create_task(calm_load.send())
    left = []
    for mark in AT:
        await calm_load.sent(mark)
        _kill(web)
        left.append(TOTAL - len(calm_load.accepted))
        web = calm_load.house.start("bridge", "web")
    await sending

    check(await calm_load.finished("kill -9 the web process", left), repeats=0)
    await calm_load.again()

    sending = asyncio.create_task(calm_load.send())
    left = []
    for mark in AT:
        await calm_load.posted(mark)
        left.append(await calm_load.not_posted())
        server.kill((await calm_load.redis.info("server"))["process_id"])
        server.start()
    await sending

    check(await calm_load.finished("kill -9 Redis", left), repeats=0)
    await calm_load.again()

    await github.killed(calm_load)


async def test_one_of_two_workers_is_stood_in_for_by_the_other(load: Load) -> None:
    load.house.start("bridge", "worker")
    second = load.house.start("bridge", "worker")
    await _shared_evenly(load)
    sending = asyncio.create_task(load.send())
    await load.posted(AT[0])
    second.send_signal(signal.SIGSTOP)
    left = [await load.not_posted()]
    try:
        await sending
        await load.posted(TOTAL)
    finally:
        second.send_signal(signal.SIGCONT)
    # It does no harm when it goes on.
    await _shared_evenly(load)
    check(await load.finished("freeze a worker past its lease", left), repeats=THREADS)
    await load.again()

    sending = asyncio.create_task(load.send())
    await load.posted(AT[0])
    _kill(second)
    left = [await load.not_posted()]
    await sending

    check(await load.finished("kill -9 a second worker", left), repeats=THREADS)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


async def _shared_evenly(load: Load) -> None:
    """Wait until two workers have half of the partitions each."""

    async def even() -> bool:
        names = await load.redis.mget([keys.lease(partition) for partition in range(keys.PARTITIONS)])
        return sorted(names.count(name) for name in set(names)) == [16, 16]

    await until(even, "two workers do not share the partitions evenly")
