"""Flows: a team's threads, and the people who may read them."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import orjson

from bridge.core.errors import NotFound, RequestRefused
from bridge.inbox import keys
from bridge.inbox.flows.readers import Readers
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

MOST = 500
"""Flows of an installation."""
MOST_OF_ONE = 100
"""Flows that a person owns, so that nobody takes all of them."""


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
    repository_id: int = 0
    """Of the repository whose readers alone may see the flow; 0: all members may."""
    repository: str = ""
    """Its name when the flow was restricted to its readers."""

    @property
    def path(self) -> str:
        """The last two segments of each of the flow's addresses."""
        return f"{self.organization}/{self.slug}"


class FlowGone(RequestRefused):
    """The flow was deleted."""

    status = 410
    sentence = "the flow was deleted"


class LastFlowOwner(RequestRefused):
    """The last owner cannot leave: nobody could add members."""

    status = 409
    advice = "Make someone else an owner of the flow first."
    sentence = "the flow needs an owner, and this is its last one"


class FlowStore:
    """Flows in Redis."""

    def __init__(self, redis: Redis, readers: Readers | None = None) -> None:
        """Take the check on GitHub; without it, nobody sees a flow for readers of a repository."""
        self._redis = redis
        self._readers = readers
        self._make = load_script(redis, "bridge.inbox", "make_flow")
        self._change = load_script(redis, "bridge.inbox", "change_flow")

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
            args=[flow.id, flow.path.lower(), dump(flow), owner],
        )
        return flow if made else None

    async def count(self) -> int:
        """Return the number of flows."""
        return await self._redis.hlen(keys.FLOWS)

    async def get(self, flow_id: str) -> TeamFlow | None:
        """Return a flow by its id."""
        return load(await self._redis.hget(keys.FLOWS, flow_id))

    async def at(self, path: str) -> TeamFlow | None:
        """Return the flow at `organization/flow`, in whatever case."""
        flow_id = await self._redis.hget(keys.FLOW_PATHS, path.lower())
        return await self.get(flow_id.decode()) if flow_id else None

    async def of(self, person_id: int) -> list[TeamFlow]:
        """Return the flows that a person is in and may see, by name."""
        ids = await self.ids_of(person_id)
        data = await self._redis.hmget(keys.FLOWS, ids) if ids else []
        found = list(filter(None, map(load, data)))
        may = await asyncio.gather(*(self._is_readable(flow, person_id) for flow in found))
        seen = [flow for flow, sees in zip(found, may, strict=True) if sees]
        return sorted(seen, key=lambda flow: (flow.name.lower(), flow.id))

    async def _is_readable(self, flow: TeamFlow, person_id: int) -> bool:
        if not flow.repository_id:
            return True
        return self._readers is not None and await self._readers.may_read(person_id, flow.repository_id)

    async def ids_of(self, person_id: int) -> list[str]:
        """Return the ids of the flows that a person is in, also of flows that are being deleted."""
        return [one.decode() for one in await self._redis.smembers(keys.flows_of(person_id))]

    async def all(self) -> list[TeamFlow]:
        """Return all flows."""
        return [flow for data in (await self._redis.hgetall(keys.FLOWS)).values() if (flow := load(data))]

    async def members(self, flow_id: str) -> set[int]:
        """Return the ids of the people in a flow, also of those who may not see it now."""
        return {int(one) for one in await self._redis.smembers(keys.members(flow_id))}

    async def may_see(self, flow_id: str, person_id: int) -> bool:
        """Tell whether a person is in an existing flow and may see it: ask before anything of it is shown."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.sismember(keys.members(flow_id), str(person_id))
            pipe.hget(keys.FLOWS, flow_id)
            is_in, data = await pipe.execute()
        flow = load(data) if is_in else None
        return flow is not None and await self._is_readable(flow, person_id)

    async def join(self, flow_id: str, person_id: int) -> None:
        """Let a person into a flow; raises `FlowGone`."""
        await self._changed(flow_id, "join", person_id)

    async def leave(self, flow_id: str, person_id: int, *, is_forced: bool = False) -> None:
        """Take a person out of a flow and from its owners; raises `LastFlowOwner` unless `is_forced`."""
        await self._changed(flow_id, "leave", person_id, is_forced=is_forced)

    async def make_owner(self, flow_id: str, person_id: int) -> None:
        """Make a member an owner; raises `NotFound` for anybody else."""
        await self._changed(flow_id, "own", person_id)

    async def make_member(self, flow_id: str, person_id: int) -> None:
        """Take a person's ownership of a flow; raises `LastFlowOwner`."""
        await self._changed(flow_id, "disown", person_id)

    async def change(self, flow_id: str, **fields: Any) -> None:
        """Change fields of a flow; its path stays what it was. Raises `FlowGone`."""
        await self._changed(flow_id, "set", fields=fields)

    async def _changed(
        self,
        flow_id: str,
        step: str,
        person_id: int = 0,
        *,
        is_forced: bool = False,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        outcome = await self._change(
            keys=[
                *(keys.FLOWS, keys.members(flow_id), keys.flows_of(person_id)),
                *keys.unread(flow_id, person_id),
            ],
            args=[flow_id, step, person_id, int(is_forced), orjson.dumps(fields or {})],
        )
        if outcome == b"gone" and step != "leave":
            raise FlowGone
        if outcome == b"stranger":
            raise NotFound("this person is not in the flow")
        if outcome == b"last":
            raise LastFlowOwner


def load(data: bytes | None) -> TeamFlow | None:
    """Read a flow that `dump` wrote; None from None."""
    if data is None:
        return None
    fields = orjson.loads(data)
    # Lua writes an empty list as an empty object.
    return msgspec.convert(fields | {"owners": list(map(int, fields["owners"]))}, TeamFlow)


def dump(flow: TeamFlow, **more: Any) -> bytes:
    """Write a flow as Redis keeps it; ids are text, of which Lua loses no digit."""
    return orjson.dumps(asdict(flow) | {"owners": list(map(str, flow.owners))} | more)
