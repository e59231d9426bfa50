"""Bring threads up to date later: where updates come too fast for Flowdock to be told of each."""

import time
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from bridge.core.pulls.model import PullKey
from bridge.core.pulls.own_events import UPDATE
from bridge.lifecycle import Shutdown, Stopped
from bridge.monitor.announce import announce
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore

IDLE = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class ThreadUpdater:
    """Enqueues each update that is due as a delivery, which takes its turn like any other."""

    pulls: PullRequestStore
    queue: DeliveryQueue
    stop: Shutdown

    async def run(self) -> None:
        """Enqueue what is due until told to stop."""
        while not self.stop.is_set():
            try:
                if (pull := await self.pulls.next_update()) is not None:
                    await self._enqueue(pull)
                else:
                    await self.stop.pause(IDLE)
            except Stopped:
                return
            except (RedisError, OSError) as error:
                log.warning("redis_unavailable", error=type(error).__name__, doing="updating threads")
                await self.stop.pause(IDLE)

    async def _enqueue(self, pull: PullKey) -> None:
        repository_id, number = pull
        if (name := await self.pulls.repository_name(repository_id)) is None:
            return
        delivery_id = f"update:{repository_id}:{number}:{time.time()}"
        await announce(self.queue, UPDATE, delivery_id, repository_id=repository_id, name=name, number=number)
