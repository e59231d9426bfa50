"""Invitations: a link lets one person in, once, for a while. Redis keeps the hash of its secret."""

import secrets
import time
from dataclasses import dataclass

import msgspec
import orjson

from bridge.core.errors import RequestRefused
from bridge.inbox import keys
from bridge.inbox.limits import LimitReached
from bridge.storage.keys import hash_of
from bridge.storage.redis import Redis

SECONDS = 7 * 24 * 3600
MOST = 100
"""Open invitations."""

OPERATOR = 0
"""Stands for the operator, in place of a person's id."""


class InvitationGone(RequestRefused):
    """The link is unknown, used, expired or revoked."""

    status = 403
    advice = "Ask an owner of the inbox for a new invitation."
    sentence = "This invitation has been used, has expired, or was withdrawn."


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A link that lets one person in; the times are Unix seconds."""

    name: str
    """The hash of the link's secret: it opens nothing."""
    by: int
    """The id of the owner who invites, or `OPERATOR`."""
    login: str
    """The one GitHub login that it is for; empty: for anybody."""
    owner: bool
    """Its user becomes an owner."""
    ends_at: int


class InvitationStore:
    """Open invitations, in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def invite(self, *, by: int, login: str = "") -> str:
        """Make an invitation, and return its secret; raises `LimitReached`."""
        if len(await self.all()) >= MOST:
            raise LimitReached(
                f"there are already {MOST} open invitations", advice="Withdraw one that you no longer need."
            )
        return await self._put(by=by, login=login, owner=False)

    async def invite_first_owner(self) -> str:
        """Make the first owner's invitation in place of an earlier one, and return its secret."""
        for one in await self.all():
            if one.by == OPERATOR:
                await self.withdraw(one.name)
        return await self._put(by=OPERATOR, login="", owner=True)

    async def _put(self, *, by: int, login: str, owner: bool) -> str:
        secret = secrets.token_urlsafe(24)
        one = Invitation(
            name=hash_of(secret), by=by, login=login, owner=owner, ends_at=int(time.time()) + SECONDS
        )
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.invitation(one.name), orjson.dumps(one), ex=SECONDS)
            pipe.zadd(keys.INVITATIONS, {one.name: one.ends_at})
            await pipe.execute()
        return secret

    async def find(self, secret: str) -> Invitation | None:
        """Return the invitation of a link, None if it is not open."""
        return _load(await self._redis.get(keys.invitation(hash_of(secret))))

    async def all(self) -> list[Invitation]:
        """Return all open invitations, the oldest first."""
        names = [name.decode() for name in await self._redis.zrange(keys.INVITATIONS, 0, -1)]
        found = await self._redis.mget([keys.invitation(name) for name in names]) if names else []
        gone = [name for name, data in zip(names, found, strict=True) if data is None]
        if gone:
            await self._redis.zrem(keys.INVITATIONS, *gone)
        return [one for data in found if (one := _load(data))]

    async def withdraw(self, name: str) -> None:
        """Close an invitation."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(keys.invitation(name))
            pipe.zrem(keys.INVITATIONS, name)
            await pipe.execute()


def _load(data: bytes | None) -> Invitation | None:
    return msgspec.json.decode(data, type=Invitation) if data else None
