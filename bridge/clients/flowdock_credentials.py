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
    # Read first: a full Redis accepts no write.
    while (kept := await redis.get(keys.INBOX_APPLICATION)) is None:
        made = {"id": secrets.token_hex(10), "secret": secrets.token_urlsafe(32)}
        sealed = vault.encrypt(orjson.dumps(made), aad=keys.INBOX_APPLICATION)
        await redis.set(keys.INBOX_APPLICATION, sealed, nx=True)
    own = orjson.loads(vault.decrypt(kept, aad=keys.INBOX_APPLICATION))
    return replace(settings, flowdock_client_id=own["id"], flowdock_client_secret=own["secret"])
