"""Intents: a source or webhook is noted before it is made, so that a crash leaves no orphans.

An intent is kept in Redis, encrypted, until all is made or rolled back. One that no process works on was left
by a crash.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

import msgspec
import orjson
import structlog
from redis.exceptions import LockError, RedisError

from bridge.core.errors import BridgeError
from bridge.core.model import Administrator
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.redis import Redis

SECONDS = 24 * 3600
LOCK_SECONDS = 150
"""Longer than a connect may take: the checks before, the work, the rollback."""

WAIT_SECONDS = 20

log = structlog.get_logger()


class RepositoryBusy(BridgeError):
    """The repository is being connected or disconnected."""

    status = 503
    advice = "Try again in three minutes."


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A connect: what it makes, what was there before, and as whom it can be rolled back."""

    id: str
    """Also the id of the connection that is to come of it."""
    user: str
    """The Flowdock user, and so the linked account."""
    access_token: str = field(repr=False)
    """Flowdock's, of that user."""
    flow: str
    repository: str
    repository_id: int
    url: str
    """The repository's page: what the source stands for."""
    sources_before: tuple[str, ...]
    """The ids of the flow's sources for `url` that are not of this connecting."""
    makes_hook: bool
    """GitHub showed no webhook to bridge before."""
    look_until: int = 0
    """Unix seconds until which a call that was given up may take effect outside, after all."""
    administrator: Administrator | None = None
    """As whom the webhook is made; None: as the linked account of `user`."""


class Intents:
    """The intents, and the lock for each repository."""

    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis = redis
        self._vault = vault

    @asynccontextmanager
    async def held(self, repository_id: int, *, wait: float | None = None) -> AsyncIterator[None]:
        """Hold a repository's lock; raises `RepositoryBusy` after `wait` seconds (a default)."""
        wait = WAIT_SECONDS if wait is None else wait
        lock = self._redis.lock(keys.connecting(repository_id), timeout=LOCK_SECONDS, blocking_timeout=wait)
        if not await lock.acquire():
            raise RepositoryBusy("Someone else is connecting or disconnecting this repository right now.")
        try:
            yield
        finally:
            try:
                await lock.release()
            except (LockError, RedisError, OSError) as error:
                log.warning("lock_release_failed", repository_id=repository_id, error=type(error).__name__)

    async def note(self, intent: Intent) -> None:
        """Store an intent, for a day at most."""
        sealed = self._vault.encrypt(orjson.dumps(asdict(intent)), aad=f"intent:{intent.id}")
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.intent(intent.id), sealed, ex=SECONDS)
            pipe.sadd(keys.INTENTS, intent.id)
            await pipe.execute()

    async def forget(self, intent_id: str) -> None:
        """Delete an intent: all is made, or rolled back."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(keys.intent(intent_id))
            pipe.srem(keys.INTENTS, intent_id)
            await pipe.execute()

    async def all(self) -> list[Intent]:
        """Return all intents; expired ones are dropped."""
        ids = sorted(one.decode() for one in await self._redis.smembers(keys.INTENTS))
        found = await self._redis.mget([keys.intent(one) for one in ids]) if ids else []
        if expired := [one for one, sealed in zip(ids, found, strict=True) if sealed is None]:
            await self._redis.srem(keys.INTENTS, *expired)
        return [self._load(one, sealed) for one, sealed in zip(ids, found, strict=True) if sealed]

    def _load(self, intent_id: str, sealed: bytes) -> Intent:
        return msgspec.json.decode(self._vault.decrypt(sealed, aad=f"intent:{intent_id}"), type=Intent)
