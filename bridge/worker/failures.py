"""Handle failures: retry an entry, or make it a dead letter."""

import random
import time
import traceback
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from redis.exceptions import RedisError

from bridge.core.errors import FlowdockFailing, FlowdockRejected, Malformed
from bridge.core.security.encryption import Undecryptable
from bridge.process.metrics import Metrics
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import Attempts, Entry, InboxEntry
from bridge.worker.context import REDIS_PAUSE, PartitionContext
from bridge.worker.outcomes import outcome_writes

GIVE_UP_SECONDS = 24 * 3600
MAX_BACKOFF = 15 * 60
MAX_CRASHES = 4
"""Attempts at an entry that raises an unexpected error."""

log = structlog.get_logger()


class Retry(NamedTuple):
    """Try again after some seconds."""

    delay: float
    reason: str


class GiveUp(NamedTuple):
    """Make a dead letter of it; `detail` helps to fix the cause."""

    reason: str
    detail: str = ""


def decide(error: Exception, *, failed: int, age: float) -> Retry | GiveUp:
    """Decide what to do about an entry that `failed` before and is `age` seconds old."""
    if isinstance(error, FlowdockRejected | Malformed):
        return GiveUp(str(error))
    if isinstance(error, FlowdockFailing | Undecryptable):
        if age > GIVE_UP_SECONDS:
            return GiveUp(f"given up after a day: {error}")
        wanted = bounded(error.retry_after) if isinstance(error, FlowdockFailing) else None
        return Retry(backoff(failed) if wanted is None else wanted, str(error))
    reason = "; ".join(filter(None, getattr(error, "__notes__", ())))
    if failed + 1 < MAX_CRASHES:
        return Retry(backoff(failed), reason or type(error).__name__)
    detail = "".join(traceback.format_exception(error))
    return GiveUp(reason or f"{type(error).__name__} while processing it", detail)


def bounded(retry_after: float | None) -> float | None:
    """Return the seconds that Flowdock asked for, a day at most."""
    return None if retry_after is None else min(retry_after, GIVE_UP_SECONDS)


def backoff(failed: int) -> float:
    """Return the seconds to wait after a failure: 1, 2, 4 … 900, less up to half of it at random."""
    ceiling: float = min(MAX_BACKOFF, 2.0 ** min(failed, 20))
    return ceiling * random.uniform(0.5, 1)  # noqa: S311  (spreads retries, hides nothing)


@dataclass(frozen=True, kw_only=True)
class FailureHandler:
    """Retries failed entries, and makes dead letters of those that no retry helps."""

    queue: DeliveryQueue
    metrics: Metrics

    async def handle(self, context: PartitionContext, entry: Entry, error: Exception) -> float | None:
        """Record a failure; returns when to retry the entry (Unix seconds), or None if it is a dead letter.

        Raises `Fenced`, and `Stopped` once the partition is abandoned.
        """
        if isinstance(error, RedisError | OSError):
            # Nothing could be recorded, and it is not the entry's fault.
            return time.time() + REDIS_PAUSE
        attempts = context.attempts(entry)
        decision = decide(error, failed=attempts.count, age=time.time() - entry.received_at)
        if isinstance(decision, GiveUp):
            await self._dead_letter(context, entry, decision)
            return None
        return await self._retry(context, entry, attempts.count + 1, decision)

    async def _retry(self, context: PartitionContext, entry: Entry, failed: int, retry: Retry) -> float:
        retry_at = time.time() + retry.delay
        self.metrics.retried.inc()
        log.warning(
            "attempt_failed",
            **_about(entry),
            attempts=failed,
            retry_in=round(retry.delay, 1),
            reason=retry.reason,
        )
        await context.record_attempt(entry, Attempts(count=failed, next_at=retry_at, reason=retry.reason))
        return retry_at

    async def _dead_letter(self, context: PartitionContext, entry: Entry, decision: GiveUp) -> None:
        log.error("dead_letter", **_about(entry), reason=decision.reason)
        self.metrics.dead_letters.inc()
        writes = outcome_writes(entry, "dead", decision.reason)
        await context.persist(
            lambda: self.queue.dead_letter(
                context.lease, entry, reason=decision.reason, detail=decision.detail, writes=writes
            )
        )


def _about(entry: Entry) -> dict[str, str]:
    """Return the fields by which the log names an entry."""
    if isinstance(entry, InboxEntry):
        return {"delivery": entry.delivery_id, "step": "translating"}
    return {
        "delivery": entry.message.delivery_id,
        "connection": entry.message.connection_id,
        "step": "posting",
    }
