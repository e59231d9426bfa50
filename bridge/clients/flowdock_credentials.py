"""The credentials that bridge shows its own inbox: made at the first start, kept encrypted in Redis."""

import secrets
from dataclasses import replace

import orjson

from bridge.core.security.encryption import Vault
from bridge.settings import Settings
from bridge.storage import keys
from bridge.storage.redis import Redis


async def with_own_credentials(settings: Settings, redis: Redis) -> Settings:
    """Return the settings with bridge's credentials for its own inbox.

    The first process to start makes them. Raises `Undecryptable`, or redis-py's errors.
    """
    vault = Vault(settings.encryption_keys)
    made = {"id": secrets.token_hex(10), "secret": secrets.token_urlsafe(32)}
    sealed = vault.encrypt(orjson.dumps(made), aad=keys.INBOX_APPLICATION)
    if not await redis.set(keys.INBOX_APPLICATION, sealed, nx=True):
        kept = await redis.get(keys.INBOX_APPLICATION)
        made = orjson.loads(vault.decrypt(kept or b"", aad=keys.INBOX_APPLICATION))
    return replace(settings, flowdock_client_id=made["id"], flowdock_client_secret=made["secret"])
