"""OAuth's codes and tokens (RFC 6749, the authorization code grant); Redis keeps their hashes.

https://datatracker.ietf.org/doc/html/rfc6749#section-4.1
"""

import secrets
import time
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import orjson

from bridge.inbox import keys
from bridge.storage.keys import hash_of
from bridge.storage.redis import Redis

CODE_SECONDS = 600
ACCESS_SECONDS = 8 * 3600
REFRESH_SECONDS = 400 * 86400
DEFAULT_SCOPES = ("flow", "private")
SCOPES = frozenset({"flow", "private", "manage", "profile", "offline_access", "integration"})

_Kind = Literal["code", "access", "refresh"]


OWN_PROGRAM = "token "
"""The beginning of a client id that stands for a person's API token."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A person's consent to an application; `redirect_uri` binds a code to the address that it goes to.

    It ends with the `session` that gave it, unless the application asked for offline access.
    """

    person_id: int
    client_id: str
    scopes: tuple[str, ...]
    redirect_uri: str = ""
    session: str = ""
    made_at: float = field(default_factory=time.time)


class GrantStore:
    """Grants in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def new_code(self, grant: Grant) -> str:
        """Make a code for a consent."""
        return await self._put("code", grant, seconds=CODE_SECONDS)

    async def redeem(self, code: str, *, client_id: str, redirect_uri: str) -> dict[str, str | int] | None:
        """Exchange a code for tokens; None if it is unknown, used, expired or meant elsewhere."""
        grant = await self._pop("code", code)
        if grant is None or (grant.client_id, grant.redirect_uri) != (client_id, redirect_uri):
            return None
        return await self._answer(grant)

    async def renew(self, refresh_token: str, *, client_id: str) -> dict[str, str | int] | None:
        """Exchange a refresh token for new tokens; None if it is unknown, used or another application's."""
        grant = await self._pop("refresh", refresh_token)
        return await self._answer(grant) if grant and grant.client_id == client_id else None

    async def access(self, token: str) -> Grant | None:
        """Return what an access token gives; None if it is unknown or expired."""
        return _read(await self._redis.get(keys.grant("access", hash_of(token))))

    async def _answer(self, grant: Grant) -> dict[str, str | int]:
        answer: dict[str, str | int] = {
            "access_token": await self._put("access", grant, seconds=ACCESS_SECONDS),
            "token_type": "Bearer",
            "expires_in": ACCESS_SECONDS,
            "scope": " ".join(grant.scopes),
        }
        if "offline_access" in grant.scopes:
            answer["refresh_token"] = await self._put("refresh", grant, seconds=REFRESH_SECONDS)
        return answer

    async def _put(self, kind: _Kind, grant: Grant, *, seconds: int) -> str:
        token = secrets.token_urlsafe(32)
        await self._redis.set(keys.grant(kind, hash_of(token)), orjson.dumps(grant), ex=seconds)
        return token

    async def _pop(self, kind: _Kind, token: str) -> Grant | None:
        return _read(await self._redis.getdel(keys.grant(kind, hash_of(token))))


def _read(data: bytes | None) -> Grant | None:
    return msgspec.json.decode(data, type=Grant) if data else None
