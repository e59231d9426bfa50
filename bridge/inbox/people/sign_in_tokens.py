"""GitHub tokens of recent sign-ins that may act: linking takes one over, once.

So the first click of somebody who signed in with GitHub needs no second trip there.
"""

import time

import msgspec
import orjson

from bridge.core.model import GitHubToken
from bridge.core.security.encryption import Vault
from bridge.inbox import keys
from bridge.storage.redis import Redis

LONGEST_SECONDS = 8 * 3600


class SignInTokenStore:
    """These tokens, encrypted in Redis until they end or are taken."""

    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis = redis
        self._vault = vault

    async def keep(self, person_id: int, token: GitHubToken) -> GitHubToken | None:
        """Keep a token; returns the one that it replaces."""
        replaced = await self.take(person_id)
        left = int(token.expires_at - time.time()) if token.expires_at else LONGEST_SECONDS
        sealed = self._vault.encrypt(orjson.dumps(token), aad=_place(person_id))
        await self._redis.set(
            keys.personal("rights", person_id), sealed, ex=max(1, min(left, LONGEST_SECONDS))
        )
        return replaced

    async def take(self, person_id: int) -> GitHubToken | None:
        """Return a person's token, which is then kept here no longer."""
        sealed = await self._redis.getdel(keys.personal("rights", person_id))
        if sealed is None:
            return None
        return msgspec.json.decode(self._vault.decrypt(sealed, aad=_place(person_id)), type=GitHubToken)


def _place(person_id: int) -> str:
    return f"inbox-rights:{person_id}"
