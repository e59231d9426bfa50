"""The durable queue, on Redis.

One atomic step notes a verified delivery's id and appends it to its partition's *inbox*. The worker that
holds the partition's lease translates it and, in one atomic step, appends its messages to the *outbox*,
writes the snapshot and removes the delivery. A message leaves the outbox once Flowdock has it. So an entry
stays in a stream until its work is done: there is no other bookkeeping to lose.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import msgspec
import orjson
from redis.exceptions import ResponseError

from bridge.core.budgets import DEFAULT, MAX_DETAIL, MAX_MESSAGE, MAX_REASON, MAX_VALUE, Budgets
from bridge.core.errors import BridgeError, Malformed, NotFound
from bridge.queue.backlog import Backlog
from bridge.queue.entries import (
    Ack,
    Attempts,
    DeadLetter,
    EnqueueResult,
    Entry,
    InboxEntry,
    IncomingDelivery,
    Lease,
    OutboxEntry,
    OutboxMessage,
    Unreadable,
    dead_letter_entry,
    dead_message,
    dump_message,
    outbox_entry,
    redriven,
)
from bridge.queue.inboxes import Inboxes
from bridge.storage import keys
from bridge.storage.delivery_log import HOUR, counted_as
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis
from bridge.storage.writes import Write

DAY = 24 * 3600
SEEN_SECONDS = 4 * DAY
"""Seconds that a delivery's id is remembered: longer than GitHub can redeliver it (3 days)."""

_ANSWERS = tuple(EnqueueResult)


class Fenced(BridgeError):
    """Another worker has taken the partition: Redis refused the write, and nothing has changed."""


