"""Views of the queue for people: what waits, is retried or is a dead letter, by connection.

Payloads stay where they are until somebody asks for one: an inbox may hold thousands of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from bridge.core.errors import NotFound
from bridge.queue.entries import REDRIVEN, Attempts, DeadLetter, Kind, dead_letter_entry, dropped
from bridge.storage import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

STEP = 100
"""Entries read in one step; the queue works in between."""
MOST_STEPS = 20


@dataclass(frozen=True, kw_only=True)
class EntrySummary:
    """A delivery (`inbox`) or a message for a connection (`outbox`), without its payload."""

    id: str
    kind: Kind
    delivery_id: str
    event: str
    action: str
    sender: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Queued(EntrySummary):
    """An entry that waits; `attempts` is None if none failed yet."""

    received_at: float
    attempts: Attempts | None


@dataclass(frozen=True, kw_only=True)
class DeadLetterSummary(EntrySummary):
    """A dead letter."""

    dead_since: float
    reason: str
    detail: str = field(repr=False)
    dropped: str = ""
    """The reason why it cannot be redriven: its payload was too large to keep. Empty otherwise."""


class QueueView:
    """Reads the streams, and changes nothing."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._find_entries = load_script(redis, "bridge.queue", "find_entries")

    async def vitals(self) -> tuple[int, float | None]:
        """Return the number of live workers, and the time of the last delivery in Unix seconds."""
        now, _ = await self._redis.time()
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zcount(keys.WORKERS, now, "+inf")
            for partition in range(keys.PARTITIONS):
                pipe.get(keys.received(partition))
            workers, *received = await pipe.execute()
        return workers, max((float(moment) for moment in received if moment), default=None)

    async def queued(self, repository_id: int, connection_id: str) -> list[Queued]:
        """List what waits or is retried for a connection, the oldest first; of a long queue only its head."""
        partition = keys.partition_of(repository_id)
        found: list[tuple[Kind, str, dict[str, str]]] = [
            (kind, entry_id, fields)
            for kind, stream in _STREAMS.items()
            for entry_id, fields in await self._entries(stream(partition), repository_id, connection_id)
        ]
        names = [f"{kind}:{entry_id}" for kind, entry_id, _ in found]
        attempts = await self._redis.hmget(keys.attempts(partition), names) if names else []
        return [
            _queued(kind, entry_id, fields, tried)
            for (kind, entry_id, fields), tried in zip(found, attempts, strict=True)
        ]

    async def dead_letters(self, repository_id: int, connection_id: str) -> list[DeadLetterSummary]:
        """List the dead letters of a connection and of its repository, the newest first."""
        partition = keys.partition_of(repository_id)
        entries = await self._entries(keys.dead(partition), repository_id, connection_id)
        return [_dead(partition, entry_id, fields) for entry_id, fields in reversed(entries)]

    async def dead_letters_of(self, wanted: Iterable[tuple[int, str]]) -> dict[str, list[DeadLetterSummary]]:
        """Return the dead letters of connections that have some; each is given with its repository's id."""
        asked = list(wanted)
        async with self._redis.pipeline(transaction=False) as pipe:
            for repository_id, _ in asked:
                index = keys.dead_index(keys.partition_of(repository_id))
                pipe.zlexcount(index, f"[{repository_id}/", f"({repository_id}0")
            counts = await pipe.execute()
        return {
            connection_id: letters
            for (repository_id, connection_id), count in zip(asked, counts, strict=True)
            if count and (letters := await self.dead_letters(repository_id, connection_id))
        }

    async def dead_letter(self, repository_id: int, connection_id: str, letter_id: str) -> DeadLetter:
        """Return a dead letter of a connection with its payload; raises `NotFound`."""
        for dead in await self.dead_letters(repository_id, connection_id):
            if dead.id == letter_id:
                partition, _, entry_id = letter_id.partition("-")
                for _, fields in await self._redis.xrange(keys.dead(int(partition)), entry_id, entry_id):
                    return dead_letter_entry(int(partition), entry_id, fields)
        raise NotFound("this dead letter was retried or dropped meanwhile")

    async def _entries(
        self, stream: str, repository_id: int, connection_id: str
    ) -> list[tuple[str, dict[str, str]]]:
        found: list[tuple[str, dict[str, str]]] = []
        position, mark = "-", f'"connection_id":"{connection_id}"'
        for _ in range(MOST_STEPS):
            last, entries = await self._find_entries(
                keys=[stream], args=[position, STEP, str(repository_id), mark, REDRIVEN]
            )
            if not last:
                break
            position = f"({last.decode()}"
            found += [(entry[0].decode(), _fields(entry[1:])) for entry in entries]
        return found


_STREAMS: dict[Kind, Any] = {"inbox": keys.inbox, "outbox": keys.outbox}


def _fields(flat: list[bytes]) -> dict[str, str]:
    return {
        name.decode(): value.decode(errors="replace")
        for name, value in zip(flat[::2], flat[1::2], strict=True)
    }


def _about(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what a delivery or a message is about; an entry of another version may lack some of it."""
    told = orjson.loads(fields["message"]) if "message" in fields else fields
    words = {name: str(told.get(name) or "") for name in ("delivery_id", "event", "action", "sender")}
    return {
        **words,
        "number": int(told.get("number") or 0),
        "received_at": float(told.get("received_at") or 0),
    }


def _queued(kind: Kind, entry_id: str, fields: Mapping[str, str], tried: bytes | None) -> Queued:
    attempts = msgspec.json.decode(tried, type=Attempts) if tried else None
    return Queued(id=entry_id, kind=kind, attempts=attempts, **_about(fields))


def _dead(partition: int, entry_id: str, fields: Mapping[str, str]) -> DeadLetterSummary:
    about = _about(fields)
    del about["received_at"]
    return DeadLetterSummary(
        id=f"{partition}-{entry_id}",
        kind="inbox" if fields["kind"] == "inbox" else "outbox",
        dead_since=int(entry_id.partition("-")[0]) / 1000,
        reason=fields["reason"],
        detail=fields["detail"],
        dropped=dropped(fields),
        **about,
    )
