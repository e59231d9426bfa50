"""The inbox's housekeeping, in one process at a time: it keeps the bounds, and finishes deletions."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from aiohttp import web
from redis.exceptions import LockError, RedisError

from bridge.core.errors import BridgeError, reason_of
from bridge.inbox import keys
from bridge.inbox.admission import Admission
from bridge.inbox.deletion import FlowDeletion
from bridge.inbox.threads.messages import MessageStore
from bridge.storage.redis import Redis

SECONDS = 60
LOCK_SECONDS = 300
"""After so long, another process may take over; each step can be taken twice."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Sweeps every minute, and when it is woken."""

    redis: Redis
    messages: MessageStore
    deletion: FlowDeletion
    admission: Admission
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            self.woken.clear()
            try:
                with suppress(RedisError):
                    await self._sweep_alone()
            except (BridgeError, OSError) as error:
                log.warning("inbox_sweep_failed", reason=reason_of(error))
            try:
                async with asyncio.timeout(SECONDS):
                    await self.woken.wait()
            except TimeoutError:
                continue

    async def _sweep_alone(self) -> None:
        lock = self.redis.lock(keys.SWEEPER, timeout=LOCK_SECONDS)
        if not await lock.acquire(blocking=False):
            return
        try:
            await self.sweep()
        finally:
            try:
                await lock.release()
            except LockError:
                log.warning("inbox_sweep_slow", seconds=LOCK_SECONDS)

    async def sweep(self) -> None:
        """Finish deletions, and remove what is over the bounds; raises `BridgeError` or redis-py's errors."""
        await self.admission.finish_removals()
        await self.deletion.finish()
        for flow in await self.admission.flows.all():
            while await self.messages.trim(flow.id):
                pass


SWEEPER = web.AppKey("inbox_sweeper", Sweeper)
