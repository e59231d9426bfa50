"""The log of a repository's newest deliveries, by connection: for people, not for the queue.

Entries are written in the queue's own atomic steps, so that the log agrees with what was done. It keeps only
the newest entries, and counts for a day.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any, Literal, NamedTuple, get_args

import orjson

from bridge.core.model import Connection, Delivery
from bridge.core.pulls import own_events
from bridge.storage import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis
from bridge.storage.writes import Write

SECONDS = 7 * 24 * 3600
HOURS = 24
HOUR = 3600

MAX_ACTION = 100
MAX_REASON = 1000

Outcome = Literal["posted", "skipped", "dead"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


class Note(NamedTuple):
    """An entry: `at` in Unix seconds; `connection_id` is empty if it concerns all connections."""

    at: float
    delivery_id: str
    event: str
    action: str
    number: int
    connection_id: str
    outcome: Outcome
    reason: str
    sender: str = ""


@dataclass(frozen=True)
class Counts:
    """Counts of a connection's messages by outcome, hour by hour; the last is the present hour.

    A dead letter that is retried counts by its next outcome only.
    """

    posted: tuple[int, ...]
    skipped: tuple[int, ...]
    dead: tuple[int, ...]

    @property
    def total(self) -> int:
        """Return the sum of all counts."""
        return sum((*self.posted, *self.skipped, *self.dead))


@dataclass(frozen=True, kw_only=True)
class Digest:
    """A summary of a connection: the newest line of a delivery of GitHub's, and the last 24 hours' counts."""

    last: Note | None
    counts: Counts


def skipped(
    repository_id: int,
    delivery: Delivery,
    number: int,
    connections: Iterable[Connection],
    reasons: Mapping[str, str],
) -> list[Write]:
    """Return the lines about connections that skip a delivery, and why, for its commit to write."""
    return [
        write
        for connection in connections
        if delivery.event not in own_events.ALL
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
                delivery.sender,
            ),
        )
    ]


def note(repository_id: int, line: Note) -> list[Write]:
    """Return the writes for one line: itself, and its place in the counts."""
    # Both may be a stranger's words.
    short = line._replace(action=line.action[:MAX_ACTION], reason=line.reason[:MAX_REASON])
    place = keys.counts(repository_id, int(line.at) // HOUR)
    counted = counted_as(repository_id, line.connection_id, line.outcome)
    return [
        Write("NOTE", keys.journal(repository_id), orjson.dumps(tuple(short)), SECONDS),
        Write("COUNT", place, counted, (HOURS + 1) * HOUR),
    ]


def counted_as(repository_id: int, connection_id: str, outcome: Outcome) -> str:
    """Return the field of an hour's counts; without a connection, that of all of the repository."""
    return f"{connection_id or f'repository-{repository_id}'}:{outcome}"


class DeliveryLog:
    """Reads the log."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._hourly_counts = load_script(redis, "bridge.storage", "hourly_counts")

    async def notes(self, repository_id: int, connection_id: str) -> list[Note]:
        """Return a connection's entries, the newest first."""
        lines = [
            Note(*orjson.loads(line)) for line in await self._redis.lrange(keys.journal(repository_id), 0, -1)
        ]
        return [line for line in lines if line.connection_id in ("", connection_id)]

    async def counts(self, repository_id: int, connection_id: str) -> Counts:
        """Return a connection's counts of the last 24 hours."""
        digests = await self.digests([(repository_id, connection_id)])
        return digests[connection_id].counts

    async def digests(self, wanted: Iterable[tuple[int, str]]) -> dict[str, Digest]:
        """Return many connections' digests by connection; each is given with its repository's id."""
        of_repository: dict[int, list[str]] = {}
        for repository_id, connection_id in wanted:
            of_repository.setdefault(repository_id, []).append(connection_id)
        now = int(time.time()) // HOUR
        hours = range(now - HOURS + 1, now + 1)
        async with self._redis.pipeline(transaction=False) as pipe:
            for repository_id, ids in of_repository.items():
                pipe.lrange(keys.journal(repository_id), 0, -1)
                self._hourly_counts.add_to(
                    pipe,
                    keys=[keys.counts(repository_id, hour) for hour in hours],
                    args=[
                        counted_as(repository_id, one, outcome) for one in ["", *ids] for outcome in OUTCOMES
                    ],
                )
            found = await pipe.execute()
        digests: dict[str, Digest] = {}
        for ids, lines, hourly in zip(of_repository.values(), found[::2], found[1::2], strict=True):
            digests |= _digests(ids, [Note(*orjson.loads(line)) for line in lines], hourly)
        return digests


def _digests(ids: Sequence[str], notes: Sequence[Note], hourly: Sequence[Sequence[Any]]) -> dict[str, Digest]:
    """Return each connection's digest; what counts for all of the repository is added to its own."""
    columns = [tuple(int(count or 0) for count in column) for column in zip(*hourly, strict=True)]
    width = len(OUTCOMES)
    of_all, *of_each = (columns[at : at + width] for at in range(0, len(columns), width))
    told = [note for note in notes if note.event not in own_events.ALL]
    return {
        connection_id: Digest(
            last=next((note for note in told if note.connection_id in ("", connection_id)), None),
            counts=Counts(*(tuple(map(add, *both)) for both in zip(of_all, own, strict=True))),
        )
        for connection_id, own in zip(ids, of_each, strict=True)
    }
