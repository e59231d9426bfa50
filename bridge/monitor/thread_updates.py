"""Bring threads up to date later: where updates come too fast for Flowdock to be told of each."""

import time
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from bridge.core.model import Delivery
from bridge.core.pulls.extract import UPDATE
from bridge.core.pulls.model import PullKey
from bridge.lifecycle import Shutdown, Stopped
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import IncomingDelivery
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
        payload = {
            "repository": {"id": repository_id, "full_name": name},
            "pull_request": {"number": number},
            "sender": {"login": "GitHub"},
        }
        delivery = Delivery.of(f"update:{repository_id}:{number}:{time.time()}", UPDATE, payload)
        await self.queue.enqueue([IncomingDelivery.of(delivery, repository_id=repository_id, number=number)])
