"""A queue of what is due at a time, by Redis's own clock: any process adds, one of them pops."""

from collections.abc import Iterable
from typing import Any

from bridge.storage.client import AnyRedis

# The worker must get through when Redis is full (`allow-oom`).
_ADD = """#!lua flags=allow-oom
local now = redis.call('TIME')
local due = now[1] + now[2] / 1e6 + ARGV[1]
local is_news = ARGV[2] == 'news'
for i = 4, #ARGV do
    local is_new = redis.call('ZADD', KEYS[1], is_news and 'LT' or 'NX', due, ARGV[i]) == 1
    if KEYS[2] and (is_new or is_news) then redis.call('HSET', KEYS[2], ARGV[i], ARGV[3]) end
end
"""

_POP = """#!lua flags=allow-oom
local now = redis.call('TIME')
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now[1] + now[2] / 1e6, 'LIMIT', 0, 1)[1]
if not due then return false end
redis.call('ZREM', KEYS[1], due)
if not KEYS[2] then return {due, ''} end
local note = redis.call('HGET', KEYS[2], due)
redis.call('HDEL', KEYS[2], due)
return {due, note or ''}
"""


class DueQueue:
    """The queue at `key`. With a `notes_key`, in the same slot of a cluster, each member carries a note."""

    def __init__(self, redis: AnyRedis, key: str, notes_key: str = "") -> None:
        self._keys = [key, notes_key] if notes_key else [key]
        self._add: Any = redis.register_script(_ADD)
        self._pop: Any = redis.register_script(_POP)

    async def add(self, members: Iterable[str], *, delay: float, note: str = "") -> None:
        """Make members due `delay` seconds from now; one that waits may only become due earlier.

        Its note is replaced.
        """
        await self._put("news", members, delay, note)

    async def put_back(self, member: str, *, delay: float, note: str = "") -> None:
        """Make a member that was popped due again; one that was added meanwhile stays as it is."""
        await self._put("again", [member], delay, note)

    async def pop(self) -> tuple[str, str] | None:
        """Remove a member that is due and return it with its note; None if none is."""
        found = await self._pop(keys=self._keys)
        return None if found is None else (found[0].decode(), found[1].decode())

    async def _put(self, how: str, members: Iterable[str], delay: float, note: str) -> None:
        if chosen := list(members):
            await self._add(keys=self._keys, args=[delay, how, note, *chosen])
