"""API tokens that a person makes for programs of their own: named, scoped, shown once, kept as a hash."""

import math
import secrets
import time
from dataclasses import dataclass

import msgspec
import orjson

from bridge.core.digits import whole_number
from bridge.inbox import keys
from bridge.inbox.limits import LimitReached
from bridge.inbox.people.grants import OWN_PROGRAM, Grant
from bridge.storage.keys import hash_of
from bridge.storage.redis import Redis

MOST = 20
LONGEST_LABEL = 60
OFFERED = ("flow", "integration", "profile")
"""The scopes that calls of the API need."""

_NOTED_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """An API token as its person sees it; the times are Unix seconds."""

    name: str
    """A hash: it opens nothing."""
    label: str
    scopes: tuple[str, ...]
    made_at: int
    used: int = 0
    """Its last use, to the minute; 0: none yet."""


class ApiTokenStore:
    """API tokens, in Redis: a person's in one hash, which goes with the person."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def make(self, person_id: int, *, label: str, scopes: tuple[str, ...]) -> str:
        """Make a token and return it, which nobody can do again; raises `LimitReached`."""
        if len(await self.of(person_id)) >= MOST:
            raise LimitReached(
                f"you already have {MOST} API tokens", advice="Revoke one that you no longer need."
            )
        token = f"{person_id}.{secrets.token_urlsafe(32)}"
        value = {"label": label, "scopes": scopes, "made_at": int(time.time())}
        await self._redis.hset(keys.personal("tokens", person_id), hash_of(token), orjson.dumps(value))
        return token

    async def of(self, person_id: int) -> list[ApiToken]:
        """Return a person's tokens, the newest first."""
        found = await self._redis.hgetall(keys.personal("tokens", person_id))
        uses = await self._redis.hgetall(keys.personal("token-uses", person_id))
        every = [_load(name, data, uses.get(name)) for name, data in found.items()]
        return sorted(every, key=lambda one: (one.made_at, one.name), reverse=True)

    async def revoke(self, person_id: int, name: str) -> None:
        """Revoke a token: its next use is refused."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(keys.personal("tokens", person_id), name)
            pipe.hdel(keys.personal("token-uses", person_id), name)
            await pipe.execute()

    async def access(self, token: str) -> Grant | None:
        """Return what a token gives, None if it is unknown or revoked; notes its use."""
        owner, name = whole_number(token.partition(".")[0], longest=19), hash_of(token)
        if owner is None:
            return None
        uses, now = keys.personal("token-uses", owner), int(time.time())
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(keys.personal("tokens", owner), name)
            pipe.hget(uses, name)
            data, used = await pipe.execute()
        if data is None:
            return None
        if now - int(used or 0) >= _NOTED_SECONDS:
            await self._redis.hset(uses, name, now)
        scopes = tuple(orjson.loads(data)["scopes"])
        # It outlasts what ends the grants of applications: only its person, or their removal, ends it.
        return Grant(person_id=owner, client_id=f"{OWN_PROGRAM}{name[:8]}", scopes=scopes, made_at=math.inf)


def _load(name: bytes, data: bytes, used: bytes | None) -> ApiToken:
    fields = orjson.loads(data) | {"name": name.decode(), "used": int(used or 0)}
    return msgspec.convert(fields, ApiToken)
