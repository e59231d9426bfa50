"""Messages and the threads that they bring up to date."""

import base64
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from bridge.core.budgets import InboxBounds
from bridge.inbox import keys
from bridge.inbox.flows import FlowGone
from bridge.inbox.notifications import causes
from bridge.storage.keys import hash_of
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Fields, Redis

UUIDS = 10_000
"""The newest messages of a flow of which a repeat is noticed."""

TRIMMED = 200
"""Threads that one step of a sweep removes."""

DONE = frozenset({"merged", "closed", "resolved", "done", "no longer shown"})
"""Words of a status that ends a thread: it leaves the list of open ones."""

_COUNTERS = {"activity": "activities", "discussion": "discussions"}


@dataclass(frozen=True, kw_only=True)
class StoredMessage:
    """A message as a flow keeps it; `content` is what was sent, without a token, with its tags resolved.

    `author` is the person who wrote it in the inbox, 0 if a source posted it.
    """

    id: int
    flow_id: str
    thread_id: str
    sent: int
    """Unix milliseconds."""
    author: int
    content: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class InboxThread:
    """An item of another service; `state` is the `thread` of the last message that carried one."""

    id: str
    external_id: str
    source_id: int
    flow_id: str
    state: Mapping[str, Any]
    newest: StoredMessage
    first: int
    """The id of its first message."""
    activities: int = 0
    discussions: int = 0
    comments: int = 0
    """Messages that people wrote in the inbox."""
    is_done: bool = False


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
        self._accept = load_script(redis, "bridge.inbox", "accept")
        self._trim = load_script(redis, "bridge.inbox", "trim")

    async def post(self, flow_id: str, source_id: int, content: Mapping[str, Any]) -> Accepted:
        """Take a source's valid message, once for each uuid; raises `UnknownThread` or `FlowGone`."""
        external_id = content["external_thread_id"]
        return await self._take(
            flow_id,
            thread_id(source_id, external_id),
            {name: value for name, value in content.items() if name != "thread"},
            state=content.get("thread"),
            header={"external_id": external_id, "source": source_id, "flow": flow_id},
        )

    async def reply(self, flow_id: str, thread: str, author: int, content: Mapping[str, Any]) -> Accepted:
        """Take what a person wrote in a thread; raises `UnknownThread` or `FlowGone`."""
        return await self._take(flow_id, thread, content, author=author)

    async def _take(
        self,
        flow_id: str,
        thread: str,
        content: Mapping[str, Any],
        *,
        author: int = 0,
        state: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> Accepted:
        now = time.time()
        uuid = str(content.get("uuid") or "")
        message = {"sent": int(now * 1000), "author": author, "content": content}
        message_id, repeat = await self._accept(
            keys=_touched(flow_id, thread),
            args=[
                orjson.dumps(message),
                hash_of(uuid) if uuid else "",
                message["sent"],
                _COUNTERS.get(content["event"], "comments"),
                orjson.dumps(state) if state else "",
                int(is_done(state or {})),
                orjson.dumps(header or {}),
                flow_id,
                thread,
                self._bounds(now),
                orjson.dumps(keys.THREAD_PARTS),
                causes.of(content, author=author, state=state or {}),
            ],
        )
        if message_id < 0:
            raise FlowGone
        if not message_id:
            raise UnknownThread
        return Accepted(id=message_id, is_repeat=bool(repeat))

    def _bounds(self, now: float) -> bytes:
        bounds = self.bounds
        oldest = int((now - bounds.days * 86400) * 1000)
        return orjson.dumps(asdict(bounds) | {"size": bounds.size or 2**53, "oldest": oldest, "uuids": UUIDS})

    async def trim(self, flow_id: str, *, all_of_it: bool = False) -> bool:
        """Remove threads that are over the bounds, or all; True if there may be more of them."""
        now = time.time()
        removed = await self._trim(
            keys=[keys.threads(flow_id), keys.open_threads(flow_id), keys.usage(flow_id)],
            args=[
                orjson.dumps({"size": -1, "threads": 0, "oldest": 0}) if all_of_it else self._bounds(now),
                orjson.dumps(keys.THREAD_PARTS),
                TRIMMED,
            ],
        )
        return int(removed) == TRIMMED

    async def thread(self, flow_id: str, wanted: str) -> InboxThread | None:
        """Return a flow's thread; None if it is another flow's."""
        found = _thread(wanted, await self.redis.hgetall(keys.thread(wanted)))
        return found if found and found.flow_id == flow_id else None

    async def threads(
        self, flow_id: str, *, only_open: bool = False, before: int | None = None, limit: int = 50
    ) -> list[InboxThread]:
        """Return threads, the newest activity first: those whose newest message is older than `before`."""
        index = keys.open_threads(flow_id) if only_open else keys.threads(flow_id)
        bound = f"({before}" if before is not None else "+inf"
        ids = await self.redis.zrevrangebyscore(index, bound, "-inf", start=0, num=limit)
        names = [one.decode() for one in ids]
        async with self.redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(keys.thread(name))
            found = await pipe.execute() if names else []
        return [thread for name, data in zip(names, found, strict=True) if (thread := _thread(name, data))]

    async def messages(
        self, thread: InboxThread, *, after: int = 0, before: int | None = None, limit: int = 100
    ) -> list[StoredMessage]:
        """Return the newest of a thread's messages between two ids, the oldest of them first."""
        high = _before(before)
        found = await self.redis.xrevrange(keys.entries(thread.id), high, f"({after}-0", count=limit)
        return [_message(thread.flow_id, thread.id, one) for one in reversed(found)]

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
        low, high = f"({after}-0", _before(before)
        stream = keys.messages(flow_id)
        if newest:
            rows = (await self.redis.xrevrange(stream, high, low, count=limit))[::-1]
        else:
            rows = await self.redis.xrange(stream, low, high, count=limit)
        return await self._resolved(flow_id, rows)

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

    async def _resolved(self, flow_id: str, rows: Sequence[tuple[bytes, Fields]]) -> list[StoredMessage]:
        """Read the messages that a flow's stream names; those of threads that are gone are left out."""
        names = [row[b"t"].decode() for _, row in rows]
        async with self.redis.pipeline(transaction=False) as pipe:
            for name, (place, _) in zip(names, rows, strict=True):
                pipe.execute_command("XRANGE", keys.entries(name), place, place)
            found = await pipe.execute() if rows else []
        return [
            _message(flow_id, name, one)
            for name, entries in zip(names, found, strict=True)
            for one in entries
        ]


def _touched(flow_id: str, thread: str) -> list[str]:
    return [
        keys.LAST_MESSAGE,
        keys.uuids(flow_id),
        keys.thread(thread),
        keys.entries(thread),
        keys.threads(flow_id),
        keys.open_threads(flow_id),
        keys.messages(flow_id),
        keys.NEWS,
        keys.usage(flow_id),
        keys.FLOWS,
        keys.ENDING,
        keys.NOTIFICATIONS,
        keys.NOTIFICATION_NOTES,
    ]


def _before(message_id: int | None) -> str:
    """Return the end of a range of a stream's entries; Redis takes no end before its first possible id."""
    return "+" if message_id is None else f"({max(message_id, 1)}-0"


def thread_id(source_id: int, external_id: str) -> str:
    """Return the id of a thread: the same whenever the same source names the same item."""
    digest = hashlib.sha256(f"{source_id}:{external_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:15]).decode()


def is_done(state: Mapping[str, Any]) -> bool:
    """Tell whether a thread's state ends it."""
    return str((state.get("status") or {}).get("value", "")).lower() in DONE


def _message(flow_id: str, thread: str, entry: tuple[bytes, Fields]) -> StoredMessage:
    place, fields = entry
    return _load(int(place.split(b"-")[0]), flow_id, thread, fields[b"m"])


def _load(message_id: int, flow_id: str, thread: str, data: bytes) -> StoredMessage:
    return StoredMessage(id=message_id, flow_id=flow_id, thread_id=thread, **orjson.loads(data))


def _thread(name: str, data: Fields) -> InboxThread | None:
    if not data:
        return None
    flow_id = data[b"flow"].decode()
    return InboxThread(
        id=name,
        external_id=data[b"external_id"].decode(),
        source_id=int(data[b"source"]),
        flow_id=flow_id,
        state=orjson.loads(data[b"state"]),
        newest=_load(int(data[b"last"]), flow_id, name, data[b"newest"]),
        first=int(data[b"first"]),
        activities=int(data.get(b"activities", 0)),
        discussions=int(data.get(b"discussions", 0)),
        comments=int(data.get(b"comments", 0)),
        is_done=data[b"done"] == b"1",
    )
