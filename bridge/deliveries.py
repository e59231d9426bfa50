"""The durable queue, on Redis.

A verified delivery is appended to its partition's *inbox* in the step that notes its id. The worker that
holds the partition's lease translates it and, in one atomic step, appends the messages to the *outbox*,
writes the snapshot and removes the delivery. A message leaves the outbox once Flowdock has it. So an
entry is in a stream exactly as long as its work is not done: there is no other bookkeeping to lose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
import orjson
from redis.exceptions import ResponseError

from bridge import keys, queue_lua
from bridge.core.errors import BridgeError, NotFound
from bridge.entries import (
    DeadLetter,
    Ended,
    Entry,
    InboxEntry,
    Incoming,
    Lease,
    Letter,
    OutboxEntry,
    Tries,
    Unreadable,
    Write,
    dead_letter,
    dump_letter,
    inbox_entry,
    outbox_entry,
    revived,
)
from bridge.redis_client import AnyRedis, run
from bridge.streams import Streams

SEEN_SECONDS = 4 * 24 * 3600
"""How long a delivery id is remembered: longer than GitHub can redeliver (3 days)."""

MAX_DEAD = 1000
"""Dead letters kept per partition; the oldest go first."""


class Fenced(BridgeError):
    """Another worker has taken the partition: this one's write was refused, and nothing was changed."""


class Deliveries:
    """The queue's two ends: `enqueue` for the web, all else for the worker that holds a lease."""

    def __init__(self, redis: AnyRedis, *, keep: float = 1) -> None:
        """`keep` is what all lifetimes are multiplied by: shorter ones for a soak."""
        # redis-py's annotations offer each answer in every shape of every protocol version.
        self._redis: Any = redis
        self._keep = keep
        self._noted: dict[int, int] = {}
        """By partition: the second in which it was last noted that something was taken."""
        self._enqueue = redis.register_script(queue_lua.ENQUEUE)
        self._commit = redis.register_script(queue_lua.COMMIT)
        self._finish = redis.register_script(queue_lua.FINISH)
        self._note_try = redis.register_script(queue_lua.NOTE_TRY)
        self._bury = redis.register_script(queue_lua.BURY)
        self._revive = redis.register_script(queue_lua.REVIVE)

    async def enqueue(self, group: Sequence[Incoming]) -> list[bool]:
        """Take deliveries for good, in this order; False for one whose id was taken before.

        On a cluster all must be of one partition. Raises redis-py's errors: then any may have been taken.
        """
        places = _Places([keys.seen(keys.partition_of(one.repository_id), one.delivery_id) for one in group])
        due: dict[int, int] = {}
        rows: list[tuple[int | str, ...]] = []
        for delivery_id, event, repository_id, number, received_at, signer, signature, _ in group:
            partition = keys.partition_of(repository_id)
            if self._noted.get(partition) != (second := int(received_at)):
                due.setdefault(partition, second)
            inbox = places.of(keys.inbox(partition))
            received = places.of(keys.received(partition)) if partition in due else 0
            # As text: Redis's scripts know no whole numbers beyond 2**53.
            signed = places.of(keys.signed(partition, signature)) if signature else 0
            about = delivery_id, event, str(repository_id), str(number), str(received_at)
            rows.append((inbox, received, *about, signed, signer))
        taken = await run(
            self._enqueue,
            keys=places.keys,
            args=[
                self._seconds(SEEN_SECONDS),
                msgspec.msgpack.encode(rows),
                *(one.body for one in group),
            ],
        )
        if all(taken):
            self._noted |= due
        return [bool(one) for one in taken]

    def inboxes(self) -> "Inboxes":
        """The inboxes, for one reader."""
        return Inboxes(self._redis)

    async def read_outbox(self, partition: int) -> list[OutboxEntry | Unreadable]:
        """All messages of a partition that are not posted yet, in order."""
        return [outbox_entry(*entry) for entry in await self._redis.xrange(keys.outbox(partition))]

    async def read_tries(self, partition: int) -> dict[str, Tries]:
        """What was tried in vain, by `inbox:ID` or `outbox:ID`."""
        found = await self._redis.hgetall(keys.tries(partition))
        return {name.decode(): Tries(**orjson.loads(tries)) for name, tries in found.items()}

    async def commit(
        self,
        lease: Lease,
        entries: Sequence[InboxEntry],
        *,
        writes: Sequence[Write] = (),
        letters: Sequence[Letter] = (),
    ) -> list[OutboxEntry] | None:
        """Replace deliveries by their letters and what they write.

        None if one of them is not there any more: then nothing was written (see `committed`).
        """
        partition = lease.partition
        names = [keys.fence(partition), keys.inbox(partition), keys.outbox(partition), keys.tries(partition)]
        places, rows = _Places(names), []
        for write in writes:
            rows.append((write.command, places.of(write.key), self._seconds(write.seconds)))
        ids = await _fenced(
            run(
                self._commit,
                keys=places.keys,
                args=[
                    lease.fence,
                    msgspec.msgpack.encode(([entry.id for entry in entries], rows)),
                    *(write.value for write in writes),
                    *map(dump_letter, letters),
                ],
            )
        )
        if ids is None:
            return None
        return [
            OutboxEntry(id=entry_id.decode(), letter=letter)
            for entry_id, letter in zip(ids, letters, strict=True)
        ]

    async def committed(self, lease: Lease, entry: InboxEntry) -> list[OutboxEntry]:
        """The letters of a delivery that was committed before: Redis went away before it could say so."""
        return [
            known
            for known in await self.read_outbox(lease.partition)
            if isinstance(known, OutboxEntry) and known.letter.delivery_id == entry.delivery_id
        ]

    async def finish(self, lease: Lease, ended: Sequence[Ended]) -> None:
        """Remove messages that Flowdock has, or that nobody wants any more."""
        partition = lease.partition
        places = _Places([keys.fence(partition), keys.outbox(partition), keys.tries(partition)])
        rows = [(one.entry.id, self._texts(one.writes, places)) for one in ended]
        await _fenced(run(self._finish, keys=places.keys, args=[lease.fence, msgspec.msgpack.encode(rows)]))

    async def note_try(self, lease: Lease, entry: Entry, tries: Tries) -> None:
        """Remember a try in vain, so that the next owner of the partition goes on from there."""
        await _fenced(
            self._note_try(
                keys=[keys.fence(lease.partition), keys.tries(lease.partition)],
                args=[lease.fence, f"{entry.kind}:{entry.id}", orjson.dumps(asdict(tries))],
            )
        )

    async def bury(
        self,
        lease: Lease,
        entry: Entry | Unreadable,
        *,
        reason: str,
        detail: str = "",
        writes: Sequence[Write] = (),
    ) -> None:
        """Move an entry to the dead letters; `detail` is for whoever mends it (a traceback, an answer)."""
        partition = lease.partition
        stream = keys.inbox(partition) if entry.kind == "inbox" else keys.outbox(partition)
        places = _Places([keys.fence(partition), stream, keys.tries(partition), keys.dead(partition)])
        texts = msgspec.msgpack.encode(self._texts(writes, places))
        await _fenced(
            self._bury(
                keys=places.keys,
                args=[lease.fence, entry.id, entry.kind, MAX_DEAD, reason, detail, texts],
            )
        )

    async def dead_letters(self) -> list[DeadLetter]:
        """All dead letters, the oldest first."""
        found = []
        for partition in range(keys.PARTITIONS):
            entries = await self._redis.xrange(keys.dead(partition))
            found += [dead_letter(partition, entry_id.decode(), fields) for entry_id, fields in entries]
        return sorted(found, key=lambda letter: letter.buried_at)

    async def revive(self, letter: DeadLetter) -> None:
        """Put a dead letter back into the queue, behind what is there; raises `NotFound` if it is gone.

        A message, too, goes through the inbox: that is where the partition's owner looks for new work.
        """
        partition, _, entry_id = letter.id.partition("-")
        fields = revived(letter.fields["letter"]) if letter.kind == "outbox" else []
        if not await self._revive(
            keys=[keys.dead(int(partition)), keys.inbox(int(partition))], args=[entry_id, *fields]
        ):
            raise NotFound(f"there is no dead letter {letter.id} any more")

    async def drop(self, letter: DeadLetter) -> None:
        """Forget a dead letter."""
        partition, _, entry_id = letter.id.partition("-")
        await self._redis.xdel(keys.dead(int(partition)), entry_id)

    def _seconds(self, seconds: int) -> int:
        return seconds if self._keep == 1 else max(1, int(seconds * self._keep))

    def _texts(self, writes: Sequence[Write], places: "_Places") -> list[tuple[str, int, int, str]]:
        return [
            (write.command, places.of(write.key), self._seconds(write.seconds), _text(write.value))
            for write in writes
        ]


