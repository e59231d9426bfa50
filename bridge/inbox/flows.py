"""Flows: a team's threads, and the people who may read them."""

import secrets
import time
from dataclasses import asdict, dataclass, replace

import orjson

from bridge.inbox import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

MOST = 500
"""Flows of an installation."""


@dataclass(frozen=True, kw_only=True)
class TeamFlow:
    """A flow; `owners` are the members who may change it, by GitHub's numeric ids."""

    id: str
    organization: str
    slug: str
    name: str
    owners: tuple[int, ...]
    made_at: float
    is_archived: bool = False

    @property
    def path(self) -> str:
        """The last two segments of each of the flow's addresses."""
        return f"{self.organization}/{self.slug}"


class FlowStore:
    """Flows in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._make = load_script(redis, "bridge.inbox", "make_flow")

    async def make(self, *, organization: str, slug: str, name: str, owner: int) -> TeamFlow | None:
        """Make a flow with its first member and owner; None if the path is taken."""
        flow = TeamFlow(
            id=secrets.token_hex(8),
            organization=organization,
            slug=slug,
            name=name,
            owners=(owner,),
            made_at=time.time(),
        )
        made = await self._make(
            keys=[keys.FLOWS, keys.FLOW_PATHS, keys.members(flow.id), keys.flows_of(owner)],
            args=[flow.id, flow.path.lower(), orjson.dumps(asdict(flow)), owner],
        )
        return flow if made else None

    async def count(self) -> int:
        """Return the number of flows."""
        return await self._redis.hlen(keys.FLOWS)

    async def get(self, flow_id: str) -> TeamFlow | None:
        """Return a flow by its id."""
        return _load(await self._redis.hget(keys.FLOWS, flow_id))

    async def at(self, path: str) -> TeamFlow | None:
        """Return the flow at `organization/flow`, in whatever case."""
        flow_id = await self._redis.hget(keys.FLOW_PATHS, path.lower())
        return await self.get(flow_id.decode()) if flow_id else None

    async def of(self, person_id: int) -> list[TeamFlow]:
        """Return the flows that a person is in, by name."""
        ids = [one.decode() for one in await self._redis.smembers(keys.flows_of(person_id))]
        found = await self._redis.hmget(keys.FLOWS, ids) if ids else []
        return sorted(filter(None, map(_load, found)), key=lambda flow: (flow.name.lower(), flow.id))

    async def members(self, flow_id: str) -> set[int]:
        """Return the ids of the people in a flow."""
        return {int(one) for one in await self._redis.smembers(keys.members(flow_id))}

    async def has(self, flow_id: str, person_id: int) -> bool:
        """Tell whether a person is in a flow."""
        return bool(await self._redis.sismember(keys.members(flow_id), str(person_id)))

    async def join(self, flow_id: str, person_id: int) -> None:
        """Let a person into a flow."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(keys.members(flow_id), person_id)
            pipe.sadd(keys.flows_of(person_id), flow_id)
            await pipe.execute()

    async def leave(self, flow_id: str, person_id: int) -> None:
        """Take a person out of a flow, and from its owners."""
        flow = await self.get(flow_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.srem(keys.members(flow_id), person_id)
            pipe.srem(keys.flows_of(person_id), flow_id)
            await pipe.execute()
        if flow is not None and person_id in flow.owners:
            owners = tuple(one for one in flow.owners if one != person_id)
            await self.save(replace(flow, owners=owners))

    async def save(self, flow: TeamFlow) -> None:
        """Keep a changed flow; its path stays what it was."""
        await self._redis.hset(keys.FLOWS, flow.id, orjson.dumps(asdict(flow)))


def _load(data: bytes | None) -> TeamFlow | None:
    if data is None:
        return None
    fields = orjson.loads(data)
    return TeamFlow(**fields | {"owners": tuple(fields["owners"])})
