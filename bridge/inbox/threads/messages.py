"""Messages and the threads that they bring up to date."""

import base64
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from bridge.core.budgets import InboxBounds
from bridge.inbox import keys
from bridge.inbox.flows.flows import FlowGone
from bridge.inbox.threads import placing, search
from bridge.inbox.threads.accepting import Acceptance
from bridge.inbox.threads.stored import (
    CHANGED,
    DELETED,
    InboxThread,
    StoredMessage,
    load_change,
    load_message,
    load_thread,
    read_message,
)
from bridge.storage.keys import hash_of
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Fields, Redis

UUIDS = 10_000
"""The newest messages of a flow of which a repeat is noticed."""

TRIMMED = 200
"""Threads that one step of a sweep removes."""

LOOKED_AT = 1000
"""Threads that one step of a search looks at."""

_COUNTERS = {"activity": "activities", "discussion": "discussions"}


class UnknownThread(Exception):
    """A message without a `thread` for a thread that is not there."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The message's id; of a `repeat` the id of the message that came first."""

    id: int
    is_repeat: bool


@dataclass(kw_only=True)
class MessageStore:
    """Messages and threads in Redis."""

    redis: Redis
    bounds: InboxBounds = field(default_factory=InboxBounds)

    def __post_init__(self) -> None:
        redis = self.redis
        self._acceptance = Acceptance(redis, self._bounds)
        self._trim = load_script(redis, "bridge.inbox", "trim")
        self._find = load_script(redis, "bridge.inbox", "find")

    async def post(self, flow_id: str, source_id: int, content: Mapping[str, Any]) -> Accepted:
        """Take a source's valid message, once for each uuid of its own.

        Raises `UnknownThread` or `FlowGone`.
        """
        external_id = content["external_thread_id"]
        return await self._take(
            flow_id,
            thread_id(source_id, external_id),
            {name: value for name, value in content.items() if name != "thread"},
            state=content.get("thread"),
            actor=placing.actor(content),
            external_id=external_id,
            source=source_id,
        )

    async def reply(
        self, flow_id: str, thread: str, author: int, content: Mapping[str, Any], *, passed_to: int = 0
    ) -> Accepted:
        """Take what a person wrote in a thread; `passed_to` is the person to whom they pass its turn.

        Raises `UnknownThread` or `FlowGone`.
        """
        return await self._take(flow_id, thread, content, author=author, actor=author, passed_to=passed_to)

    async def _take(
        self,
        flow_id: str,
        thread: str,
        content: Mapping[str, Any],
        *,
        author: int = 0,
        actor: int,
        state: Mapping[str, Any] | None = None,
        external_id: str = "",
        source: int = 0,
        passed_to: int = 0,
    ) -> Accepted:
        sent = int(time.time() * 1000)
        message_id, repeat = await self._acceptance.add(
            flow_id,
            [
                thread,
                _uuid_of(content, source or f"person {author}"),
                orjson.dumps({"sent": sent, "author": author, "content": content}),
                sent,
                _COUNTERS.get(content["event"], "comments"),
                *_of_state(state),
                *(external_id, source),
                *(placing.turn_of(state or {}), " ".join(placing.mentioned(content, author=author))),
                *(passed_to or "", actor, search.said(content)),
            ],
        )
        if message_id < 0:
            raise FlowGone
        if not message_id:
            raise UnknownThread
        return Accepted(id=message_id, is_repeat=bool(repeat))

    def _bounds(self) -> bytes:
        bounds = self.bounds
        oldest = int((time.time() - bounds.days * 86400) * 1000)
        return orjson.dumps({**vars(bounds), "size": bounds.size or 2**53, "oldest": oldest, "uuids": UUIDS})

    async def trim(self, flow_id: str, *, all_of_it: bool = False) -> bool:
        """Remove threads that are over the bounds, or all; True if there may be more of them."""
        removed = await self._trim(
            keys=[
                *(keys.threads(flow_id), keys.open_threads(flow_id)),
                *(keys.usage(flow_id), keys.members(flow_id)),
            ],
            args=[
                orjson.dumps({"size": -1, "threads": 0, "oldest": 0}) if all_of_it else self._bounds(),
                orjson.dumps(keys.THREAD_PARTS),
                TRIMMED,
                keys.LISTS,
                flow_id,
            ],
        )
        return int(removed) == TRIMMED

    async def thread(self, flow_id: str, wanted: str) -> InboxThread | None:
        """Return a flow's thread; None if it is another flow's."""
        found = load_thread(wanted, await self.redis.hgetall(keys.thread(wanted)))
        return found if found and found.flow_id == flow_id else None

    async def threads(self, flow_id: str, *, before: int | None = None, limit: int = 50) -> list[InboxThread]:
        """Return threads, the newest activity first: those whose newest message is older than `before`."""
        return await self.find(keys.threads(flow_id), before=before, limit=limit)

    async def find(
        self, listed: str, *, words: Sequence[str] = (), before: int | None = None, limit: int
    ) -> list[InboxThread]:
        """Return threads of a list, by its key, whose text has all `words` (see `search`)."""
        place, found = f"({before}" if before is not None else "+inf", list[str]()
        while place and len(found) < limit:
            place, more = await self._find(
                keys=[listed], args=[keys.THREAD, place, limit - len(found), LOOKED_AT, *words]
            )
            found += [one.decode() for one in more]
        return await self.get_many(found)

    async def get_many(self, ids: Sequence[str]) -> list[InboxThread]:
        """Return threads by their ids, whatever their flow; those that are gone are left out."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for name in ids:
                pipe.hgetall(keys.thread(name))
            found = await pipe.execute() if ids else []
        return [thread for name, data in zip(ids, found, strict=True) if (thread := load_thread(name, data))]

    async def thread_ids(self, flow_id: str) -> list[str]:
        """Return the ids of all threads of a flow, the oldest activity first."""
        return [one.decode() for one in await self.redis.zrange(keys.threads(flow_id), 0, -1)]

    async def messages(
        self,
        thread: InboxThread,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        newest: bool = True,
    ) -> list[StoredMessage]:
        """Return a thread's messages between two ids, in order: the `newest` of them, or the oldest."""
        rows = await self._between(keys.entries(thread.id), after, before, limit, newest=newest)
        found = [load_message(thread.flow_id, thread.id, one) for one in rows]
        for name, data in (await self.redis.hgetall(keys.edited(thread.id))).items():
            if after < int(name) and (before is None or int(name) < before):
                found.append(read_message(int(name), thread.flow_id, thread.id, data))
        found.sort(key=lambda one: one.id)
        return found[-limit:] if newest else found[:limit]

    async def flow_messages(
        self,
        flow_id: str,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        newest: bool = True,
    ) -> list[StoredMessage]:
        """Return a flow's messages between two ids, the oldest first: the `newest` of them, or the oldest."""
        rows = await self._between(keys.messages(flow_id), after, before, limit, newest=newest)
        return await self._resolved(flow_id, rows)

    async def _between(
        self, stream: str, after: int, before: int | None, limit: int, *, newest: bool
    ) -> list[tuple[bytes, Fields]]:
        low, high = f"({after}-0", _before(before)
        if newest:
            return (await self.redis.xrevrange(stream, high, low, count=limit))[::-1]
        return await self.redis.xrange(stream, low, high, count=limit)

    async def last(self) -> int:
        """Return the id of the newest message of all flows."""
        return int(await self.redis.get(keys.LAST_MESSAGE) or 0)

    async def newest(self, flow_id: str) -> int:
        """Return the id of a flow's newest message, 0 if it has none."""
        found = await self.redis.xrevrange(keys.messages(flow_id), count=1)
        return int(found[0][0].split(b"-")[0]) if found else 0

    async def message(self, flow_id: str, message_id: int) -> StoredMessage | None:
        """Return one of a flow's messages."""
        place = f"{message_id}-0"
        rows = await self.redis.xrange(keys.messages(flow_id), place, place)
        found = await self._resolved(flow_id, rows)
        return found[0] if found else None

    async def subject(self, message: StoredMessage) -> StoredMessage | None:
        """Return the message that news of a change is about, None if it was deleted; any other as it is."""
        if message.content["event"] not in (CHANGED, DELETED):
            return message
        return await self.message(message.flow_id, message.content["content"]["message"])

    async def _resolved(self, flow_id: str, rows: Sequence[tuple[bytes, Fields]]) -> list[StoredMessage]:
        """Read the messages that a flow's stream names; those of threads that are gone are left out."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for place, row in rows:
                name, wanted = row[b"t"].decode(), row[b"e"].decode() if b"e" in row else place.decode()[:-2]
                pipe.execute_command("XRANGE", keys.entries(name), f"{wanted}-0", f"{wanted}-0")
                pipe.hget(keys.edited(name), wanted)
            answers = await pipe.execute() if rows else []
        found = []
        for (place, row), entries, edited in zip(rows, answers[::2], answers[1::2], strict=True):
            name = row[b"t"].decode()
            message_id = int(row.get(b"e") or place[:-2])
            message = load_message(flow_id, name, entries[0]) if entries else None
            if edited:
                message = read_message(message_id, flow_id, name, edited)
            if b"e" in row:
                message = load_change(flow_id, (place, row), message)
            if message:
                found.append(message)
        return found


def _of_state(state: Mapping[str, Any] | None) -> Sequence[bytes | str | int]:
    if not state:
        return "", 0, "", ""
    places = orjson.dumps(placing.lists_of(state))
    return orjson.dumps(state), int(placing.is_done(state)), places, search.about(state)


def _uuid_of(content: Mapping[str, Any], sender: int | str) -> str:
    """Return the hash of sender and uuid, "" without one: nobody makes another's message a repeat."""
    uuid = content.get("uuid")
    return hash_of(f"{sender}:{uuid}") if uuid else ""


def _before(message_id: int | None) -> str:
    """Return the end of a range of a stream's entries; Redis takes no end before its first possible id."""
    return "+" if message_id is None else f"({max(message_id, 1)}-0"


def thread_id(source_id: int, external_id: str) -> str:
    """Return the id of a thread: the same whenever the same source names the same item."""
    digest = hashlib.sha256(f"{source_id}:{external_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:15]).decode()