class _Places:
    """The keys of a script, each once, and where each stands among them."""

    def __init__(self, first: list[str]) -> None:
        self.keys = first
        self._places: dict[str, int] = {}

    def of(self, key: str) -> int:
        """The place of a key, as Lua counts."""
        if (place := self._places.get(key)) is None:
            self.keys.append(key)
            place = self._places[key] = len(self.keys)
        return place


class Inboxes:
    """What one reader reads of the inboxes, one `read` after the other."""

    def __init__(self, redis: AnyRedis) -> None:
        self._streams = Streams(redis)

    async def read(
        self, positions: Mapping[int, str], *, count: int, block_ms: int
    ) -> list[tuple[int, InboxEntry]]:
        """New deliveries of these partitions, each after the entry named; waits up to `block_ms`."""
        partitions = {keys.inbox(partition): partition for partition in positions}
        found = await self._streams.read(
            {keys.inbox(partition): position for partition, position in positions.items()},
            count=count,
            block_ms=block_ms,
        )
        return [(partitions[stream], inbox_entry(entry_id, fields)) for stream, entry_id, fields in found]

    async def close(self) -> None:
        """Read nothing more."""
        await self._streams.close()


async def _fenced(script: Any) -> Any:
    try:
        return await script
    except ResponseError as error:
        if str(error).startswith("FENCED"):
            raise Fenced("another worker has the partition") from None
        raise


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
