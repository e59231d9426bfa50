"""Readings on GitHub that threads wait for: why a job failed, a small diff."""

import msgspec

from bridge.storage import keys
from bridge.storage.due_queue import DueQueue
from bridge.storage.redis import Redis

HOLD_SECONDS = 60
"""The time after which another process repeats a reading that was begun."""

DELAY = 2
"""Seconds until GitHub has a job's log."""

BUDGET = 100
"""Readings of a repository in an hour."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A commit's failed job, or without one its diff, for these pull requests; asked for in Unix seconds."""

    repository_id: int
    sha: str
    numbers: tuple[int, ...]
    asked_at: int
    job: int = 0


class Readings:
    """The queue of readings. One whose process dies is due again after `HOLD_SECONDS`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queue = DueQueue(redis, keys.READINGS, keys.READING_NOTES)

    async def ask(self, reading: Reading) -> None:
        """Schedule a reading."""
        await self._queue.add([_member(reading)], delay=DELAY)

    async def next(self) -> Reading | None:
        """Return a reading that is due, for this caller alone until it is `done`."""
        return await self._queue.claim_as(Reading, seconds=HOLD_SECONDS)

    async def done(self, reading: Reading) -> None:
        """Forget a reading."""
        await self._queue.settle(_member(reading), "")

    async def try_again(self, reading: Reading) -> None:
        """Have a reading made again soon."""
        await self._queue.settle(_member(reading), "", delay=DELAY)

    async def may_read(self, repository_id: int) -> bool:
        """Count a reading; tells whether it is within the repository's budget for the hour."""
        place = keys.readings_made(repository_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(place, 0, ex=3600, nx=True)
            pipe.incr(place)
            _, count = await pipe.execute()
        return int(count) <= BUDGET


def _member(reading: Reading) -> str:
    return msgspec.json.encode(reading).decode()
