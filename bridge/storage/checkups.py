"""Which connections are to be looked at soon, and which instance looks after them all."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from bridge.core.github.health import Hint
from bridge.core.model import Connection
from bridge.storage import keys
from bridge.storage.client import AnyRedis

ASKED_SECONDS = 4 * 24 * 3600
"""How long it is remembered that a delivery was asked for again: GitHub forgets it after three days."""

# By Redis's own clock: the hosts' may differ. The earlier time counts, and the newer event.
_ORDER = """#!lua flags=allow-oom
local now = redis.call('TIME')
local due = tonumber(now[1]) + tonumber(now[2]) / 1e6 + tonumber(ARGV[1])
for i = 4, #ARGV do
    local is_news = ARGV[3] == 'news'
    if redis.call('ZADD', KEYS[1], is_news and 'LT' or 'NX', due, ARGV[i]) == 1 or is_news then
        redis.call('HSET', KEYS[2], ARGV[i], ARGV[2])
    end
end
"""

_TAKE = """#!lua flags=allow-oom
local now = redis.call('TIME')
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now[1] + now[2] / 1e6, 'LIMIT', 0, 1)[1]
if not due then return false end
redis.call('ZREM', KEYS[1], due)
local hint = redis.call('HGET', KEYS[2], due)
redis.call('HDEL', KEYS[2], due)
return {due, hint or ''}
"""

_HOLD = """#!lua flags=allow-oom
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

_LEAVE = """#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """A connection to look at; `hint` is what the newest event told."""

    connection_id: str
    hint: Hint


class Checkups:
    """Kept in Redis, so that any process can order one and a single one does them."""

    def __init__(self, redis: AnyRedis) -> None:
        # redis-py's annotations offer each answer in every shape of every protocol version.
        self._redis: Any = redis
        self._order = redis.register_script(_ORDER)
        self._take = redis.register_script(_TAKE)
        self._hold = redis.register_script(_HOLD)
        self._leave = redis.register_script(_LEAVE)

    async def order(self, connections: Iterable[Connection], *, hint: Hint = "", delay: float = 0.5) -> None:
        """Have connections looked at `delay` seconds from now; one that waits for a sooner time keeps it."""
        ids = [connection.id for connection in connections]
        if ids:
            await self._order(keys=[keys.CHECKUPS, keys.CHECKUP_HINTS], args=[delay, hint, "news", *ids])

    async def put_off(self, checkup: Checkup, *, delay: float) -> None:
        """Have one that was taken looked at later; what was ordered meanwhile stands."""
        await self._order(
            keys=[keys.CHECKUPS, keys.CHECKUP_HINTS],
            args=[delay, checkup.hint, "again", checkup.connection_id],
        )

    async def take(self) -> Checkup | None:
        """One that is due, for this caller alone."""
        found = await self._take(keys=[keys.CHECKUPS, keys.CHECKUP_HINTS])
        if found is None:
            return None
        return Checkup(connection_id=found[0].decode(), hint=cast(Hint, found[1].decode()))

    # The one instance

    async def hold(self, instance: str, *, seconds: float) -> bool:
        """Be, or stay, the instance that looks after all for `seconds`; False while another one is."""
        return bool(await self._hold(keys=[keys.CARETAKER], args=[instance, round(seconds * 1000)]))

    async def leave(self, instance: str) -> None:
        """Leave it to another instance at once."""
        await self._leave(keys=[keys.CARETAKER], args=[instance])

    # Deliveries asked for again

    async def asked(self, guids: list[str]) -> dict[str, int]:
        """How often each delivery was asked for again."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for guid in guids:
                pipe.get(keys.asked(guid))
            counts = await pipe.execute()
        return {guid: int(count or 0) for guid, count in zip(guids, counts, strict=True)}

    async def note_asked(self, guid: str) -> None:
        """Count that a delivery was asked for again."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(keys.asked(guid))
            pipe.expire(keys.asked(guid), ASKED_SECONDS)
            await pipe.execute()
