"""Keys of the webhooks that bridge makes: each has an address and a secret of its own.

A key is part of the webhook's address, `/github/webhook/{key}`. Its secret signs for one repository id. Both
are random, encrypted in Redis, and replaced whenever the webhook is made or repaired.
"""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
import orjson
from redis.exceptions import LockError

from bridge.core.errors import Unavailable
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.redis import Redis

FRESH_SECONDS = 5
"""Seconds that a process trusts a key that it read: a key revoked elsewhere is useless after that."""

LOCK_SECONDS = 40
PING_SECONDS = 24 * 3600
MAX_CACHED = 4096
MAX_PER_REPOSITORY = 4
"""Keys of a repository: more than one only where GitHub did not say whether it took the newest."""


@dataclass(frozen=True, kw_only=True)
class WebhookKey:
    """A webhook's key and secret, for one repository."""

    key: str
    repository_id: int
    secret: str = field(repr=False)


class WebhookKeys:
    """The keys of all webhooks made by bridge, and the times of webhooks' pings."""

    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis = redis
        self._vault = vault
        self._cached: dict[str, tuple[float, WebhookKey]] = {}

    @asynccontextmanager
    async def held(self, repository_id: int) -> AsyncIterator[None]:
        """Hold the lock for a repository's webhook; raises `Unavailable` if another caller holds it."""
        lock = self._redis.lock(
            keys.making_webhook(repository_id), timeout=LOCK_SECONDS, blocking_timeout=LOCK_SECONDS
        )
        if not await lock.acquire():
            raise Unavailable("this repository's webhook is being created or repaired right now: try again")
        try:
            yield
        finally:
            with suppress(LockError):
                await lock.release()

    async def make(self, repository_id: int) -> WebhookKey:
        """Make a key for a repository. Its other keys stay valid until `keep_only`."""
        made = WebhookKey(
            key=secrets.token_urlsafe(24), repository_id=repository_id, secret=secrets.token_urlsafe(32)
        )
        name, index = _name(made.key), keys.webhooks_of(repository_id)
        sealed = self._vault.encrypt(orjson.dumps(asdict(made)), aad=f"webhook:{name}")
        superfluous = await self._redis.zrange(index, 0, -MAX_PER_REPOSITORY)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.webhook(name), sealed)
            pipe.zadd(index, {name: time.time()})
            _drop(pipe, index, [name.decode() for name in superfluous])
            await pipe.execute()
        return made

    async def find(self, key: str) -> WebhookKey | None:
        """Return a key that is valid, None for any other; raises `Undecryptable` and redis-py's errors."""
        read_at, known = self._cached.get(key, (0.0, None))
        now = time.monotonic()
        if known is not None and now - read_at < FRESH_SECONDS:
            return known
        self._cached.pop(key, None)
        name = _name(key)
        sealed = await self._redis.get(keys.webhook(name))
        if sealed is None:
            return None
        found = msgspec.json.decode(self._vault.decrypt(sealed, aad=f"webhook:{name}"), type=WebhookKey)
        if len(self._cached) >= MAX_CACHED:
            self._cached.clear()
        self._cached[key] = now, found
        return found

    async def is_valid(self, key: str, *, repository_id: int) -> bool:
        """Tell whether a repository has a key."""
        return await self._redis.zscore(keys.webhooks_of(repository_id), _name(key)) is not None

    async def keep_only(self, kept: WebhookKey) -> None:
        """Revoke all of a repository's keys but one."""
        await self._revoke(kept.repository_id, await self._of(kept.repository_id) - {_name(kept.key)})

    async def revoke(self, key: WebhookKey) -> None:
        """Revoke one key."""
        await self._revoke(key.repository_id, {_name(key.key)})

    async def revoke_all(self, repository_id: int) -> None:
        """Revoke all keys of a repository: deliveries to them are refused from now on."""
        await self._revoke(repository_id, await self._of(repository_id))

    async def note_ping(self, hook_id: int, *, repository_id: int = 0) -> None:
        """Record a webhook's ping, which shows that GitHub reaches bridge with the right secret.

        `repository_id` is the repository of the ping's secret, 0 for a secret that is of no repository.
        """
        await self._redis.set(keys.ping(repository_id, hook_id), str(time.time()), ex=PING_SECONDS)

    async def pinged_at(self, hook_id: int, *, repository_id: int = 0) -> float:
        """Return when a webhook's ping last came, in Unix seconds; 0 if none came within a day."""
        found = await self._redis.get(keys.ping(repository_id, hook_id))
        return float(found) if found else 0

    async def forget_ping(self, hook_id: int) -> None:
        """Forget the ping of a webhook of no repository."""
        await self._redis.delete(keys.ping(0, hook_id))

    async def pinged(self, repository_id: int, hook_id: int, since: float) -> bool:
        """Tell whether a webhook's ping came at `since` (Unix seconds) or later."""
        return await self.pinged_at(hook_id, repository_id=repository_id) >= since

    async def _of(self, repository_id: int) -> set[str]:
        return {name.decode() for name in await self._redis.zrange(keys.webhooks_of(repository_id), 0, -1)}

    async def _revoke(self, repository_id: int, names: set[str]) -> None:
        self._cached.clear()
        async with self._redis.pipeline(transaction=True) as pipe:
            _drop(pipe, keys.webhooks_of(repository_id), sorted(names))
            await pipe.execute()


def _name(key: str) -> str:
    return keys.hash_of(key)[:32]


def _drop(pipe: Any, index: str, names: list[str]) -> None:
    if names:
        pipe.delete(*map(keys.webhook, names))
        pipe.zrem(index, *names)
