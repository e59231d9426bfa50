"""Desks: what a flow's threads are to each person, and the shelves on which people put threads away.

A thread is on a desk by bridge's word (`bridge.inbox.threads.placing`). Each message brings it back.
"""

import time
from collections.abc import Sequence
from typing import Literal

import orjson

from bridge.core.errors import RequestRefused
from bridge.inbox import keys
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads import placing, stored
from bridge.inbox.threads.extension import pull_of
from bridge.inbox.threads.stored import InboxThread
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

MOST = 1000
"""Threads on a shelf. The oldest done ones leave the list then, the oldest muted ones are loud again."""

UNTIL_ACTIVITY = float("inf")

Move = Literal["done", "snooze", "mute", "unmute", "undo"]


class ShelfFull(RequestRefused):
    """The person snoozed as much as anybody may."""

    status = 422
    advice = "Mark some of it as done instead."
    sentence = f"you have {MOST} snoozed threads, which is the most"


class DeskStore:
    """All desks and shelves, in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._shelve = load_script(redis, "bridge.inbox", "shelve")
        self._pass = load_script(redis, "bridge.inbox", "pass")
        self._wake = load_script(redis, "bridge.inbox", "wake")

    async def move(
        self, person_id: int, thread: InboxThread, move: Move, *, until: float = UNTIL_ACTIVITY
    ) -> None:
        """Put a thread on a shelf or take it off; a snoozed one returns at `until`. Raises `ShelfFull`."""
        score = until * 1000 if move == "snooze" else time.time() * 1000
        outcome = await self._shelve(
            keys=[keys.thread(thread.id), *(keys.shelf(kind, person_id) for kind in keys.SHELVES)],
            args=[keys.DESKS, thread.flow_id, thread.id, person_id, move, score, MOST],
        )
        if outcome == b"full":
            raise ShelfFull

    async def wake(self, person_id: int) -> None:
        """Put back what a person snoozed until now."""
        await self._wake(
            keys=[keys.shelf("snoozed", person_id)],
            args=[keys.DESKS, keys.THREAD, person_id, time.time() * 1000],
        )

    async def shelf(self, person_id: int, kind: keys.Shelf, limit: int) -> dict[str, float]:
        """Return threads on a shelf, those put there last first, each with its time in Unix seconds."""
        found = await self._redis.execute_command(
            "ZREVRANGE", keys.shelf(kind, person_id), 0, limit - 1, "WITHSCORES"
        )
        return {name.decode(): score / 1000 for name, score in found}

    async def shelves(self, person_id: int, thread_ids: Sequence[str]) -> dict[str, dict[keys.Shelf, float]]:
        """Return the shelves that each thread is on, with the times."""
        found: dict[str, dict[keys.Shelf, float]] = {one: {} for one in thread_ids}
        async with self._redis.pipeline(transaction=False) as pipe:
            for kind in keys.SHELVES:
                pipe.execute_command("ZMSCORE", keys.shelf(kind, person_id), *thread_ids)
            times = await pipe.execute() if thread_ids else []
        for kind, scores in zip(keys.SHELVES, times, strict=bool(thread_ids)):
            for one, score in zip(thread_ids, scores, strict=True):
                if score is not None:
                    found[one][kind] = score / 1000
        return found

    async def pass_turn(self, thread: InboxThread, to: InboxPerson, *, by: InboxPerson) -> bool:
        """Give somebody the turn until bridge names a new one; False if there is none or a new one."""
        holder = {"id": to.id, "login": to.nick, "since": int(time.time() * 1000)}
        why = "taken" if to.id == by.id else f"passed on by {by.nick}"
        passed = {"who": to.nick, "why": why, "people": [holder], "by": by.nick}
        if not (pull := pull_of(thread.told)) or not pull.turn:
            return False
        done = await self._pass(
            keys=[keys.thread(thread.id)],
            args=[
                *(keys.DESKS, thread.flow_id, thread.id),
                orjson.dumps(placing.places(thread.told)),
                orjson.dumps(placing.places(stored.with_turn(thread.told, passed))),
                *(orjson.dumps(passed), time.time() * 1000),
            ],
        )
        return bool(done)

    async def on(
        self, person_id: int, flow_ids: Sequence[str], kinds: Sequence[keys.Desk], limit: int
    ) -> tuple[dict[str, list[str]], list[tuple[str, str, int]]]:
        """Return the threads of flows that are something to a person, of each flow the newest first.

        Besides, by kind and flow, the number of all where there are more than `limit`.
        """
        places = [(kind, flow_id) for kind in kinds for flow_id in flow_ids]
        async with self._redis.pipeline(transaction=False) as pipe:
            for kind, flow_id in places:
                pipe.execute_command("ZREVRANGE", keys.desk(kind, flow_id, person_id), 0, limit - 1)
                pipe.zcard(keys.desk(kind, flow_id, person_id))
            found = await pipe.execute() if places else []
        listed: dict[str, list[str]] = {kind: [] for kind in kinds}
        for (kind, _), ids in zip(places, found[::2], strict=True):
            listed[kind] += [one.decode() for one in ids]
        counted = zip(places, found[1::2], strict=True)
        return listed, [(*place, count) for place, count in counted if count > limit]

    async def unread(self, person_id: int, flow_ids: Sequence[str]) -> dict[str, int]:
        """Return how many threads a person has not read in each flow."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for flow_id in flow_ids:
                pipe.zcard(keys.desk("unread", flow_id, person_id))
            found = await pipe.execute() if flow_ids else []
        return dict(zip(flow_ids, found, strict=True))

    async def unread_in(self, person_id: int, threads: Sequence[InboxThread]) -> dict[str, int]:
        """Return the threads that a person has not read, each with its number of new messages."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for one in threads:
                pipe.execute_command("ZSCORE", keys.desk("unread", one.flow_id, person_id), one.id)
                pipe.hget(keys.desk("unread-counts", one.flow_id, person_id), one.id)
            found = await pipe.execute() if threads else []
        rows = zip(threads, found[::2], found[1::2], strict=True)
        return {one.id: int(count or 0) for one, score, count in rows if score is not None}

    async def read_all(self, person_id: int, flow_id: str) -> None:
        """Mark a whole flow as read."""
        await self._redis.delete(*keys.unread(flow_id, person_id))
