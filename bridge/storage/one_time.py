"""Short-lived values that work once: claims, sign-ins, sessions, used tokens."""

import time
from typing import Any

import orjson

from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.redis import Redis


class OneTimeStore:
    """Short-lived values in Redis, encrypted."""

    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis = redis
        self._vault = vault

    async def put(
        self, kind: str, name: str, value: dict[str, Any], *, seconds: int, if_new: bool = False
    ) -> bool:
        """Store a value, encrypted, for at most `seconds`; returns False if it had to be new and was not."""
        encrypted = self._vault.encrypt(orjson.dumps(value), aad=f"{kind}:{name}")
        return bool(await self._redis.set(keys.once(kind, name), encrypted, ex=seconds, nx=if_new))

    async def pop(self, kind: str, name: str) -> dict[str, Any] | None:
        """Remove a value and return it; None if it is gone."""
        return self._load(kind, name, await self._redis.getdel(keys.once(kind, name)))

    async def peek(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return a value and keep it; None if it is gone."""
        return self._load(kind, name, await self._redis.get(keys.once(kind, name)))

    def _load(self, kind: str, name: str, encrypted: bytes | None) -> dict[str, Any] | None:
        if encrypted is None:
            return None
        value: dict[str, Any] = orjson.loads(self._vault.decrypt(encrypted, aad=f"{kind}:{name}"))
        return value

    async def use_token(self, token_id: str, *, expires_at: int) -> bool:
        """Mark a FLOWDOCK-TOKEN as used; returns False if it was before."""
        lifetime = max(1, expires_at - int(time.time()) + 1)
        return bool(await self._redis.set(keys.used_token(token_id), b"", nx=True, ex=lifetime))
