"""bridge's credentials at its own inbox: made once, sealed, and kept when the key changes."""

import asyncio
from dataclasses import replace

import pytest

from bridge import settings
from bridge.clients.flowdock_credentials import with_own_credentials
from bridge.core.security.encryption import Undecryptable, Vault
from bridge.storage import key_rotation
from bridge.storage.client import close_redis, connect_redis

OLD, NEW = ("old-secret-of-bridge".ljust(32, "-"), "new-secret-of-bridge".ljust(32, "-"))


async def test_they_are_made_once_and_follow_the_key(redis_url: str) -> None:
    redis = connect_redis(redis_url)
    chosen = settings.read({"ENCRYPTION_KEY": OLD}, needed=frozenset({"ENCRYPTION_KEY"}))
    try:
        made = await asyncio.gather(*(with_own_credentials(chosen, redis) for _ in range(5)))
        assert len({(one.flowdock_client_id, one.flowdock_client_secret) for one in made}) == 1
        assert len(made[0].flowdock_client_secret) >= 32
        kept = await redis.get("inbox:{main}:application")
        assert made[0].flowdock_client_secret.encode() not in kept

        with pytest.raises(Undecryptable, match="ENCRYPTION_KEY"):
            await with_own_credentials(replace(chosen, encryption_keys=(NEW,)), redis)
        both = Vault([NEW, OLD])
        await key_rotation.rotate(redis, both, dry_run=False, progress=lambda *_: None)
        assert await with_own_credentials(replace(chosen, encryption_keys=(NEW,)), redis) == replace(
            made[0], encryption_keys=(NEW,)
        )
    finally:
        await close_redis(redis)
