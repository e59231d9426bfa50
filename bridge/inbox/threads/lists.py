"""Each person's lists of a flow's threads, such as *Needs your review*, and what they triaged.

bridge names the holders of the turn (`placing`). A new message brings back a thread that is done or snoozed.
"""

import time
from collections.abc import Sequence
from typing import Literal

import orjson

from bridge.inbox import keys
from bridge.inbox.limits import LimitReached
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads import placing, stored
from bridge.inbox.threads.extension import pull_of
from bridge.inbox.threads.stored import InboxThread
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

MOST = 1000
"""Threads of a person in each state of triage; of the done and the muted ones, the oldest make room."""

UNTIL_ACTIVITY = float("inf")

Move = Literal["done", "snooze", "mute", "unmute", "undo"]


class ListStore:
    """All people's lists, in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._triage = load_script(redis, "bridge.inbox", "triage")
        self._pass = load_script(redis, "bridge.inbox", "pass")
        self._wake = load_script(redis, "bridge.inbox", "wake")

    async def move(
        self, person_id: int, thread: InboxThread, move: Move, *, until: float = UNTIL_ACTIVITY
    ) -> None:
        """Triage a thread, or undo that; a snoozed one returns at `until`. Raises `LimitReached`."""
        score = until * 1000 if move == "snooze" else time.time() * 1000
        outcome = await self._triage(
            keys=[keys.thread(thread.id), *(keys.triaged(kind, person_id) for kind in keys.TRIAGE)],
            args=[keys.LISTS, thread.flow_id, thread.id, person_id, move, score, MOST],
        )
        if outcome == b"full":
            raise LimitReached(
                f"you already have {MOST} snoozed threads", advice="Mark some of them as done first."
            )

    async def wake(self, person_id: int) -> None:
        """Put back what a person snoozed until now."""
        await self._wake(
            keys=[keys.triaged("snoozed", person_id)],
            args=[keys.LISTS, keys.THREAD, person_id, time.time() * 1000],
        )

    async def triaged(self, person_id: int, kind: keys.Triage, limit: int) -> dict[str, float]:
        """Return triaged threads, the last one first, each with its time in Unix seconds."""
        found = await self._redis.execute_command(
            "ZREVRANGE", keys.triaged(kind, person_id), 0, limit - 1, "WITHSCORES"
        )
        return {name.decode(): score / 1000 for name, score in found}

    async def triage_of(
        self, person_id: int, thread_ids: Sequence[str]
    ) -> dict[str, dict[keys.Triage, float]]:
        """Return the states of triage of each thread, with their times."""
        found: dict[str, dict[keys.Triage, float]] = {one: {} for one in thread_ids}
        async with self._redis.pipeline(transaction=False) as pipe:
            for kind in keys.TRIAGE:
                pipe.execute_command("ZMSCORE", keys.triaged(kind, person_id), *thread_ids)
            times = await pipe.execute() if thread_ids else []
        for kind, scores in zip(keys.TRIAGE, times, strict=bool(thread_ids)):
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
                *(keys.LISTS, thread.flow_id, thread.id),
                orjson.dumps(placing.lists_of(thread.told)),
                orjson.dumps(placing.lists_of(stored.with_turn(thread.told, passed))),
                *(orjson.dumps(passed), time.time() * 1000),
            ],
        )
        return bool(done)

    async def on(
        self, person_id: int, flow_ids: Sequence[str], kinds: Sequence[keys.ListName], limit: int
    ) -> tuple[dict[str, list[str]], list[tuple[str, str, int]]]:
        """Return the threads on a person's lists, of each flow the newest first.

        Besides, by kind and flow, the number of all where there are more than `limit`.
        """
        places = [(kind, flow_id) for kind in kinds for flow_id in flow_ids]
        async with self._redis.pipeline(transaction=False) as pipe:
            for kind, flow_id in places:
                pipe.execute_command("ZREVRANGE", keys.personal_list(kind, flow_id, person_id), 0, limit - 1)
                pipe.zcard(keys.personal_list(kind, flow_id, person_id))
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
                pipe.zcard(keys.personal_list("unread", flow_id, person_id))
            found = await pipe.execute() if flow_ids else []
        return dict(zip(flow_ids, found, strict=True))

    async def unread_in(self, person_id: int, threads: Sequence[InboxThread]) -> dict[str, int]:
        """Return the threads that a person has not read, each with its number of new messages."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for one in threads:
                pipe.execute_command("ZSCORE", keys.personal_list("unread", one.flow_id, person_id), one.id)
                pipe.hget(keys.personal_list("unread-counts", one.flow_id, person_id), one.id)
            found = await pipe.execute() if threads else []
        rows = zip(threads, found[::2], found[1::2], strict=True)
        return {one.id: int(count or 0) for one, score, count in rows if score is not None}

    async def read_all(self, person_id: int, flow_id: str) -> None:
        """Mark a whole flow as read."""
        await self._redis.delete(*keys.unread(flow_id, person_id))
