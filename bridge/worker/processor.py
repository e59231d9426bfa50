"""What a worker does with an entry of a partition it holds: translate it, or post it; again if need be.

Deliveries of one pull request go one after the other, and so do the messages of one thread. A message
that must be tried again holds up its own thread; a flow that is down holds up its own messages.
"""

import asyncio
import random
import time
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import orjson
import structlog
from redis.exceptions import RedisError

from bridge.clients.flowdock import Flowdock
from bridge.core.errors import FlowdockFailing, FlowdockRejected, Malformed, SourceGone
from bridge.core.messages import thread
from bridge.core.pulls.model import PullRequest
from bridge.core.security.encryption import Undecryptable
from bridge.lifecycle import Shutdown, Stopped
from bridge.metrics import Metrics
from bridge.queue.delivery_queue import DeliveryQueue, Fenced
from bridge.queue.entries import (
    REDRIVEN,
    Ack,
    Attempts,
    Entry,
    InboxEntry,
    OutboxEntry,
    OutboxMessage,
    load_message,
)
from bridge.storage import delivery_log as journal
from bridge.storage.connections import ConnectionStore
from bridge.storage.delivery_log import Note
from bridge.storage.pulls import PullRequestStore
from bridge.storage.writes import Write
from bridge.worker.partition import Partition
from bridge.worker.translator import Outcome, Translator

POSTS_PER_FLOW = 8
BATCHES_AT_ONCE = 3
"""While one waits for Redis, others go on; each has its deliveries' payloads in memory, no longer packed."""

GIVE_UP_SECONDS = 24 * 3600
MAX_DELAY = 15 * 60
POISON_TRIES = 4
"""Tries for an entry that raises what nobody expected."""

REDIS_PAUSE = 0.5
UNTRIED = Attempts()

log = structlog.get_logger()


