"""Members of flows, as Flowdock showed them to somebody. Only members are tagged in a flow.

Flowdock shows a flow with all its members, and a user who signs in the flows they are in. bridge relies on it
for a month.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from redis.exceptions import RedisError

from bridge.core.model import Flow
from bridge.storage import keys
from bridge.storage.redis import Redis

SECONDS = 30 * 24 * 3600
MOST = 5000
"""Members remembered of a flow."""


class Members:
    """The members of flows: a sorted set each, with the time until which a membership counts."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def shown(self, flow: str, users: Sequence[str]) -> None:
        """Record all members of a flow (`organization/flow`)."""
        await self._note(flow, users[:MOST], all_of_them=True)

    async def joined(self, user: str, flows: Iterable[Flow]) -> None:
        """Record the flows that a user is in."""
        for flow in flows:
            await self._note(flow.path, [user], all_of_them=False)

    async def left(self, user: str, flow: str) -> None:
        """Record that a user is not in a flow."""
        await self._redis.zrem(keys.members(flow), user)

    async def _note(self, flow: str, users: Sequence[str], *, all_of_them: bool) -> None:
        until = time.time() + SECONDS
        name = keys.members(flow)
        # While Redis is away, nobody is tagged there who was not before.
        with suppress(RedisError, OSError):
            async with self._redis.pipeline(transaction=True) as pipe:
                if all_of_them:
                    pipe.delete(name)
                if users:
                    pipe.zadd(name, dict.fromkeys(users, until))
                    pipe.expire(name, SECONDS)
                await pipe.execute()


async def among(redis: Redis, flow: str, users: Sequence[str]) -> set[str]:
    """Return the users who are known members of a flow."""
    if not flow or not users:
        return set()
    believed = await redis.zmscore(keys.members(flow), list(users))
    return {
        user for user, until in zip(users, believed, strict=True) if until is not None and until > time.time()
    }
