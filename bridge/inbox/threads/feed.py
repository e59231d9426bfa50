"""Live updates: each process reads all news once, and wakes the streams that wait for a flow's news."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis.exceptions import RedisError

from bridge.inbox import keys
from bridge.inbox.limits import LimitReached
from bridge.inbox.threads.messages import MessageStore
from bridge.inbox.threads.stored import InboxThread, StoredMessage
from bridge.storage.redis import Redis
from bridge.storage.streams import Streams

BLOCK_MS = 5000
RETRY_SECONDS = 1
GATHER_SECONDS = 0.02
"""Until the next read, which takes all that came meanwhile: a read costs as much as a message."""
HEARTBEAT = 15
"""Seconds: often enough for a proxy not to close a quiet connection."""
AT_ONCE = 100
MOST = 100
"""Streams of a person in a process; one that its reader left counts until the next heartbeat but one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class News:
    """A message with its thread, None if that is gone."""

    message: StoredMessage
    thread: InboxThread | None


class Feed:
    """The news of all flows, as they come."""

    def __init__(self, redis: Redis, messages: MessageStore) -> None:
        self._redis, self._streams, self._messages = redis, Streams(redis), messages
        self._reads: dict[tuple[str, int], asyncio.Task[list[News]]] = {}
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._wanted = asyncio.Event()
        self._readers: Counter[int] = Counter()
        self.is_closed = False

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            await self._read()
        finally:
            await self._streams.close()

    async def _read(self) -> None:
        last = ""
        while True:
            if not self._waiting:
                await self._wanted.wait()
                last = ""
            try:
                if not last:
                    last = f"{int(await self._redis.get(keys.LAST_MESSAGE) or 0)}-0"
                    # Messages may have come before: all look for themselves.
                    self.wake(*self._waiting)
                found = await self._streams.read({keys.NEWS: last}, count=1000, block_ms=BLOCK_MS)
            except (RedisError, OSError):
                await asyncio.sleep(RETRY_SECONDS)
                last = ""
                continue
            if found:
                last = found[-1][1].decode()
                self.wake(*{fields[b"f"].decode() for _, _, fields in found})
                await asyncio.sleep(GATHER_SECONDS)

    async def after(self, flow_id: str, last: int) -> list[News]:
        """Return a flow's next messages after `last`, up to `AT_ONCE`.

        Streams that ask at the same moment share the answer.
        """
        key = flow_id, last
        if key not in self._reads:
            self._reads[key] = asyncio.create_task(self._after(*key))
            self._reads[key].add_done_callback(lambda _: self._reads.pop(key, None))
        return await asyncio.shield(self._reads[key])

    async def _after(self, flow_id: str, last: int) -> list[News]:
        found = await self._messages.flow_messages(flow_id, after=last, limit=AT_ONCE, newest=False)
        threads = await self._messages.get_many(list({one.thread_id for one in found}))
        by_id = {one.id: one for one in threads}
        return [News(message=one, thread=by_id.get(one.thread_id)) for one in found]

    def wake(self, *flow_ids: str) -> None:
        """Wake what waits for these flows."""
        # A read that is under way may have begun before the news.
        self._reads.clear()
        for flow_id in flow_ids:
            for event in self._waiting.get(flow_id, ()):
                event.set()

    def close(self) -> None:
        """End all streams."""
        self.is_closed = True
        self.wake(*self._waiting)

    @contextmanager
    def reading(self, person_id: int) -> Iterator[None]:
        """Count a person's stream while it is open; raises `LimitReached`."""
        if self._readers[person_id] >= MOST:
            advice = "Close some of the inbox's tabs, or stop a program that streams."
            raise LimitReached(f"you already have {MOST} streams open", advice=advice, status=429)
        self._readers[person_id] += 1
        try:
            yield
        finally:
            self._readers[person_id] -= 1
            self._readers += Counter()

    @contextmanager
    def waiting(self, flow_id: str, event: asyncio.Event | None = None) -> Iterator[asyncio.Event]:
        """Yield an event, one that is given or a new one, which is set whenever the flow has news."""
        event = event or asyncio.Event()
        self._waiting[flow_id].add(event)
        self._wanted.set()
        try:
            yield event
        finally:
            self._waiting[flow_id].discard(event)
            if not self._waiting[flow_id]:
                del self._waiting[flow_id]
            if not self._waiting:
                self._wanted.clear()


async def wait_for_news(changed: asyncio.Event) -> bool:
    """Wait for news; False if none came for a while, so that a stream sends a sign of life."""
    try:
        async with asyncio.timeout(HEARTBEAT):
            return await changed.wait()
    except TimeoutError:
        return False
