"""Kill what runs, in the middle of a load: a 202 is a promise, and a thread keeps its order."""

import asyncio
import hashlib
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

import pytest
import pytest_asyncio

from bridge.storage import keys
from bridge.storage.lua_scripts import source
from scripts.sandbox.house import until
from scripts.sandbox.process import Process
from tests.faults import github
from tests.faults.load import Load
from tests.faults.processes import Shared, open_load
from tests.faults.row import AT, THREADS, TOTAL
from tests.faults.server import RedisServer, redis_server
from tests.faults.table import check
from tests.faults.wire import Way, open_wire

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

SHORT_LEASE = "4"
"""Seconds for which a killed worker keeps its partitions; a loaded machine must not let them go sooner."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """The step of posting at which a worker is killed, and the wire that holds its messages there."""

    wire: Literal["Flowdock", "Redis"]
    way: Way
    mark: bytes
    held: int
    """The number of connections held there when the worker is killed."""
    repeats: tuple[int, int]
    """The least and the most of them that are posted twice."""


ACK = hashlib.sha1(source("bridge.queue", "ack").encode(), usedforsecurity=False).hexdigest().encode()
"""By what Redis knows the step that notes a post."""

PHASES = {
    "kill -9 the worker before its posts reach Flowdock": Phase(
        wire="Flowdock", way="going", mark=b"POST /inbox/api/messages", held=THREADS, repeats=(0, 0)
    ),
    "kill -9 the worker before Flowdock's answers reach it": Phase(
        wire="Flowdock", way="coming", mark=b"HTTP/1.1 202", held=THREADS, repeats=(THREADS, THREADS)
    ),
    # A worker sends what it notes at one moment together, over one connection.
    "kill -9 the worker before its notes reach Redis": Phase(
        wire="Redis", way="going", mark=ACK, held=1, repeats=(1, THREADS)
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisServer]:
    """A Redis for all loads."""
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, server: RedisServer) -> AsyncIterator[Shared]:
    """Long leases: no post of a slow machine is given up and repeated."""
    async with open_load(tmp_path_factory.mktemp("load"), server.url, lease_seconds=12) as opened:
        yield Shared(opened)


@pytest_asyncio.fixture(loop_scope="module")
async def load(shared: Shared) -> AsyncIterator[Load]:
    """A load of its own for each test, on the same processes."""
    async with shared.anew() as load:
        yield load


async def test_a_worker_that_is_told_to_stop_ends_well_and_leaves_the_rest_to_the_next(load: Load) -> None:
    await load.staff()
    sending = asyncio.create_task(load.send())
    left = []
    for mark in AT:
        await load.posted(mark)
        began = time.monotonic()
        [worker] = load.workers
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 25) == 0
        assert time.monotonic() - began < 25
        left.append(await load.not_posted())
        await load.staff()
    await sending

    check(await load.finished("SIGTERM to the worker", left), repeats=0)


async def test_a_worker_that_is_killed_anywhere_loses_nothing(load: Load) -> None:
    await load.staff()
    sending = asyncio.create_task(load.send())
    left = []
    for mark in AT:
        await load.posted(mark)
        await load.dismiss()
        left.append(await load.not_posted())
        await load.staff()
    await sending

    check(await load.finished("kill -9 the worker", left), repeats=len(AT) * THREADS)


@pytest.mark.parametrize(("name", "phase"), PHASES.items(), ids=PHASES)
async def test_a_worker_that_is_killed_in_a_phase_repeats_what_that_phase_may(
    load: Load, server: RedisServer, name: str, phase: Phase
) -> None:
    async with open_wire(server.url) as to_redis:
        wire = load.wire if phase.wire == "Flowdock" else to_redis
        settings = {"REDIS_URL": to_redis.url} if phase.wire == "Redis" else {}
        await load.staff(1, settings)
        sending = asyncio.create_task(load.send())
        # So early that each thread still has something to post.
        await load.posted(THREADS // 2)
        wire.hold(phase.way, phase.mark)
        await wire.held(phase.held)
        left = [await load.not_posted()]
        await load.dismiss()
        wire.drop()
        await load.staff()
        await sending

        row = await load.finished(name, left)
        least, most = phase.repeats
        check(row, repeats=most)
        assert row.repeated >= least


async def test_a_web_process_that_is_killed_loses_nothing_that_it_answered_for(load: Load) -> None:
    await load.staff()
    sending = asyncio.create_task(load.send())
    left = []
    for mark in AT:
        await load.sent(mark)
        _kill(load.web)
        left.append(TOTAL - len(load.accepted))
        load.web = load.house.start("bridge", "web")
    await sending

    check(await load.finished("kill -9 the web process", left), repeats=0)


async def test_a_redis_that_is_killed_keeps_all_that_was_answered_for(
    load: Load, server: RedisServer
) -> None:
    await load.staff()
    sending = asyncio.create_task(load.send())
    left = []
    for mark in AT:
        await load.posted(mark)
        left.append(await load.not_posted())
        server.kill((await load.redis.info("server"))["process_id"])
        server.start()
    await sending

    check(await load.finished("kill -9 Redis", left), repeats=0)


async def test_a_github_that_is_killed_fails_clicks_alone(load: Load) -> None:
    await load.staff()
    await github.killed(load)


async def test_a_worker_that_freezes_past_its_lease_does_no_harm_when_it_goes_on(load: Load) -> None:
    _, second = await load.staff(2, {"LEASE_SECONDS": SHORT_LEASE})
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
    await _shared_evenly(load)
    check(await load.finished("freeze a worker past its lease", left), repeats=THREADS)


async def test_one_of_two_workers_that_is_killed_is_stood_in_for_by_the_other(load: Load) -> None:
    _, second = await load.staff(2, {"LEASE_SECONDS": SHORT_LEASE})
    await _shared_evenly(load)
    sending = asyncio.create_task(load.send())
    await load.posted(AT[0])
    _kill(second)
    left = [await load.not_posted()]
    await sending

    check(await load.finished("kill -9 a second worker", left), repeats=THREADS)


def _kill(process: Process) -> None:
    process.kill()
    process.wait()


async def _shared_evenly(load: Load) -> None:
    """Wait until two workers have half of the partitions each."""

    async def even() -> bool:
        names = await load.redis.mget([keys.lease(partition) for partition in range(keys.PARTITIONS)])
        return sorted(names.count(name) for name in set(names)) == [16, 16]

    await until(even, "two workers do not share the partitions evenly")
