"""Requests to administrators, kept encrypted under the hash of the link's random id."""

import secrets
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import msgspec
import structlog

from bridge.clients.github_repositories import Repository
from bridge.core.errors import BridgeError, NotFound, RequestRefused
from bridge.core.model import Flow, FlowdockUser
from bridge.core.options import Options
from bridge.storage import keys
from bridge.storage.one_time import OneTimeStore
from bridge.storage.redis import Redis

SECONDS = 3 * 24 * 3600
MOST_OPEN = 20
"""Open requests of one user."""

HELD_SECONDS = 150
"""As long as a connect may take: after it, an interrupted answer may be given again."""

_KIND = "handover"

log = structlog.get_logger()


class NoSuchHandover(NotFound):
    """There is no such link, or it has expired."""

    advice = "A link works for three days. Ask for a new one."


class Answered(RequestRefused):
    """The request was answered before, or is being answered."""

    status = 409
    advice = "Open the link again to see the answer."


class TooManyAsked(BridgeError):
    """A user has too many open requests."""

    status = 409
    advice = "Wait until some of your links are used or expire. Each expires after three days."


@dataclass(frozen=True, kw_only=True)
class Handover:
    """A request to an administrator to connect a repository; `by` is the login of the answer's author."""

    id: str = field(repr=False)
    asker: FlowdockUser
    access_token: str = field(repr=False)
    """Flowdock's, of the asker; empty once it is answered."""
    flow: Flow
    repository_id: int
    full_name: str
    """The repository's name when it was asked for."""
    options: Options
    created_at: float
    """Unix seconds."""
    state: Literal["open", "done", "declined", "lapsed"] = "open"
    by: str = ""
    connection_id: str = ""
    held_until: float = 0
    """Unix seconds until which somebody's answer is being carried out."""

    @property
    def ends_at(self) -> float:
        """Return when it expires, in Unix seconds."""
        return self.created_at + SECONDS


class Handovers:
    """All requests, open and answered, until they expire."""

    def __init__(self, redis: Redis, one_time: OneTimeStore) -> None:
        self._redis = redis
        self._one_time = one_time

    async def ask(
        self, asker: FlowdockUser, access_token: str, flow: Flow, repository: Repository, options: Options
    ) -> Handover:
        """Make a request; repeated, it keeps the link. Raises `TooManyAsked`."""
        known = await self._asked_before(asker.id, flow, repository.id)
        if known is not None and known.held_until > time.time():
            return known
        asked = Handover(
            id=known.id if known else secrets.token_urlsafe(24),
            asker=asker,
            access_token=access_token,
            flow=flow,
            repository_id=repository.id,
            full_name=repository.full_name,
            options=options,
            created_at=time.time(),
        )
        await self._count(asked)
        await self._keep(asked)
        log.info(
            "handover_requested", flowdock_user=asker.id, repository=repository.full_name, flow=flow.path
        )
        return asked

    async def find(self, handover_id: str) -> Handover | None:
        """Return the link's request and its state; None if there is none or it has expired."""
        return await self._load(keys.hash_of(handover_id))

    async def _asked_before(self, user: str, flow: Flow, repository_id: int) -> Handover | None:
        for name in await self._redis.zrangebyscore(keys.handovers(user), time.time(), "+inf"):
            known = await self._load(name.decode())
            if known and (known.flow.path, known.repository_id) == (flow.path, repository_id):
                return known
        return None

    async def _count(self, asked: Handover) -> None:
        """Check the limit of open requests: add this one, then count, so that two cannot both be the last."""
        place, name = keys.handovers(asked.asker.id), keys.hash_of(asked.id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zremrangebyscore(place, "-inf", time.time())
            pipe.zadd(place, {name: asked.ends_at})
            pipe.zcard(place)
            pipe.expire(place, SECONDS)
            _, _, count, _ = await pipe.execute()
        if count > MOST_OPEN:
            await self._redis.zrem(place, name)
            raise TooManyAsked(f"you have {MOST_OPEN} open links to administrators already")

    async def take(self, handover_id: str) -> Handover:
        """Claim an open request for this caller until `answer`; raises `NoSuchHandover` or `Answered`."""
        if await self.find(handover_id) is None:
            raise NoSuchHandover("this link does not exist or has expired")
        # Of several callers at once, one pops the request; the others find none until it is stored again.
        value = await self._one_time.pop(_KIND, keys.hash_of(handover_id))
        if value is None:
            raise Answered("someone else is answering this right now")
        handover = msgspec.convert(value, Handover)
        if handover.state != "open" or handover.held_until > time.time():
            await self._keep(handover)
            raise Answered("this request was already answered, or someone is answering it right now")
        await self._keep(replace(handover, held_until=time.time() + HELD_SECONDS))
        return handover

    async def answer(self, handover: Handover) -> None:
        """Store the answer; a request that is still open may be answered again."""
        await self._keep(handover)
        if handover.state != "open":
            await self._redis.zrem(keys.handovers(handover.asker.id), keys.hash_of(handover.id))

    async def _keep(self, handover: Handover) -> None:
        left = max(1, int(handover.ends_at - time.time()))
        await self._one_time.put(_KIND, keys.hash_of(handover.id), asdict(handover), seconds=left)

    async def _load(self, name: str) -> Handover | None:
        value = await self._one_time.peek(_KIND, name)
        return msgspec.convert(value, Handover | None)