class DeliveryQueue:
    """The durable queue: `enqueue` is for the web, the rest for the worker that holds a lease."""

    def __init__(self, redis: Redis, *, budgets: Budgets = DEFAULT) -> None:
        self._redis = redis
        self._budgets = budgets
        self.backlog = Backlog(redis, budgets)
        self._enqueue = load_script(redis, "bridge.queue", "enqueue")
        self._commit = load_script(redis, "bridge.queue", "commit")
        self._ack = load_script(redis, "bridge.queue", "ack")
        self._record_attempt = load_script(redis, "bridge.queue", "record_attempt")
        self._dead_letter = load_script(redis, "bridge.queue", "dead_letter")
        self._redrive = load_script(redis, "bridge.queue", "redrive")
        self._drop = load_script(redis, "bridge.queue", "drop")

    async def enqueue(self, group: Sequence[IncomingDelivery]) -> list[EnqueueResult]:
        """Enqueue deliveries in this order, as far as their repositories have room.

        On a cluster all must be of one partition. After an error of redis-py any may have been enqueued.
        """
        marks = [keys.seen(keys.partition_of(one.repository_id), one.delivery_id) for one in group]
        script_keys = ScriptKeys(marks)
        rows = [_enqueue_row(one, script_keys) for one in group]
        is_over = self.backlog.is_over()
        answers = await self._enqueue(
            keys=script_keys.all,
            args=[
                SEEN_SECONDS,
                self._budgets.room(is_over=is_over),
                self._budgets.a_day,
                msgspec.msgpack.encode(rows),
                *[one.body for one in group],
            ],
        )
        full = EnqueueResult.QUEUE_FULL if is_over else EnqueueResult.REPOSITORY_FULL
        return [full if one == EnqueueResult.REPOSITORY_FULL else _ANSWERS[one] for one in answers]

    def inboxes(self) -> Inboxes:
        """Return the inboxes for one reader."""
        return Inboxes(self._redis)

    async def read_outbox(self, partition: int) -> list[OutboxEntry | Unreadable]:
        """Read all messages of a partition that are not posted yet, in order."""
        return [outbox_entry(*entry) for entry in await self._redis.xrange(keys.outbox(partition))]

    async def read_attempts(self, partition: int) -> dict[str, Attempts]:
        """Read the failed attempts, by `inbox:ID` or `outbox:ID`."""
        found = await self._redis.hgetall(keys.attempts(partition))
        return {name.decode(): msgspec.json.decode(data, type=Attempts) for name, data in found.items()}

    async def commit(
        self,
        lease: Lease,
        entries: Sequence[InboxEntry],
        *,
        writes: Sequence[Write] = (),
        messages: Sequence[OutboxMessage] = (),
        later: Sequence[IncomingDelivery] = (),
    ) -> list[OutboxEntry] | None:
        """Replace deliveries by their messages, their writes, and deliveries of bridge's own for `later`.

        Returns None, having written nothing, if one of them is gone (see `committed`). Raises `Malformed`
        if a write is larger than GitHub's deliveries make, or if far too many messages of a repository
        wait.
        """
        values, dumped = [write.value for write in writes], [dump_message(one) for one in messages]
        _hold_to_size(values, MAX_VALUE)
        _hold_to_size(dumped, MAX_MESSAGE)
        names = (keys.fence, keys.inbox, keys.outbox, keys.attempts, keys.backlog)
        script_keys = ScriptKeys([name(lease.partition) for name in names])
        step = {
            "ids": [one.id for one in entries],
            "writes": [_write_row(write, script_keys) for write in writes],
            "repositories": [str(one.repository_id) for one in messages],
            "later": [one.fields for one in later],
            "most_kept": self._budgets.kept,
            "most_waiting": self._budgets.most,
        }
        bodies = [one.body for one in later]
        args = [lease.fence, msgspec.msgpack.encode(step), *values, *dumped, *bodies]
        ids = await _fenced(self._commit(keys=script_keys.all, args=args))
        if ids is None:
            return None
        return [
            OutboxEntry(id=entry_id.decode(), message=message)
            for entry_id, message in zip(ids, messages, strict=True)
        ]

    async def committed(self, lease: Lease, entry: InboxEntry) -> list[OutboxEntry]:
        """Read the messages of a delivery whose commit succeeded although Redis's answer was lost."""
        return [
            known
            for known in await self.read_outbox(lease.partition)
            if isinstance(known, OutboxEntry) and known.message.delivery_id == entry.delivery_id
        ]

    async def ack(self, lease: Lease, acks: Sequence[Ack]) -> None:
        """Remove messages that are posted or dropped."""
        names = (keys.fence, keys.outbox, keys.attempts, keys.backlog)
        script_keys = ScriptKeys([name(lease.partition) for name in names])
        rows = [(ack.entry.id, _text_rows(ack.writes, script_keys)) for ack in acks]
        args = [lease.fence, msgspec.msgpack.encode(rows)]
        await _fenced(self._ack(keys=script_keys.all, args=args))

    async def record_attempt(self, lease: Lease, entry: Entry, attempts: Attempts) -> None:
        """Record a failed attempt, so that the next owner of the partition continues from there."""
        short = asdict(attempts) | {"reason": attempts.reason[:MAX_REASON]}
        await _fenced(
            self._record_attempt(
                keys=[keys.fence(lease.partition), keys.attempts(lease.partition)],
                args=[lease.fence, f"{entry.kind}:{entry.id}", orjson.dumps(short)],
            )
        )

    async def dead_letter(
        self,
        lease: Lease,
        entry: Entry | Unreadable,
        *,
        reason: str,
        detail: str = "",
        writes: Sequence[Write] = (),
    ) -> None:
        """Move an entry to the dead letters; `detail` helps to debug it (a traceback, an answer).

        A large payload is not kept, and older dead letters make room: see `Budgets.dead`.
        """
        partition = lease.partition
        stream = keys.inbox(partition) if entry.kind == "inbox" else keys.outbox(partition)
        # A message has no mark to forget: it is never too large.
        delivery_id = entry.delivery_id if isinstance(entry, InboxEntry) else ""
        names = [keys.fence(partition), stream, keys.attempts(partition), *_of_dead(partition)]
        script_keys = ScriptKeys([*names, keys.seen(partition, delivery_id)])
        rows = msgspec.msgpack.encode(_text_rows(writes, script_keys))
        bounds = msgspec.msgpack.encode(self._budgets.dead(partitions=keys.PARTITIONS)._asdict())
        why = (reason[:MAX_REASON], detail[-MAX_DETAIL:])
        args: list[str | bytes] = [lease.fence, entry.id, entry.kind, *why, rows, bounds]
        await _fenced(self._dead_letter(keys=script_keys.all, args=args))

    async def dead_letters(self) -> list[DeadLetter]:
        """List all dead letters, the oldest first."""
        found = []
        for partition in range(keys.PARTITIONS):
            entries = await self._redis.xrange(keys.dead(partition))
            found += [dead_letter_entry(partition, entry_id.decode(), fields) for entry_id, fields in entries]
        return sorted(found, key=lambda letter: letter.dead_since)

    async def redrive(self, letter: DeadLetter) -> None:
        """Put a dead letter back at the end of the queue; raises `NotFound` if it is gone.

        Raises `Malformed` if its payload was dropped. A message, too, goes through the inbox: there the owner
        of the partition looks for new work.
        """
        if letter.dropped:
            raise Malformed(letter.dropped)
        partition, _, entry_id = letter.id.partition("-")
        message = dead_message(letter.fields["message"]) if letter.kind == "outbox" else None
        repository_id = message.repository_id if message else int(letter.fields["repository_id"])
        counted = counted_as(repository_id, message.connection_id if message else "", "dead")
        fields = redriven(message, letter.fields["message"]) if message else []
        dead, backlog, index = _of_dead(int(partition))
        counts = keys.counts(repository_id, int(letter.dead_since) // HOUR)
        names = [dead, keys.inbox(int(partition)), backlog, index, counts]
        if not await self._redrive(keys=names, args=[entry_id, counted, *fields]):
            raise NotFound(f"the dead letter {letter.id} no longer exists")

    async def drop(self, letter: DeadLetter) -> None:
        """Delete a dead letter."""
        partition, _, entry_id = letter.id.partition("-")
        await self._drop(keys=_of_dead(int(partition)), args=[entry_id])


class ScriptKeys:
    """Collects the keys of a script call, each once; `first` are those whose places the script knows."""

    def __init__(self, first: list[str]) -> None:
        self.all = first
        self._places: dict[tuple[str, ...], int] = {}

    def place(self, *names: str) -> int:
        """Return the place of a key, counted from 1, or of the first of several adjacent keys."""
        if (place := self._places.get(names)) is None:
            place = self._places[names] = len(self.all) + 1
            self.all += names
        return place


def _write_row(write: Write, script_keys: ScriptKeys) -> tuple[str, int, int, int]:
    kept = script_keys.place(write.kept) if write.kept else 0
    return write.command, script_keys.place(write.key), write.seconds, kept


def _text_rows(writes: Sequence[Write], script_keys: ScriptKeys) -> list[tuple[str, int, int, str]]:
    return [(one.command, script_keys.place(one.key), one.seconds, _text(one.value)) for one in writes]


@lru_cache(maxsize=4096)
def _partition_keys(partition: int, day: int) -> tuple[str, ...]:
    names = (keys.inbox, keys.received, keys.backlog)
    return *(name(partition) for name in names), keys.taken(partition, day)


def _enqueue_row(one: IncomingDelivery, script_keys: ScriptKeys) -> tuple[int | str, ...]:
    partition = keys.partition_of(one.repository_id)
    return (
        script_keys.place(*_partition_keys(partition, int(one.received_at) // DAY)),
        script_keys.place(keys.signed(partition, one.signature)) if one.signature else 0,
        one.delivery_id,
        one.event,
        # As text: Redis's scripts know no whole numbers beyond 2**53.
        str(one.repository_id),
        str(one.number),
        str(one.received_at),
        one.signer,
    )


async def _fenced(script: Any) -> Any:
    try:
        return await script
    except ResponseError as error:
        if str(error).startswith("FENCED"):
            raise Fenced("another worker has the partition") from None
        if str(error).startswith("FULL"):
            raise Malformed(
                "this repository's waiting messages take up twice REPOSITORY_BYTES:"
                " retry once they are posted"
            ) from None
        raise


def _of_dead(partition: int) -> list[str]:
    return [keys.dead(partition), keys.backlog(partition), keys.dead_index(partition)]


def _hold_to_size(values: Iterable[bytes | str], most: int) -> None:
    if any(len(value) > most for value in values):
        raise Malformed(f"the result is larger than {most:,} bytes: GitHub sends nothing that large")


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
