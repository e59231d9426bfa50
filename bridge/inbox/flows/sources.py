"""Sources: what posts into a flow, each with a token that is shown once."""

import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import orjson

from bridge.core.errors import RequestRefused
from bridge.core.printable import visible
from bridge.inbox import keys
from bridge.inbox.flows.flows import FlowGone
from bridge.inbox.limits import LimitReached
from bridge.inbox.people.grants import OWN_PROGRAM
from bridge.storage.group_commit import GroupCommit
from bridge.storage.keys import hash_of
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

MOST = 1000
"""Sources of a flow; and removed ones whose tokens are still known."""

MOST_TOGETHER = 32
"""Flow tokens whose sources one step finds."""


@dataclass(frozen=True, kw_only=True)
class FlowSource:
    """A source; `client_id` names the application that made it."""

    id: int
    flow_id: str
    name: str
    external_url: str
    client_id: str
    creator: int
    made_at: float
    changed_at: float
    error_message: str = ""
    configuration_url: str = ""
    is_removed: bool = False
    token_hash: str = field(default="", repr=False)
    """The hash of its flow token; version 0.2 kept none."""

    @property
    def label(self) -> str:
        """Return its name; a member's program may use a repository's, so its source says how it was made."""
        is_own = self.client_id.startswith(OWN_PROGRAM)
        return f"{self.name}, added with an API token" if is_own else self.name

    @property
    def problem(self) -> str:
        """Its problem in words, without the address to which the button beside them leads."""
        words, _, address = self.error_message.rpartition(" ")
        return visible(words if "/flowdock/configure?" in address else self.error_message)


_load = msgspec.json.Decoder(FlowSource).decode


class SourceRemoved(RequestRefused):
    """The source was removed from its flow."""

    status = 410
    sentence = "the source was removed from its flow"


class SourceStore:
    """Sources in Redis; of a flow token only its hash."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._add = load_script(redis, "bridge.inbox", "add_source")
        self._change = load_script(redis, "bridge.inbox", "change_source")
        self._of_tokens = load_script(redis, "bridge.inbox", "sources_of_tokens")
        self._asked = GroupCommit(self._of_hashes, most=MOST_TOGETHER)

    async def make(
        self, flow_id: str, *, name: str, external_url: str, client_id: str, creator: int
    ) -> tuple[FlowSource, str]:
        """Make a source; returns it with its flow token, which nothing shows again.

        Raises `FlowGone` or `LimitReached`.
        """
        flow_token, now = secrets.token_hex(16), time.time()
        source = FlowSource(
            id=await self._redis.incr(keys.LAST_SOURCE),
            flow_id=flow_id,
            name=name,
            external_url=external_url,
            client_id=client_id,
            creator=creator,
            made_at=now,
            changed_at=now,
            token_hash=hash_of(flow_token),
        )
        outcome = await self._add(
            keys=[keys.FLOWS, keys.SOURCES, keys.SOURCE_TOKENS, keys.flow_sources(flow_id)],
            args=[flow_id, source.id, orjson.dumps(source), source.token_hash, MOST],
        )
        if outcome == b"gone":
            raise FlowGone
        if outcome == b"full":
            raise LimitReached(
                f"the flow already has {MOST} sources", advice="Remove one that is no longer needed."
            )
        return source, flow_token

    async def get(self, source_id: str) -> FlowSource | None:
        """Return a source, removed or not."""
        data = await self._redis.hget(keys.SOURCES, source_id)
        return _load(data) if data else None

    async def get_many(self, ids: Iterable[int]) -> dict[int, FlowSource]:
        """Return sources by their ids, removed or not."""
        wanted = [str(one) for one in dict.fromkeys(ids)]
        found = await self._redis.hmget(keys.SOURCES, wanted) if wanted else []
        return {one.id: one for data in found if data for one in [_load(data)]}

    async def of_token(self, flow_token: str) -> FlowSource | None:
        """Return the source, removed or not, that was given this flow token."""
        return await self._asked.add(hash_of(flow_token))

    async def _of_hashes(self, hashes: Sequence[str]) -> list[FlowSource | None]:
        distinct = list(dict.fromkeys(hashes))
        found = await self._of_tokens(keys=[keys.SOURCE_TOKENS, keys.SOURCES], args=distinct)
        sources = {one: _load(data) for one, data in zip(distinct, found, strict=True) if data}
        return [sources.get(one) for one in hashes]

    async def of(self, flow_id: str) -> list[FlowSource]:
        """Return a flow's sources that were not removed, the oldest first."""
        ids = await self._redis.smembers(keys.flow_sources(flow_id))
        return sorted((await self.get_many(map(int, ids))).values(), key=lambda source: source.id)

    async def report(self, source: FlowSource, **said: str) -> FlowSource:
        """Keep a source's `error_message` or `configuration_url`; raises `SourceRemoved`."""
        return await self._changed(source, **said)

    async def remove(self, source: FlowSource) -> None:
        """Remove a source: its token is known from now on as one of a source that is gone."""
        with suppress(SourceRemoved):
            await self._changed(source, is_removed=True, error_message="")

    async def _changed(self, source: FlowSource, **fields: Any) -> FlowSource:
        """Change fields of a source as it is now: what came too late does not bring back a removed one."""
        while data := await self._redis.hget(keys.SOURCES, str(source.id)):
            now = _load(data)
            if now.is_removed:
                break
            changed = replace(now, changed_at=time.time(), **fields)
            # As it was read, with a newer version's fields: written anew it would not be the same.
            new = orjson.dumps(orjson.loads(data) | vars(changed))
            done = await self._change(
                keys=[
                    *(keys.SOURCES, keys.flow_sources(now.flow_id)),
                    *(keys.removed_sources(now.flow_id), keys.SOURCE_TOKENS),
                ],
                args=[now.id, data, new, int(changed.is_removed), changed.changed_at, MOST],
            )
            if done:
                return changed
        raise SourceRemoved
