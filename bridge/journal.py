"""What became of a repository's newest deliveries, connection by connection: for people, not for the queue.

Entries ride along with the queue's own atomic steps, so the journal tells neither of what was undone nor
keeps silent on what was done. Only the newest are kept, and counts for a day.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson
from redis.asyncio import Redis

from bridge import keys
from bridge.core.model import Connection, Delivery
from bridge.deliveries import Write

SECONDS = 7 * 24 * 3600
HOURS = 24
HOUR = 3600

Outcome = Literal["posted", "skipped", "dead"]


class Note(NamedTuple):
    """One line of the journal: `at` in Unix seconds, `connection_id` empty where it concerns them all."""

    at: float
    delivery_id: str
    event: str
    action: str
    number: int
    connection_id: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many of a connection's messages had which end, hour by hour; the last is the present hour."""

    posted: tuple[int, ...]
    skipped: tuple[int, ...]
    dead: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum((*self.posted, *self.skipped, *self.dead))


def skipped(
    repository_id: int,
    delivery: Delivery,
    number: int,
    connections: Iterable[Connection],
    reasons: Mapping[str, str],
) -> list[Write]:
    """What a delivery's commit writes about the connections that are not told, and why."""
    return [
        write
        for connection in connections
        if (reason := reasons.get(connection.id))
        for write in note(
            repository_id,
            Note(
                time.time(),
                delivery.id,
                delivery.event,
                delivery.action,
                number,
                connection.id,
                "skipped",
                reason,
            ),
        )
    ]


def note(repository_id: int, line: Note) -> list[Write]:
    """What is to be written for one line: itself, and its place in the counts."""
    writes = [Write("NOTE", keys.journal(repository_id), orjson.dumps(line, default=tuple), SECONDS)]
    if line.connection_id:
        place = keys.counts(repository_id, int(line.at) // HOUR)
        writes.append(Write("COUNT", place, f"{line.connection_id}:{line.outcome}", (HOURS + 1) * HOUR))
    return writes


class Journal:
    """Reads what was noted."""

    def __init__(self, redis: Redis) -> None:
        # redis-py's annotations offer each answer in every shape of every protocol version.
        self._redis: Any = redis

    async def notes(self, repository_id: int, connection_id: str) -> list[Note]:
        """The lines about one connection, or about all, the newest first."""
        lines = [
            Note(*orjson.loads(line)) for line in await self._redis.lrange(keys.journal(repository_id), 0, -1)
        ]
        return [line for line in lines if line.connection_id in ("", connection_id)]

    async def counts(self, repository_id: int, connection_id: str) -> Counts:
        """The last 24 hours."""
        now = int(time.time()) // HOUR
        async with self._redis.pipeline(transaction=False) as pipe:
            for hour in range(now - HOURS + 1, now + 1):
                pipe.hmget(
                    keys.counts(repository_id, hour),
                    [f"{connection_id}:{outcome}" for outcome in ("posted", "skipped", "dead")],
                )
            found = await pipe.execute()
        posted, skipped_, dead = zip(*([int(count or 0) for count in hour] for hour in found), strict=True)
        return Counts(posted=posted, skipped=skipped_, dead=dead)
