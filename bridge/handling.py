"""What a worker does with an entry of a partition it holds: translate it, or post it; again if need be.

Deliveries of one pull request go one after the other, and so do the messages of one thread. A message
that must be tried again holds up its own thread; a flow that is down holds up its own messages.
"""

import asyncio
import random
import time
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from redis.exceptions import RedisError

from bridge.core import events, snapshot, thread, translate, webhook
from bridge.core.errors import FlowdockFailing, FlowdockRejected, SourceGone
from bridge.core.model import Connection, Delivery
from bridge.core.vault import Undecryptable
from bridge.deliveries import Deliveries, Entry, Fenced, InboxEntry, Lease, Letter, OutboxEntry, Tries
from bridge.flowdock import Flowdock
from bridge.lanes import Lanes
from bridge.metrics import Metrics
from bridge.store import Store

POSTS_PER_FLOW = 8
GIVE_UP_SECONDS = 24 * 3600
MAX_DELAY = 15 * 60
POISON_TRIES = 4
"""Tries for an entry that raises what nobody expected."""

REDIS_PAUSE = 0.5

log = structlog.get_logger()


class Stopped(Exception):
    """The worker was told to stop while an entry waited; it stays in Redis for the next owner."""


class Stop:
    """Told once, heard by everything that waits."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Tell it."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether it was told."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Return once it is told."""
        await self._event.wait()

    async def pause(self, seconds: float) -> None:
        """Sleep, but no longer than until it is told."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return

    async def pause_until(self, moment: float) -> None:
        """Wait for a time (Unix seconds); raises `Stopped` if told before it came."""
        while (delay := moment - time.time()) > 0:
            if self.is_set():
                raise Stopped
            # In steps: the clock may be set while we wait.
            await self.pause(min(delay, 30))


class Holding:
    """A partition in a worker's hands, until `lost`."""

    def __init__(
        self, lease: Lease, handle: Callable[["Holding", Entry], Awaitable[None]], group: asyncio.TaskGroup
    ) -> None:
        self.lease = lease
        self.position = "0"
        self.tries: dict[str, Tries] = {}
        self._inbox = Lanes[Entry](lambda entry: handle(self, entry), group)
        self._outbox = Lanes[Entry](lambda entry: handle(self, entry), group)

    @property
    def loaded(self) -> int:
        """Deliveries in memory."""
        return len(self._inbox)

    def take(self, entry: Entry) -> None:
        """Queue an entry in its lane: a pull request's deliveries, a thread's messages."""
        if isinstance(entry, InboxEntry):
            self.position = entry.id
            self._inbox.add((entry.repository_id, entry.number), entry)
        else:
            self._outbox.add((entry.letter.connection_id, entry.letter.number), entry)

    def close(self) -> None:
        """Begin nothing more."""
        self._inbox.close()
        self._outbox.close()

    async def drained(self) -> None:
        """Wait for what is under way."""
        await self._inbox.drained()
        await self._outbox.drained()

    def lost(self) -> None:
        """Stop at once, also what is under way."""
        self._inbox.cancel()
        self._outbox.cancel()


