"""Checkups of connections that are due, and deliveries that GitHub was asked to send again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from bridge.core.github.health import Hint
from bridge.core.model import Connection
from bridge.storage import keys
from bridge.storage.due_queue import DueQueue
from bridge.storage.redis import Redis

ASKED_SECONDS = 4 * 24 * 3600
"""Seconds that requested redeliveries are remembered: GitHub forgets a delivery after three days."""


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """A connection to check; `hint` is what the newest event about it says."""

    connection_id: str
    hint: Hint


class Checkups:
    """Keeps checkups in Redis: any process schedules them, the connection monitor makes them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queue = DueQueue(redis, keys.CHECKUPS, keys.CHECKUP_HINTS)

    async def schedule(
        self, connections: Iterable[Connection], *, hint: Hint = "", delay: float = 0.5
    ) -> None:
        """Have connections checked `delay` seconds from now, or sooner if they wait for that already."""
        await self._queue.add((connection.id for connection in connections), delay=delay, note=hint)

    async def postpone(self, checkup: Checkup, *, delay: float) -> None:
        """Schedule a popped checkup again; one that was scheduled meanwhile stands."""
        await self._queue.put_back(checkup.connection_id, delay=delay, note=checkup.hint)

    async def pop(self) -> Checkup | None:
        """Return a checkup that is due, for this caller alone."""
        found = await self._queue.pop()
        return Checkup(connection_id=found[0], hint=cast(Hint, found[1])) if found else None

    async def asked(self, guids: list[str]) -> dict[str, int]:
        """Return how often redelivery of each delivery was requested."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for guid in guids:
                pipe.get(keys.asked(guid))
            counts = await pipe.execute()
        return {guid: int(count or 0) for guid, count in zip(guids, counts, strict=True)}

    async def note_asked(self, guid: str) -> None:
        """Count that a delivery was requested again."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(keys.asked(guid))
            pipe.expire(keys.asked(guid), ASKED_SECONDS)
            await pipe.execute()
