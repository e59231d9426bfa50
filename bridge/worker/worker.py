"""The worker: takes its share of the partitions, reads their inboxes, and has the entries handled."""

import asyncio
import random
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress

import structlog
from redis.exceptions import RedisError

from bridge.clients.flowdock import POST_SECONDS
from bridge.lifecycle import Shutdown, Stopped
from bridge.queue.delivery_queue import DeliveryQueue, Fenced
from bridge.queue.entries import Entry, InboxEntry, Lease, Unreadable
from bridge.queue.inboxes import Inboxes
from bridge.queue.leases import Leases
from bridge.storage import keys
from bridge.worker.partition import Handling, Partition
from bridge.worker.processor import REDIS_PAUSE, Processor

READ_COUNT = 16
MAX_LOADED = 768
"""Deliveries in memory at a time; the rest waits in Redis."""

DRAIN_SECONDS = 20
"""For what is under way at the end: Heroku kills 30 s after it asked."""

HAND_BACK_SECONDS = 2
"""For telling Redis that the leases are free; they run out by themselves, too."""

log = structlog.get_logger()


def post_seconds(lease_seconds: float) -> float:
    """The bound of one post: one that begins while the lease was just renewed ends before it runs out."""
    return min(POST_SECONDS, lease_seconds * 2 / 3)


