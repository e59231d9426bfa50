"""Update threads later, where changes come too fast for a message each."""

import time
from dataclasses import dataclass

from bridge.core.pulls.model import PullKey
from bridge.core.pulls.own_events import UPDATE
from bridge.monitor.announce import announce
from bridge.monitor.polling import poll
from bridge.process.shutdown import Shutdown
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore

IDLE = 1.0


@dataclass(frozen=True, kw_only=True)
class ThreadUpdater:
    """Enqueues each update that is due as a delivery, which takes its turn like any other."""

    pulls: PullRequestStore
    queue: DeliveryQueue
    stop: Shutdown

    async def run(self) -> None:
        """Enqueue what is due until told to stop."""
        await poll(self.pulls.next_update, self._enqueue, stop=self.stop, idle=IDLE)

    async def _enqueue(self, pull: PullKey) -> None:
        repository_id, number = pull
        if (name := await self.pulls.repository_name(repository_id)) is None:
            return
        delivery_id = f"update:{repository_id}:{number}:{time.time()}"
        await announce(self.queue, UPDATE, delivery_id, repository_id=repository_id, name=name, number=number)