@dataclass
class Flow:
    """How a connection's flow is doing: posts side by side, and not before a time if it fails."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(POSTS_PER_FLOW))
    not_before: float = 0


@dataclass(kw_only=True)
class Handler:
    """Brings entries to their end. `post_seconds` bounds each post to Flowdock."""

    deliveries: Deliveries
    store: Store
    flowdock: Flowdock
    web_url: str
    post_seconds: float
    metrics: Metrics
    stop: Stop
    flows: defaultdict[str, Flow] = field(default_factory=lambda: defaultdict(Flow))

    async def handle(self, holding: Holding, entry: Entry) -> None:
        """Bring an entry to its end: done, or among the dead letters; tries again in between.

        Raises `Fenced` if another worker has the partition, `Stopped` if told to stop before a try.
        """
        tries = holding.tries.pop(f"{entry.kind}:{entry.id}", Tries())
        while True:
            await self.stop.pause_until(tries.next_at)
            failed = await self._try(holding, entry, tries)
            if failed is None:
                return
            tries = failed

    async def _try(self, holding: Holding, entry: Entry, tries: Tries) -> Tries | None:
        """One try; None when the entry is at its end, else what to go on from."""
        try:
            if isinstance(entry, InboxEntry):
                await self._translate(holding, entry)
            else:
                await self._post(holding, entry)
        except (Fenced, Stopped):
            raise
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=type(error).__name__, doing=entry.kind)
            await self.stop.pause(REDIS_PAUSE)
            if self.stop.is_set():
                raise Stopped from None
            return tries
        except (FlowdockFailing, Undecryptable) as error:
            return await self._again(holding, entry, tries, error)
        except FlowdockRejected as error:
            await self._bury(holding, entry, str(error))
        except Exception as error:
            return await self._poison(holding, entry, tries, error)
        return None

    # The way through

    async def _translate(self, holding: Holding, entry: InboxEntry) -> None:
        payload = webhook.read_document(entry.body)
        delivery = Delivery(id=entry.delivery_id, event=entry.event, payload=payload, body=entry.body)
        full_name = payload["repository"]["full_name"]
        connections = await self.store.connections_for(entry.repository_id, full_name)
        if not connections or not events.is_needed(delivery):
            log.info("delivery_skipped", delivery=delivery.id, repository=full_name, reason="not connected")
            await self.deliveries.commit(holding.lease, entry, snapshot=b"", letters=[])
            return
        data = await self.store.snapshot(entry.repository_id, entry.number)
        known = snapshot.load(data) if data else None
        result = translate.translate(delivery, known, connections)
        committed = await self.deliveries.commit(
            holding.lease,
            entry,
            snapshot=snapshot.dump(result.pull),
            letters=_letters(entry, result),
        )
        self.metrics.translated.labels(event=entry.event).inc()
        for letter in committed:
            holding.take(letter)

    async def _post(self, holding: Holding, entry: OutboxEntry) -> None:
        letter = entry.letter
        connection = await self.store.connection(letter.connection_id)
        data = await self.store.snapshot(letter.repository_id, letter.number)
        if connection is None or data is None:
            log.info("message_dropped", delivery=letter.delivery_id, reason="the connection was removed")
        else:
            # The newest snapshot, not the one of this delivery: a late message does not turn a thread back.
            state = thread.render(snapshot.load(data), web_url=self.web_url)
            await self._send(letter, connection, state)
        await _persist(lambda: self.deliveries.finish(holding.lease, entry))

    async def _send(self, letter: Letter, connection: Connection, state: dict[str, Any]) -> None:
        flow = self.flows[connection.id]
        thread_id = connection.thread_id(letter.number)
        async with flow.slots:
            await self.stop.pause_until(flow.not_before)
            try:
                await self.flowdock.post(
                    letter.message,
                    flow_token=connection.flow_token,
                    thread_id=thread_id,
                    thread=state,
                    uuid=letter.uuid,
                    seconds=self.post_seconds,
                )
            except SourceGone as gone:
                await self.store.disconnect(connection.id)
                log.warning("disconnected", connection=connection.id, reason=str(gone))
                return
        self.metrics.posted.inc()
        self.metrics.latency.observe(max(0, time.time() - letter.received_at))
        log.info("message_posted", delivery=letter.delivery_id, connection=connection.id, thread=thread_id)

    # What goes wrong

    async def _again(
        self, holding: Holding, entry: Entry, tries: Tries, error: FlowdockFailing | Undecryptable
    ) -> Tries | None:
        if time.time() - entry.received_at > GIVE_UP_SECONDS:
            await self._bury(holding, entry, f"given up after a day: {error}")
            return None
        wanted = error.retry_after if isinstance(error, FlowdockFailing) else None
        delay = backoff(tries.count) if wanted is None else min(wanted, GIVE_UP_SECONDS)
        if isinstance(entry, OutboxEntry):
            # The flow's other threads need not find out for themselves.
            self.flows[entry.letter.connection_id].not_before = time.time() + delay
        return await self._note(holding, entry, tries, delay, str(error))

    async def _poison(self, holding: Holding, entry: Entry, tries: Tries, error: Exception) -> Tries | None:
        """An error nobody expected: a few tries, then a dead letter with the traceback."""
        if tries.count + 1 < POISON_TRIES:
            return await self._note(holding, entry, tries, backoff(tries.count), type(error).__name__)
        reason = f"{type(error).__name__} while handling it"
        await self._bury(holding, entry, reason, detail=traceback.format_exc())
        return None

    async def _note(self, holding: Holding, entry: Entry, tries: Tries, delay: float, reason: str) -> Tries:
        noted = replace(tries, count=tries.count + 1, next_at=time.time() + delay, reason=reason)
        self.metrics.retried.inc()
        log.warning(
            "try_failed",
            entry=entry.id,
            kind=entry.kind,
            tries=noted.count,
            again_in=round(delay, 1),
            reason=reason,
        )
        await _persist(lambda: self.deliveries.note_try(holding.lease, entry, noted))
        return noted

    async def _bury(self, holding: Holding, entry: Entry, reason: str, *, detail: str = "") -> None:
        log.error("dead_letter", entry=entry.id, kind=entry.kind, reason=reason)
        self.metrics.buried.inc()
        await _persist(lambda: self.deliveries.bury(holding.lease, entry, reason=reason, detail=detail))


def _letters(entry: InboxEntry, result: translate.Translation) -> list[Letter]:
    return [
        Letter(
            connection_id=connection.id,
            repository_id=entry.repository_id,
            number=entry.number,
            uuid=uuid,
            delivery_id=entry.delivery_id,
            received_at=entry.received_at,
            message=message,
        )
        for connection, uuid, message in result.messages
    ]


async def _persist(write: Callable[[], Awaitable[None]]) -> None:
    """Do a write, waiting for Redis as long as it is away: to forget it would be to repeat a post."""
    while True:
        try:
            return await write()
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=type(error).__name__, doing="noting what is done")
            await asyncio.sleep(REDIS_PAUSE)


def backoff(count: int) -> float:
    """Seconds before the next try after `count` in vain: 1, 2, 4 … 900, half of it by chance."""
    ceiling: float = min(MAX_DELAY, 2.0 ** min(count, 20))
    return ceiling * random.uniform(0.5, 1)  # noqa: S311  (spreads tries, hides nothing)
