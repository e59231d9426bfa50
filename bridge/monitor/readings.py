"""Read why a job failed, and small diffs: as the App where it is installed, or else as a linked account.

The message about the failure or the pull request was posted before. A reading is claimed while it lasts, so
that a crash loses none; the queue drops the second of two equal answers.
"""

import time
from dataclasses import dataclass

import msgspec
import structlog

from bridge.clients.github import TokenRevoked
from bridge.clients.github_logs import read_failure
from bridge.clients.installation_tokens import InstallationTokens
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.actions import Call
from bridge.core.errors import BridgeError, GitHubRefused, NotLinked, reason_of
from bridge.core.model import Payload
from bridge.core.pulls import diffs
from bridge.core.pulls.own_events import DIFF, JOB_LOG
from bridge.monitor.announce import announce
from bridge.monitor.polling import poll
from bridge.process.shutdown import Shutdown
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore
from bridge.storage.readings import Reading

SPACING = 1.0
"""Seconds between two readings: GitHub's secondary limits ask for calls one after the other."""

IDLE = 1.0

LATE_SECONDS = 20
"""The time that GitHub may take until a log is there. Then only the step is told."""

LAST_SECONDS = 600
"""The time after which an answer comes too late to be useful, if GitHub is failing."""

log = structlog.get_logger()


class _NotYet(Exception):
    """The log is not there yet."""


@dataclass(frozen=True, kw_only=True)
class GitHubReader:
    """Makes one reading at a time, until `stop` is set. `api_url` is GitHub's."""

    pulls: PullRequestStore
    accounts: LinkedAccounts
    installations: InstallationTokens
    queue: DeliveryQueue
    api_url: str
    stop: Shutdown

    async def run(self) -> None:
        """Make each reading that is due."""
        await poll(
            self.pulls.readings.next,
            self._read,
            stop=self.stop,
            idle=IDLE,
            spacing=SPACING,
        )

    async def _read(self, reading: Reading) -> None:
        """Make a reading, and forget it unless it is to be made again."""
        about = {"repository": reading.repository_id, "pulls": reading.numbers, "job": reading.job}
        try:
            answer = await self._answer(reading)
        except _NotYet:
            await self.pulls.readings.try_again(reading)
            return
        except GitHubRefused as refusal:
            log.info("reading_refused", **about, reason=str(refusal))
            answer = None
        except (BridgeError, LookupError, TypeError, ValueError, AttributeError) as error:
            log.info("reading_postponed", **about, reason=reason_of(error))
            return
        if answer is None or await self._enqueue(reading, answer):
            await self.pulls.readings.done(reading)

    async def _answer(self, reading: Reading) -> Payload | None:
        """Return what to tell, None for nothing; raises `GitHubRefused` if it cannot be read at all."""
        if time.time() - reading.asked_at > LAST_SECONDS:
            raise GitHubRefused("it is too late")
        if not await self.pulls.readings.may_read(reading.repository_id):
            raise GitHubRefused("the repository has had its readings of this hour")
        if token := await self.installations.token(reading.repository_id):
            try:
                return await self._ask(reading, token)
            except TokenRevoked:
                self.installations.forget(reading.repository_id)
            except GitHubRefused as refusal:
                log.info("installation_refused", repository=reading.repository_id, reason=str(refusal))
        refused = GitHubRefused("no linked account may see it")
        for user in await self.pulls.readers(reading.repository_id, reading.numbers[0]):
            try:
                return await self.accounts.reading(user, lambda token: self._ask(reading, token))
            except GitHubRefused as refusal:
                refused = refusal
            except NotLinked:
                continue
        raise refused

    async def _ask(self, reading: Reading, token: str) -> Payload | None:
        github, repository_id = self.accounts.github, reading.repository_id
        if not reading.job:
            number = str(reading.numbers[0])
            url = "/repositories/{id}/pulls/{number}/files?per_page=100"
            call = Call(method="GET", url=url, variables={"id": str(repository_id), "number": number})
            files = await github.call(call, token=token, subject=f"the changes of #{number}")
            diff = diffs.read(files, reading.sha)
            return {"diff": msgspec.to_builtins(diff)} if diff else None
        failure = await read_failure(
            github, repository_id, reading.job, reading.sha, api_url=self.api_url, token=token
        )
        if failure is None:
            return None
        if failure.unread:
            log.info("job_log_unavailable", repository=repository_id, job=reading.job, reason=failure.unread)
            if time.time() - reading.asked_at < LATE_SECONDS:
                raise _NotYet
        about = {"id": reading.job, "sha": reading.sha, "numbers": reading.numbers}
        told = {"number": failure.step.number, "step": failure.step.name, "lines": failure.lines}
        return {"job": about | told} if failure.step.name or failure.lines else None

    async def _enqueue(self, reading: Reading, answer: Payload) -> bool:
        """Enqueue the answer as a delivery of our own; tells whether there was room."""
        repository_id = reading.repository_id
        if (name := await self.pulls.repository_name(repository_id)) is None:
            return True
        event, number = (JOB_LOG, 0) if reading.job else (DIFF, reading.numbers[0])
        what = f"job:{reading.job}" if reading.job else f"diff:{reading.sha}"
        delivery_id = f"{what}:{repository_id}:{','.join(map(str, reading.numbers))}"
        return await announce(
            self.queue, event, delivery_id, repository_id=repository_id, name=name, number=number, **answer
        )
