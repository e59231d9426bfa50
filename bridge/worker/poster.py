"""Post messages to Flowdock, each with its thread in the newest state."""

import asyncio
import time
import uuid
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

import orjson
import structlog

from bridge.clients.flowdock import Flowdock
from bridge.core.errors import FlowdockError, FlowdockFailing, SourceGone
from bridge.core.messages import thread
from bridge.core.messages.addressing import left_out
from bridge.core.messages.leaving import DISCONNECTED
from bridge.core.model import Connection
from bridge.core.pulls.model import PullRequest
from bridge.core.security.encryption import Undecryptable
from bridge.process.metrics import Metrics
from bridge.process.shutdown import Shutdown
from bridge.queue.entries import Ack, OutboxEntry, OutboxMessage
from bridge.storage.connections import CONNECTION_SECONDS, ConnectionStore
from bridge.storage.pulls import PullRequestStore
from bridge.storage.writes import Write
from bridge.worker import failures
from bridge.worker.context import PartitionContext
from bridge.worker.outcomes import outcome_writes

POSTS_PER_FLOW = 8

log = structlog.get_logger()


@dataclass
class FlowHealth:
    """Limits a connection's posts: how many at once, and when to retry after failures."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(POSTS_PER_FLOW))
    not_before: float = 0
    failures: int = 0
    """In a row, until Flowdock takes a message."""

    async def ready(self, closing: Shutdown) -> None:
        """Wait until the flow may be tried, even if that is put off meanwhile; raises `Stopped`."""
        closing.check()
        moment = 0.0
        while moment != self.not_before:
            moment = self.not_before
            await closing.pause_until(moment)

    def failed(self, retry_after: float | None) -> None:
        """Put off all posts, so that other threads need not fail first.

        Counts the flow's failures in a row, not the message's: one that fails for ever, while others are
        taken, holds up its own thread only.
        """
        now = time.time()
        if retry_after is not None:
            self.not_before = max(self.not_before, now + retry_after)
        elif now >= self.not_before:
            # Posts that are under way together fail together: only the first counts.
            self.not_before = now + failures.backoff(self.failures)
            self.failures += 1


@dataclass(frozen=True, kw_only=True)
class Poster:
    """Posts messages. `post_seconds` bounds each post."""

    connections: ConnectionStore
    pulls: PullRequestStore
    flowdock: Flowdock
    web_url: str
    post_seconds: float
    metrics: Metrics
    _flows: defaultdict[str, FlowHealth] = field(default_factory=lambda: defaultdict(FlowHealth))

    async def post(self, context: PartitionContext, entry: OutboxEntry) -> None:
        """Post a message and remove it from the outbox; drop it if its connection is gone.

        Raises `Stopped`, `Fenced`, what Flowdock answers and Redis's errors.
        """
        flow = self._flows[entry.message.connection_id]
        async with flow.slots:
            await flow.ready(context.closing)
            try:
                writes = await self._send(context, entry, flow)
            except FlowdockFailing as error:
                flow.failed(failures.bounded(error.retry_after))
                raise
            except Undecryptable:
                flow.failed(None)
                raise
        await context.ack(Ack(entry, writes))

    async def _send(self, context: PartitionContext, entry: OutboxEntry, flow: FlowHealth) -> list[Write]:
        """Post a message; returns what to write when it is removed."""
        message = entry.message
        connection = await self._connection(context, entry)
        if connection is None:
            return _dropped(message, "the connection was removed")
        # The newest state, not the delivery's: a late message must not set a thread back.
        pull = context.cache.pull(message) or await self.pulls.pull(message.repository_id, message.number)
        if pull is None:
            return _dropped(message, "bridge's data about the pull request has expired")
        tags = await self.pulls.tags(message.content.mentions, flow=connection.flow)
        thread_id = connection.thread_id(message.number)
        context.closing.check()
        began = time.monotonic()
        try:
            await self.flowdock.post(
                message.content,
                flow_token=connection.flow_token,
                thread_id=thread_id,
                thread=self._thread(context, message, connection, pull),
                tags=tags,
                uuid=message.uuid,
                request_id=message.delivery_id,
                seconds=self.post_seconds,
            )
        except SourceGone as gone:
            context.cache.forget_connection(connection.id)
            await self.connections.forget_source(connection.id, gone)
            return _dropped(message, str(gone))
        if time.monotonic() - began > CONNECTION_SECONDS:
            await self._take_leave_again(connection, pull)
        flow.failures = 0
        log.info(
            "message_posted",
            delivery=message.delivery_id,
            connection=message.connection_id,
            thread=thread_id,
        )
        return self._posted(message, pull)

    def _thread(
        self, context: PartitionContext, message: OutboxMessage, connection: Connection, pull: PullRequest
    ) -> orjson.Fragment:
        if left_out(connection, pull):
            return self._render(pull, is_left=True)
        return context.cache.rendered(message, pull, self._render)

    async def _connection(self, context: PartitionContext, entry: OutboxEntry) -> Connection | None:
        """Return the message's connection; a retry reads it again, since it may be why the post failed."""
        connection_id, is_first = entry.message.connection_id, context.attempts(entry).count == 0
        if is_first and (known := context.cache.connection(connection_id)):
            return known
        read_at = time.monotonic()
        if connection := await self.connections.get(connection_id):
            context.cache.keep_connection(connection, read_at)
        return connection

    async def _take_leave_again(self, connection: Connection, pull: PullRequest) -> None:
        """Post the last message again if the connection ended during a slow post, which came after it."""
        if await self.connections.get(connection.id) is not None:
            return
        with suppress(FlowdockError):
            await self.flowdock.post(
                DISCONNECTED,
                flow_token=connection.flow_token,
                thread_id=connection.thread_id(pull.number),
                thread=self._render(pull, is_left=True),
                uuid=str(uuid.uuid4()),
                seconds=self.post_seconds,
            )

    def _render(self, pull: PullRequest, *, is_left: bool = False) -> orjson.Fragment:
        return orjson.Fragment(orjson.dumps(thread.render(pull, web_url=self.web_url, is_left=is_left)))

    def _posted(self, message: OutboxMessage, pull: PullRequest) -> list[Write]:
        self.metrics.posted.inc()
        self.metrics.latency.observe(max(0, time.time() - message.received_at))
        return [
            *self.pulls.shown_writes(message.repository_id, pull),
            *outcome_writes(message, "posted"),
        ]


def _dropped(message: OutboxMessage, reason: str) -> list[Write]:
    """Log a message that cannot be posted; returns its entry in the delivery log.

    It is no dead letter: the connection and its token are gone for good, so nobody could send it again.
    """
    log.warning(
        "message_dropped", delivery=message.delivery_id, connection=message.connection_id, reason=reason
    )
    return outcome_writes(message, "skipped", reason)
