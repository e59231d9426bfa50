"""Deletion of a flow, in steps that any process resumes after a crash.

First the flow leaves the pages and the API. Its connections end next: their last words still come in. Then
its threads and everything else go; its path is free again last.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from bridge.inbox import keys
from bridge.inbox.flows import flows
from bridge.inbox.flows.flows import FlowGone, TeamFlow
from bridge.inbox.threads.messages import MessageStore
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis


class Connections(Protocol):
    """bridge's connections, which the wiring ends."""

    async def end(self, flow_path: str, person_id: int) -> None:
        """End those of a flow in a person's name, as *Disconnect* does; succeeds if there are none."""


@dataclass(kw_only=True)
class FlowDeletion:
    """Deletes flows."""

    redis: Redis
    messages: MessageStore
    connections: Connections

    def __post_init__(self) -> None:
        self._move = load_script(self.redis, "bridge.inbox", "move_flow")

    async def begin(self, flow: TeamFlow, *, by: int) -> None:
        """Take a flow out of use at once, for `finish` to delete; raises `FlowGone`."""
        if not await self._moved(keys.FLOWS, keys.ENDING, flow.id, flows.dump(flow, by=by)):
            raise FlowGone

    async def finish(self) -> None:
        """Finish all deletions that were begun."""
        for flow_id, data in (await self.redis.hgetall(keys.ENDING)).items():
            flow = orjson.loads(data)
            await self.connections.end(f"{flow['organization']}/{flow['slug']}", flow["by"])
            await self._moved(keys.ENDING, keys.DELETING, flow_id.decode(), data)
        for flow_id, data in (await self.redis.hgetall(keys.DELETING)).items():
            await self._delete(flow_id.decode(), orjson.loads(data))

    async def _moved(self, old: str, new: str, flow_id: str, data: bytes) -> bool:
        return bool(await self._move(keys=[old, new], args=[flow_id, data]))

    async def _delete(self, flow_id: str, flow: dict[str, Any]) -> None:
        # All are looked through: version 0.2 kept no hash with a source, and no list of removed ones.
        sources = {
            name
            async for name, data in self.redis.hscan_iter(keys.SOURCES, count=500)
            if orjson.loads(data)["flow_id"] == flow_id
        }
        tokens = [
            name
            async for name, source in self.redis.hscan_iter(keys.SOURCE_TOKENS, count=500)
            if source in sources
        ]
        while await self.messages.trim(flow_id, all_of_it=True):
            pass
        members = await self.redis.smembers(keys.members(flow_id))
        async with self.redis.pipeline(transaction=True) as pipe:
            for token in tokens:
                pipe.hdel(keys.SOURCE_TOKENS, token.decode())
            for source in sources:
                pipe.hdel(keys.SOURCES, source.decode())
            for person in members:
                pipe.srem(keys.flows_of(int(person)), flow_id)
                pipe.delete(*keys.unread(flow_id, int(person)))
            for key in keys.of_flow(flow_id):
                pipe.delete(key)
            pipe.hdel(keys.FLOW_PATHS, f"{flow['organization']}/{flow['slug']}".lower())
            pipe.hdel(keys.DELETING, flow_id)
            await pipe.execute()
