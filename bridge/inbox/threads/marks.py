"""Reading marks: how far each person has read each thread. The newest of them are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.inbox import keys
from bridge.inbox.threads.stored import InboxThread
from bridge.storage.redis import Redis

MOST = 5000
"""Marks of a person. Threads older than the oldest mark then count as read."""


@dataclass(frozen=True, kw_only=True)
class MarkStore:
    """Reading marks in Redis."""

    redis: Redis

    async def read(self, person_id: int, thread: InboxThread) -> None:
        """Note that a person has read a thread up to its newest message or change."""
        key = keys.read_marks(person_id)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.execute_command("ZADD", key, "GT", max(thread.newest.id, thread.changed), thread.id)
            pipe.execute_command("ZREMRANGEBYRANK", key, 0, -MOST - 1)
            pipe.zrem(keys.personal_list("unread", thread.flow_id, person_id), thread.id)
            pipe.hdel(keys.personal_list("unread-counts", thread.flow_id, person_id), thread.id)
            await pipe.execute()

    async def of(self, person_id: int, thread_ids: Sequence[str]) -> dict[str, int]:
        """Return the last message that a person has read in each thread, 0 for none."""
        if not thread_ids:
            return {}
        key = keys.read_marks(person_id)
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.execute_command("ZMSCORE", key, *thread_ids)
            pipe.execute_command("ZRANGE", key, 0, 0, "WITHSCORES")
            pipe.zcard(key)
            scores, oldest, count = await pipe.execute()
        floor = int(float(oldest[0][1])) if count >= MOST else 0
        return {one: int(score or floor) for one, score in zip(thread_ids, scores, strict=True)}

    async def forget(self, person_id: int) -> None:
        """Delete a person's marks, mentions and triage."""
        triage = (keys.triaged(kind, person_id) for kind in keys.TRIAGE)
        await self.redis.delete(keys.read_marks(person_id), keys.mentions(person_id), *triage)
