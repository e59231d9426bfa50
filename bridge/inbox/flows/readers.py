"""Readers of a repository on GitHub, for flows that show nothing to anybody else.

GitHub is asked with the person's own token. A yes counts for a few minutes; no answer counts as a no.
"""

import time
from typing import Protocol

import structlog

from bridge.core.errors import BridgeError
from bridge.inbox import keys
from bridge.storage.redis import Redis

YES_SECONDS = 9 * 60
"""Seconds for which a yes counts: a reader who loses access on GitHub is out within ten minutes."""
NO_SECONDS = 20

log = structlog.get_logger()


class RepositoryAccess(Protocol):
    """GitHub's answers to a person's own token; the wiring asks for them."""

    async def find(self, person_id: int, full_name: str) -> tuple[int, str]:
        """Return the id and the full name of a repository that a person can read; raises `BridgeError`."""

    async def may_read(self, person_id: int, repository_id: int) -> bool:
        """Tell whether a person can read a repository; raises `BridgeError` without an answer."""


class Readers:
    """GitHub's answers, kept in Redis for as long as they count."""

    def __init__(self, redis: Redis, github: RepositoryAccess) -> None:
        self.github = github
        self._redis = redis

    async def may_read(self, person_id: int, repository_id: int) -> bool:
        """Tell whether GitHub shows a repository to a person; False if it does not answer."""
        key, name, now = keys.personal("reads", person_id), str(repository_id), time.time()
        kept = int(await self._redis.hget(key, name) or 0)
        if now - abs(kept) < (YES_SECONDS if kept > 0 else NO_SECONDS):
            return kept > 0
        try:
            yes = await self.github.may_read(person_id, repository_id)
        except BridgeError as error:
            log.warning("inbox_reader_check_failed", person=person_id, reason=str(error))
            return False
        async with self._redis.pipeline(transaction=True) as pipe:
            # A no is negative.
            pipe.hset(key, name, int(now) if yes else -int(now))
            pipe.expire(key, YES_SECONDS)
            await pipe.execute()
        return yes
