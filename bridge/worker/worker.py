"""Run a worker: take a share of the partitions, read their inboxes, and have each partition processed."""

import asyncio
import random
import secrets
import socket
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from redis.exceptions import RedisError

from bridge.clients.flowdock import POST_SECONDS
from bridge.process.shutdown import Shutdown
from bridge.queue.delivery_queue import Fenced
from bridge.queue.entries import Lease, OutboxEntry, Unreadable
from bridge.queue.inboxes import Inboxes
from bridge.queue.leases import Leases
from bridge.storage import keys
from bridge.worker.context import REDIS_PAUSE
from bridge.worker.partition import Partition
from bridge.worker.processor import Processor

Result = TypeVar("Result")

READ_COUNT = 16
MAX_LOADED = 768
"""Deliveries in memory; the rest waits in Redis."""

DRAIN_SECONDS = 20
"""For what is under way at a shutdown: Heroku kills 30 s after it asked."""

HAND_BACK_SECONDS = 2
"""For releasing the leases at a shutdown; they also run out by themselves."""

log = structlog.get_logger()


def post_seconds(lease_seconds: float) -> float:
    """Return the bound of one post: begun just after the lease was renewed, it ends before the lease does."""
    return min(POST_SECONDS, lease_seconds * 2 / 3)


class Worker:
    """Takes deliveries to their threads until `stop` is set."""

    def __init__(self, *, processor: Processor, leases: Leases, lease_seconds: float, stop: Shutdown) -> None:
        self._processor = processor
        self._queue = processor.queue
        self._leases = leases
        self._renew_seconds = lease_seconds / 3
        self._stop = stop
        self._ended = Shutdown()
        self._partitions: dict[int, Partition] = {}
        self._leaving: set[Partition] = set()
        """On their way to another worker: their leases are renewed until what is under way ends."""
        self._freed = asyncio.Event()
        self._has_partitions = asyncio.Event()

    async def run(self) -> None:
        """Work until stopped; then finish what is under way (20 s at most) and release the leases.

        Waits while Redis is unavailable. An unexpected error ends the worker.
        """
        async with asyncio.TaskGroup() as tasks:
            leasing = tasks.create_task(self._keep_leases(tasks))
            reading = tasks.create_task(self._read_inboxes())
            try:
                await self._stop.wait()
                reading.cancel()
                # Leases are renewed meanwhile.
                await asyncio.gather(*(_drain(one) for one in self._all_partitions()))
                self._ended.set()
                await asyncio.wait([leasing], timeout=HAND_BACK_SECONDS)
            finally:
                leasing.cancel()
                self._end()
        await self._release_all()

    def _end(self) -> None:
        """Have every task end. To cancel them is not enough.

        On Python 3.11 redis-py may swallow a cancellation (`asyncio.wait_for` in `send_packed_command`:
        https://github.com/python/cpython/issues/86296), so every loop checks `_ended`, too.
        """
        self._ended.set()
        for partition in self._all_partitions():
            partition.cancel()

    def _all_partitions(self) -> list[Partition]:
        return [*self._partitions.values(), *self._leaving]

    # Leases

    async def _keep_leases(self, tasks: asyncio.TaskGroup) -> None:
        while not self._ended.is_set():
            with suppress(RedisError, OSError):
                await self._renew()
                await self._balance(tasks)
                # Only now: a read that waits for the first few partitions would keep the others waiting.
                self._has_partitions.set()
            await self._ended.pause(self._renew_seconds if self._partitions else min(1, self._renew_seconds))

    async def _renew(self) -> None:
        partitions = self._all_partitions()
        kept = await _each(self._leases.renew(partition.lease) for partition in partitions)
        for partition, result in zip(partitions, kept, strict=True):
            if result is False:
                self._forget(partition)
        _raise_first(kept)

    def _forget(self, partition: Partition) -> None:
        """Forget a partition that another worker has."""
        partition.lose()
        if self._partitions.get(partition.lease.partition) is partition:
            del self._partitions[partition.lease.partition]

    async def _balance(self, tasks: asyncio.TaskGroup) -> None:
        if self._stop.is_set():
            return
        share = await self._leases.share()
        for number in list(self._partitions)[share:]:
            partition = self._partitions.pop(number)
            self._leaving.add(partition)
            tasks.create_task(self._hand_over(partition))
        free = [number for number in range(keys.PARTITIONS) if number not in self._partitions]
        # Workers that start together would otherwise ask for the same ones in turn.
        random.shuffle(free)
        while free and (room := share - len(self._partitions)) > 0 and not self._stop.is_set():
            asked, free = free[:room], free[room:]
            leases = await _each(self._leases.acquire(number) for number in asked)
            started = await _each(
                self._start_partition(lease, tasks) for lease in leases if isinstance(lease, Lease)
            )
            _raise_first([*leases, *started])

    async def _start_partition(self, lease: Lease, tasks: asyncio.TaskGroup) -> None:
        attempts, outbox = await asyncio.gather(
            self._queue.read_attempts(lease.partition), self._queue.read_outbox(lease.partition)
        )
        for entry in outbox:
            if isinstance(entry, Unreadable):
                await self._dead_letter(lease, entry)
        partition = Partition(lease, self._processor, attempts, tasks, self._freed)
        self._partitions[lease.partition] = partition
        if self._stop.is_set():
            # A shutdown began meanwhile: the lease is released with the others, and nothing starts.
            partition.close()
        partition.add_messages(entry for entry in outbox if isinstance(entry, OutboxEntry))
        log.debug("partition_taken", partition=lease.partition)

    async def _dead_letter(self, lease: Lease, entry: Unreadable) -> None:
        reason = "this version of bridge cannot read it: another version wrote it"
        log.error("dead_letter", entry=entry.id, step="posting", reason=reason)
        # Fenced: the next owner of the partition does it.
        with suppress(Fenced):
            await self._queue.dead_letter(lease, entry, reason=reason)

    async def _hand_over(self, partition: Partition) -> None:
        """Leave a partition to another worker, after what is under way in it."""
        await _drain(partition)
        self._leaving.discard(partition)
        self._freed.set()
        with suppress(RedisError, OSError):
            await self._leases.release(partition.lease)

    async def _release_all(self) -> None:
        try:
            async with asyncio.timeout(HAND_BACK_SECONDS):
                _raise_first(
                    await _each(self._leases.release(one.lease) for one in self._partitions.values())
                )
                await self._leases.leave()
        except (RedisError, OSError) as error:
            # Other workers then wait for the leases to expire.
            log.warning("lease_release_failed", error=type(error).__name__)

    # Inboxes

    async def _read_inboxes(self) -> None:
        inboxes = self._queue.inboxes()
        try:
            await self._has_partitions.wait()
            while not (self._stop.is_set() or self._ended.is_set()):
                try:
                    await self._read_once(inboxes)
                except (RedisError, OSError):
                    await asyncio.sleep(REDIS_PAUSE)
                await self._wait_for_room()
        finally:
            await inboxes.close()

    async def _read_once(self, inboxes: Inboxes) -> None:
        """Read new deliveries of all partitions and add them; waits a second at most for the first."""
        partitions = {number: one for number, one in self._partitions.items() if not one.is_cancelled}
        if not partitions:
            await asyncio.sleep(0.05)
            return
        found = await inboxes.read(
            {number: partition.position for number, partition in partitions.items()},
            count=READ_COUNT,
            block_ms=1000,
        )
        for number, delivery in found:
            # A partition may have been lost, or lost and taken again, while Redis was asked.
            if self._partitions.get(number) is partitions[number]:
                partitions[number].add_delivery(delivery)

    async def _wait_for_room(self) -> None:
        while sum(partition.loaded for partition in self._partitions.values()) > MAX_LOADED:
            self._freed.clear()
            await self._freed.wait()


async def _drain(partition: Partition) -> None:
    """Start nothing more in a partition, and wait for what is under way; cut it short after 20 s."""
    partition.close()
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await partition.drained()
    except TimeoutError:
        partition.cancel()
        await partition.drained()


async def _each(doing: Iterable[Coroutine[Any, Any, Result]]) -> list[Result | BaseException]:
    """Do all at the same time, which shares Redis's round trips; return each one's result or error.

    In a cluster, a node that is down fails only its own.
    """
    return await asyncio.gather(*doing, return_exceptions=True)


def _raise_first(results: Iterable[object]) -> None:
    for result in results:
        if isinstance(result, BaseException):
            raise result


def new_worker_id() -> str:
    """Make a name for this worker, for the log and the leases."""
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"
