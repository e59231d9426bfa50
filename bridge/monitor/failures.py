"""Read why jobs failed: the failing step and its last lines, as a linked account that may see them.

The failure itself was told by then. A reading is held while it lasts, so that a crash loses none; the queue
drops the second of two equal answers.
"""

import time
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from bridge.clients.github_logs import JobFailure, read_failure
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import BridgeError, GitHubRefused, NotLinked
from bridge.core.messages.translate import JOB_LOG
from bridge.core.model import Delivery
from bridge.lifecycle import Shutdown, Stopped
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import EnqueueResult, IncomingDelivery
from bridge.storage.pulls import PullRequestStore
from bridge.storage.readings import Reading

SPACING = 1.0
"""Seconds between two readings: GitHub's secondary limits ask for calls one after the other."""

IDLE = 1.0
MAX_READERS = 3

LATE_SECONDS = 20
"""The time that GitHub may take until a log is there. Then only the step is told."""

LAST_SECONDS = 600
"""The time after which a failure is no news, where GitHub is failing."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class FailureReader:
    """Reads one job at a time, until `stop` is set. `api_url` is GitHub's."""

    pulls: PullRequestStore
    accounts: LinkedAccounts
    queue: DeliveryQueue
    api_url: str
    stop: Shutdown

    async def run(self) -> None:
        """Read each job that is due."""
        while not self.stop.is_set():
            try:
                reading = await self.pulls.readings.next()
                if reading is not None:
                    await self._read(reading)
                await self.stop.pause(IDLE if reading is None else SPACING)
            except Stopped:
                return
            except (RedisError, OSError) as error:
                log.warning("redis_unavailable", error=type(error).__name__, doing="reading failed jobs")
                await self.stop.pause(IDLE)

    async def _read(self, reading: Reading) -> None:
        """Read a job, and forget it unless it is to be tried again: then it is held for now."""
        about = {"job": reading.job, "repository": reading.repository_id}
        try:
            failure = await self._failure(reading)
        except GitHubRefused as refusal:
            log.info("job_unread", **about, reason=str(refusal))
        except (BridgeError, LookupError, TypeError, ValueError, AttributeError) as error:
            log.info("job_unread_yet", **about, reason=str(error) or type(error).__name__)
            return
        else:
            if failure and failure.unread:
                log.info("job_log_unread", **about, reason=failure.unread)
                if time.time() - reading.asked_at < LATE_SECONDS:
                    await self.pulls.readings.try_again(reading)
                    return
            if failure and not await self._enqueue(reading, failure):
                return
        await self.pulls.readings.done(reading)

    async def _failure(self, reading: Reading) -> JobFailure | None:
        """Read why a job failed, None if it did not; raises `GitHubRefused` if it cannot be read at all."""
        if time.time() - reading.asked_at > LAST_SECONDS:
            raise GitHubRefused("it failed too long ago")
        if not await self.pulls.readings.may_read(reading.repository_id):
            raise GitHubRefused("the repository has had its readings of this hour")
        refused = GitHubRefused("no linked account may see it")
        readers = await self.pulls.readers(reading.repository_id, reading.numbers[0], limit=MAX_READERS)
        for user in readers:
            try:
                return await self.accounts.reading(user, lambda token: self._ask(reading, token))
            except GitHubRefused as refusal:
                refused = refusal
            except NotLinked:
                continue
        raise refused

    async def _ask(self, reading: Reading, token: str) -> JobFailure | None:
        return await read_failure(
            self.accounts.github,
            reading.repository_id,
            reading.job,
            reading.sha,
            api_url=self.api_url,
            token=token,
        )

    async def _enqueue(self, reading: Reading, failure: JobFailure) -> bool:
        """Enqueue the answer as a delivery of our own, to wait its turn; tells whether there is room."""
        name = await self.pulls.repository_name(reading.repository_id)
        if name is None or not (failure.step.name or failure.lines):
            return True
        payload = {
            "repository": {"id": reading.repository_id, "full_name": name},
            "job": {
                "id": reading.job,
                "sha": reading.sha,
                "numbers": reading.numbers,
                "number": failure.step.number,
                "step": failure.step.name,
                "lines": failure.lines,
            },
            "sender": {"login": "GitHub"},
        }
        numbers = ",".join(map(str, reading.numbers))
        delivery = Delivery.of(f"job:{reading.repository_id}:{reading.job}:{numbers}", JOB_LOG, payload)
        made = IncomingDelivery.of(delivery, repository_id=reading.repository_id, number=0)
        return await self.queue.enqueue([made]) in ([EnqueueResult.TAKEN], [EnqueueResult.DUPLICATE])