@dataclass
class FlowHealth:
    """How a connection's flow is doing: posts side by side, and not before a time if it fails."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(POSTS_PER_FLOW))
    not_before: float = 0
    failures: int = 0
    """In a row; a message that Flowdock takes ends the row."""

    async def opens(self, stop: Shutdown) -> None:
        """Wait until a post may go out, also if that is put off meanwhile; raises `Stopped`."""
        stop.check()
        moment = 0.0
        while moment != self.not_before:
            moment = self.not_before
            await stop.pause_until(moment)

    def failed(self, retry_after: float | None) -> None:
        """Put off all posts: the other threads need not find out for themselves.

        By the flow's own row of failures, not by one message's: a message that fails for ever while
        others are taken must hold up its own thread only.
        """
        now = time.time()
        if retry_after is not None:
            self.not_before = max(self.not_before, now + retry_after)
        elif now >= self.not_before:
            # Those under way together fail together: only the first of them counts.
            self.not_before = now + backoff(self.failures)
            self.failures += 1


@dataclass(kw_only=True)
class Processor:
    """Brings entries to their end. `post_seconds` bounds each post to Flowdock."""

    deliveries: DeliveryQueue
    connections: ConnectionStore
    pulls: PullRequestStore
    translator: Translator
    flowdock: Flowdock
    web_url: str
    post_seconds: float
    metrics: Metrics
    translating: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BATCHES_AT_ONCE))
    flows: defaultdict[str, FlowHealth] = field(default_factory=lambda: defaultdict(FlowHealth))

    async def handle(self, holding: Partition, entry: Entry) -> None:
        """Bring an entry to its end: done, or among the dead letters; tries again in between.

        Raises `Fenced` if another worker has the partition, `Stopped` if it is closed before a try.
        """
        attempts = holding.attempts.pop(f"{entry.kind}:{entry.id}", UNTRIED)
        while True:
            holding.stop.check()
            if attempts.next_at:
                with holding.aside(entry):
                    await holding.stop.pause_until(attempts.next_at)
            failed = await self._try(holding, entry, attempts)
            if failed is None:
                break
            attempts = failed
        if isinstance(entry, OutboxEntry):
            holding.newest.done(entry.message)

    async def _try(self, holding: Partition, entry: Entry, attempts: Attempts) -> Attempts | None:
        """One try; None when the entry is at its end, else what to go on from."""
        try:
            if isinstance(entry, InboxEntry):
                await self._translate_one(holding, entry)
            else:
                await self._post(holding, entry, is_first=attempts.count == 0)
        except (Fenced, Stopped):
            raise
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=type(error).__name__, doing=entry.kind)
            await holding.stop.pause(REDIS_PAUSE)
            return attempts
        except (FlowdockFailing, Undecryptable) as error:
            return await self._again(holding, entry, attempts, error)
        except (FlowdockRejected, Malformed) as error:
            await self._dead_letter(holding, entry, str(error))
        except Exception as error:
            return await self._poison(holding, entry, attempts, error)
        return None

    # The way through

    async def translate_all(self, holding: Partition, entries: Sequence[InboxEntry]) -> list[InboxEntry]:
        """Bring deliveries to their end together; returns those that `handle` must bring there one by one.

        They are those of which something went wrong, or did before, and those of the same repository behind
        them. Raises `Fenced` if another worker has the partition.
        """
        fit = _fit(holding, entries)
        async with self.translating:
            try:
                done = await self._translate(holding, fit)
            except Fenced:
                raise
            except Exception as error:
                # One by one, each tells what is wrong with it.
                log.debug("translated_apart", error=type(error).__name__)
                holding.newest.doubt()
                done = []
        ended = {entry.id for entry in done}
        return [entry for entry in entries if entry.id not in ended]

    async def _translate(self, holding: Partition, entries: Sequence[InboxEntry]) -> Sequence[InboxEntry]:
        """Translate deliveries and commit what comes of them; returns those it is done with."""
        outcome = await self.translator.translate(entries, holding.newest.snapshot)
        if not outcome.entries:
            return ()
        written = await self.deliveries.commit(
            holding.lease, outcome.entries, writes=outcome.writes, messages=outcome.messages
        )
        if written is None:
            holding.newest.doubt()
            return ()
        self._committed(holding, outcome, written)
        return outcome.entries

    async def _translate_one(self, holding: Partition, entry: InboxEntry) -> None:
        outcome = await self._outcome(entry)
        written = await self.deliveries.commit(
            holding.lease, [entry], writes=outcome.writes, messages=outcome.messages
        )
        if written is None:
            written = await self.deliveries.committed(holding.lease, entry)
        self._committed(holding, outcome, written)

    async def _outcome(self, entry: InboxEntry) -> Outcome:
        """What becomes of one delivery; raises what is wrong with it."""
        if entry.event == REDRIVEN:
            return Outcome(entries=[entry], messages=[load_message(entry.body)])
        outcome = await self.translator.translate([entry])
        for error in outcome.errors.values():
            raise error
        return outcome

    def _committed(self, holding: Partition, outcome: Outcome, written: Sequence[OutboxEntry]) -> None:
        for entry in outcome.entries:
            self.metrics.translation(entry.event)
        messages = [one.message for one in written]
        holding.newest.committed(
            outcome.pulls,
            messages,
            connections=outcome.connections,
            read_at=outcome.read_at,
            snapshots=outcome.snapshots,
        )
        for message in written:
            holding.take(message)

    async def _post(self, holding: Partition, entry: OutboxEntry, *, is_first: bool) -> None:
        flow = self.flows[entry.message.connection_id]
        async with flow.slots:
            await flow.opens(holding.stop)
            writes = await self._send(holding, entry.message, flow, is_first=is_first)
        await _persist(holding, lambda: holding.ack(Ack(entry, writes)))

    async def _send(
        self, holding: Partition, message: OutboxMessage, flow: FlowHealth, *, is_first: bool
    ) -> list[Write]:
        """Post a message; what is to be written once it is done."""
        connection = holding.newest.connection(message.connection_id) if is_first else None
        if connection is None:
            connection = await self.connections.get(message.connection_id)
        if connection is None:
            return _dropped(message, "the connection was removed")
        tags = await self.pulls.tags(message.content.mentions, flow=connection.flow)
        # The newest state, not the one of this delivery: a late message does not turn a thread back.
        pull = holding.newest.of(message) or await self.pulls.pull(message.repository_id, message.number)
        if pull is None:
            return _dropped(message, "what was known of the pull request has expired")
        thread_id = connection.thread_id(message.number)
        holding.stop.check()
        try:
            await self.flowdock.post(
                message.content,
                flow_token=connection.flow_token,
                thread_id=thread_id,
                thread=holding.newest.drawn(message, pull, self._draw),
                tags=tags,
                uuid=message.uuid,
                seconds=self.post_seconds,
            )
        except SourceGone as gone:
            holding.newest.forget(connection.id)
            await self.connections.forget_source(connection.id, gone)
            return _dropped(message, str(gone))
        flow.failures = 0
        log.info(
            "message_posted", delivery=message.delivery_id, connection=message.connection_id, thread=thread_id
        )
        return self._posted(message, pull)

    def _draw(self, pull: PullRequest) -> orjson.Fragment:
        return orjson.Fragment(orjson.dumps(thread.render(pull, web_url=self.web_url)))

    def _posted(self, message: OutboxMessage, pull: PullRequest) -> list[Write]:
        """Count what Flowdock took; what is to be written about it."""
        self.metrics.posted.inc()
        self.metrics.latency.observe(max(0, time.time() - message.received_at))
        return [
            *self.pulls.shown_writes(message.repository_id, pull),
            *journal.note(message.repository_id, _note_of(message, "posted")),
        ]

    # What goes wrong

    async def _again(
        self, holding: Partition, entry: Entry, attempts: Attempts, error: FlowdockFailing | Undecryptable
    ) -> Attempts | None:
        if time.time() - entry.received_at > GIVE_UP_SECONDS:
            await self._dead_letter(holding, entry, f"given up after a day: {error}")
            return None
        wanted = error.retry_after if isinstance(error, FlowdockFailing) else None
        wanted = None if wanted is None else min(wanted, GIVE_UP_SECONDS)
        if isinstance(entry, OutboxEntry):
            self.flows[entry.message.connection_id].failed(wanted)
        delay = backoff(attempts.count) if wanted is None else wanted
        return await self._note(holding, entry, attempts, delay, str(error))

    async def _poison(
        self, holding: Partition, entry: Entry, attempts: Attempts, error: Exception
    ) -> Attempts | None:
        """An error nobody expected: a few attempts, then a dead letter with the traceback."""
        if attempts.count + 1 < POISON_TRIES:
            return await self._note(holding, entry, attempts, backoff(attempts.count), type(error).__name__)
        reason = f"{type(error).__name__} while handling it"
        await self._dead_letter(holding, entry, reason, detail=traceback.format_exc())
        return None

    async def _note(
        self, holding: Partition, entry: Entry, attempts: Attempts, delay: float, reason: str
    ) -> Attempts:
        noted = replace(attempts, count=attempts.count + 1, next_at=time.time() + delay, reason=reason)
        self.metrics.retried.inc()
        log.warning(
            "try_failed",
            entry=entry.id,
            kind=entry.kind,
            attempts=noted.count,
            again_in=round(delay, 1),
            reason=reason,
        )
        await _persist(holding, lambda: self.deliveries.record_attempt(holding.lease, entry, noted))
        return noted

    async def _dead_letter(self, holding: Partition, entry: Entry, reason: str, *, detail: str = "") -> None:
        log.error("dead_letter", entry=entry.id, kind=entry.kind, reason=reason)
        self.metrics.dead_letters.inc()
        repository_id = entry.message.repository_id if isinstance(entry, OutboxEntry) else entry.repository_id
        writes = journal.note(repository_id, _note_of(entry, "dead", reason))
        await _persist(
            holding,
            lambda: self.deliveries.dead_letter(
                holding.lease, entry, reason=reason, detail=detail, writes=writes
            ),
        )


def _fit(holding: Partition, entries: Sequence[InboxEntry]) -> list[InboxEntry]:
    """Those that can be translated together: of no repository of which one was tried in vain, or dead."""
    held: set[int] = set()
    for entry in entries:
        if entry.event == REDRIVEN or f"inbox:{entry.id}" in holding.attempts:
            held.add(entry.repository_id)
    return [entry for entry in entries if entry.repository_id not in held]


async def _persist(holding: Partition, write: Callable[[], Awaitable[None]]) -> None:
    """Do a write, waiting for Redis as long as it is away: to forget it would be to repeat a post."""
    while True:
        try:
            return await write()
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=type(error).__name__, doing="noting what is done")
            await holding.cut.pause_until(time.time() + REDIS_PAUSE)


def _dropped(message: OutboxMessage, reason: str) -> list[Write]:
    """What is written about a message that goes nowhere.

    No dead letter: the connection and its token are gone for good, so nobody could send it again.
    """
    log.warning("message_dropped", delivery=message.delivery_id, reason=reason)
    return journal.note(message.repository_id, _note_of(message, "skipped", reason))


def _note_of(
    entry: InboxEntry | OutboxEntry | OutboxMessage, outcome: journal.Outcome, reason: str = ""
) -> Note:
    message = entry.message if isinstance(entry, OutboxEntry) else entry
    return Note(
        time.time(),
        message.delivery_id,
        message.event,
        message.action if isinstance(message, OutboxMessage) else "",
        message.number,
        message.connection_id if isinstance(message, OutboxMessage) else "",
        outcome,
        reason,
    )


def backoff(count: int) -> float:
    """Seconds before the next try after `count` in vain: 1, 2, 4 … 900, half of it by chance."""
    ceiling: float = min(MAX_DELAY, 2.0 ** min(count, 20))
    return ceiling * random.uniform(0.5, 1)  # noqa: S311  (spreads attempts, hides nothing)