class Worker:
    """Takes deliveries to their threads until `stop` is set."""

    def __init__(
        self,
        *,
        deliveries: DeliveryQueue,
        leases: Leases,
        handler: Processor,
        lease_seconds: float,
        stop: Shutdown,
    ) -> None:
        self._deliveries = deliveries
        self._leases = leases
        self._handler = handler
        self._handling = Handling(translate_all=self._translate_all, handle=self._handle, ack=deliveries.ack)
        self._stop = stop
        self._ended = Shutdown()
        self._renew_seconds = lease_seconds / 3
        self._holdings: dict[int, Partition] = {}
        self._leaving: set[Partition] = set()
        self._room = asyncio.Event()
        self._taken = asyncio.Event()

    async def run(self) -> None:
        """Work until told to stop; then finish what is under way (20 s at most) and hand back the rest.

        Redis going away is waited out; an error that nobody expected here ends the worker.
        """
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep_share(group))
            reading = group.create_task(self._read())
            try:
                await self._stop.wait()
                reading.cancel()
                # Leases are renewed while what is under way comes to its end.
                await self._drain()
                self._ended.set()
                await asyncio.wait([keeping], timeout=HAND_BACK_SECONDS)
            finally:
                keeping.cancel()
                self._end()
        await self._hand_back()

    def _end(self) -> None:
        """Have every task end. To cancel them is not enough.

        On Python 3.11 redis-py may swallow a cancellation (`asyncio.wait_for` in `send_packed_command`:
        https://github.com/python/cpython/issues/86296), so all loops look at what is told here, too.
        """
        self._ended.set()
        for holding in [*self._holdings.values(), *self._leaving]:
            holding.lost()

    async def _keep_share(self, group: asyncio.TaskGroup) -> None:
        while not self._ended.is_set():
            try:
                await self._renew()
                await self._balance(group)
                # Read all at once: a read that waits on the first few would keep the others waiting.
                self._taken.set()
            except (RedisError, OSError) as error:
                log.warning("redis_away", error=type(error).__name__, doing="keeping leases")
            await self._ended.pause(self._renew_seconds if self._holdings else min(1, self._renew_seconds))

    async def _renew(self) -> None:
        away: RedisError | OSError | None = None
        for holding in [*self._holdings.values(), *self._leaving]:
            try:
                if not await self._leases.renew(holding.lease):
                    self._let_go(holding)
            except (RedisError, OSError) as error:
                # Of a cluster, another node may well keep the leases of the others.
                away = error
        if away is not None:
            raise away

    def _let_go(self, holding: Partition) -> None:
        """Another worker has the partition."""
        partition = holding.lease.partition
        if self._holdings.get(partition) is holding:
            log.warning("partition_lost", partition=partition)
            del self._holdings[partition]
        holding.lost()
        self._room.set()

    async def _balance(self, group: asyncio.TaskGroup) -> None:
        if self._stop.is_set():
            return
        share = await self._leases.share()
        for partition in list(self._holdings)[share:]:
            holding = self._holdings.pop(partition)
            # Still renewed: what is under way in it is not to be done by another worker, too.
            self._leaving.add(holding)
            group.create_task(self._give_back(holding))
        free = [partition for partition in range(keys.PARTITIONS) if partition not in self._holdings]
        # Workers that start together would else ask for the same ones in turn.
        random.shuffle(free)
        for partition in free:
            if len(self._holdings) >= share or self._stop.is_set():
                return
            if lease := await self._leases.acquire(partition):
                await self._begin(lease, group)

    async def _begin(self, lease: Lease, group: asyncio.TaskGroup) -> None:
        holding = Partition(lease, self._handling, group)
        holding.attempts = await self._deliveries.read_attempts(lease.partition)
        outbox = await self._deliveries.read_outbox(lease.partition)
        self._holdings[lease.partition] = holding
        if self._stop.is_set():
            # Told while Redis was asked: it is handed back with the others, and nothing begins.
            holding.close()
        for entry in outbox:
            if isinstance(entry, Unreadable):
                await self._set_aside(lease, entry)
            else:
                holding.take(entry)
        log.debug("partition_taken", partition=lease.partition)

    async def _set_aside(self, lease: Lease, entry: Unreadable) -> None:
        """An entry that cannot be read must not keep the rest of its partition waiting."""
        reason = "this version of bridge cannot read it: another one wrote it"
        log.error("dead_letter", entry=entry.id, kind=entry.kind, reason=reason)
        # Overtaken meanwhile: the next owner of the partition does it.
        with suppress(Fenced):
            await self._deliveries.dead_letter(lease, entry, reason=reason)

    async def _give_back(self, holding: Partition) -> None:
        """Leave a partition to another worker, after what is under way in it."""
        await _finish(holding)
        self._leaving.discard(holding)
        self._room.set()
        try:
            await self._leases.release(holding.lease)
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=type(error).__name__, doing="giving back a lease")

    async def _drain(self) -> None:
        await asyncio.gather(*(_finish(one) for one in [*self._holdings.values(), *self._leaving]))

    async def _hand_back(self) -> None:
        try:
            async with asyncio.timeout(HAND_BACK_SECONDS):
                for holding in self._holdings.values():
                    await self._leases.release(holding.lease)
                await self._leases.leave()
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=type(error).__name__, doing="handing back leases")

    async def _read(self) -> None:
        inboxes = self._deliveries.inboxes()
        try:
            await self._taken.wait()
            await self._read_on(inboxes)
        finally:
            await inboxes.close()

    async def _read_on(self, inboxes: Inboxes) -> None:
        while not (self._stop.is_set() or self._ended.is_set()):
            holdings = dict(self._holdings)
            if not holdings:
                await asyncio.sleep(0.05)
                continue
            try:
                found = await inboxes.read(
                    {partition: holding.position for partition, holding in holdings.items()},
                    count=READ_COUNT,
                    block_ms=1000,
                )
            except (RedisError, OSError) as error:
                log.warning("redis_away", error=type(error).__name__, doing="reading")
                await asyncio.sleep(REDIS_PAUSE)
                continue
            for partition, entry in found:
                # The partition may have been lost, or lost and taken again, while Redis was asked.
                if self._holdings.get(partition) is holdings[partition]:
                    holdings[partition].take(entry)
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        while sum(holding.loaded for holding in self._holdings.values()) > MAX_LOADED:
            self._room.clear()
            await self._room.wait()

    async def _translate_all(self, holding: Partition, entries: Sequence[Entry]) -> Sequence[Entry]:
        deliveries = [entry for entry in entries if isinstance(entry, InboxEntry)]
        try:
            return await self._handler.translate_all(holding, deliveries)
        except Fenced:
            self._let_go(holding)
            return ()
        finally:
            self._room.set()

    async def _handle(self, holding: Partition, entry: Entry) -> None:
        try:
            await self._handler.handle(holding, entry)
        except Fenced:
            self._let_go(holding)
        except Stopped:
            return
        finally:
            if isinstance(entry, InboxEntry):
                self._room.set()


async def _finish(holding: Partition) -> None:
    """Begin nothing more in a partition; what is under way comes to its end, or is cut short."""
    holding.close()
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await holding.drained()
    except TimeoutError:
        holding.lost()
        await holding.drained()


def new_worker_id() -> str:
    """A name for this worker, for the log and the leases."""
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"
