"""Redeliver what was missed: GitHub does not repeat failed deliveries, so bridge requests them again.

For each webhook to bridge, deliveries of GitHub's last three days that failed in every attempt are requested:
spaced, bounded, and each three times at most.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import structlog

from bridge.clients.github_webhooks import RepositoryWebhooks
from bridge.clients.throttle import Throttle
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import BridgeError, GitHubRefused, RateLimited
from bridge.core.github.redelivery import KEPT_SECONDS, Attempt, Missed, missed
from bridge.process.shutdown import Shutdown
from bridge.storage.checkups import Checkups
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore

MAX_FAILED = 2000
MAX_ATTEMPTS = 10_000
"""Attempts to read from GitHub's list, at a hundred a call."""

MAX_REQUESTED = 500
"""Deliveries of one repository in one round; the rest waits for the next."""

MAX_ACCOUNTS = 3

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class RedeliveryReport:
    """Counts of a repository's missed deliveries: found, requested again, and refused by GitHub.

    `reason` says why nothing could be checked (`checked` is false then), or why not all were requested.
    """

    repository: str
    failed: int = 0
    requested: int = 0
    refused: int = 0
    reason: str = ""
    checked: bool = True


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An account on GitHub; its calls are spaced by `id`."""

    id: str
    token: Callable[[], str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Redelivery:
    """Finds missed deliveries and requests them again."""

    connections: ConnectionStore
    pulls: PullRequestStore
    accounts: LinkedAccounts
    hooks: RepositoryWebhooks
    checkups: Checkups
    pace: Throttle

    async def all(self, *, token: str = "", until: Shutdown | None = None) -> list[RedeliveryReport]:
        """Redeliver for the GitHub App, then for each connected repository, `until` that is set.

        Uses `token`, or else the account that connected the repository. Raises `Stopped` and Redis's errors.
        """
        done = await self._of_app()
        for repository, installers in (await self.installers()).items():
            if until is not None and until.is_set():
                break
            done.append(await self.repository(repository, installers, token=token))
        return done

    async def _of_app(self) -> list[RedeliveryReport]:
        """Redeliver for the GitHub App's own webhook, which serves all repositories it is installed on."""
        app = await self.hooks.app()
        if app is None:
            return []
        name = f"GitHub App {app.name}"
        caller = Caller(id="app", token=lambda: app.jwt(now=time.time()))

        async def recover() -> RedeliveryReport:
            return await self._ask(name, None, await self._missed(name, None, caller), caller)

        return [await self._reported(name, recover)]

    async def installers(self) -> dict[str, list[str]]:
        """Return the users who connected each repository that has a webhook of its own, by full name."""
        app = await self.hooks.app()
        found: dict[str, list[str]] = defaultdict(list)
        for connection in await self.connections.all():
            if connection.hook_id is None and app is not None:
                continue
            installers = found[await self.pulls.present_name(connection)]
            if connection.installer and connection.installer not in installers:
                installers.append(connection.installer)
        return found

    async def repository(
        self, repository: str, installers: Iterable[str], *, token: str = ""
    ) -> RedeliveryReport:
        """Redeliver for one repository, as the first account that may; raises as `all` does."""
        if token:
            return await self._reported(
                repository, lambda: self._recover(repository, Caller(id="", token=lambda: token))
            )
        done = RedeliveryReport(
            repository=repository,
            reason="nobody who connected it has a linked GitHub account, and GITHUB_TOKEN is not set",
            checked=False,
        )
        for user in list(installers)[:MAX_ACCOUNTS]:
            done = await self._reported(repository, partial(self._as, user, repository))
            if done.checked:
                break
        return done

    async def _as(self, user: str, repository: str) -> RedeliveryReport:
        return await self.accounts.as_user(
            user, lambda token: self._recover(repository, Caller(id=user, token=lambda: token))
        )

    async def _reported(
        self, repository: str, recover: Callable[[], Awaitable[RedeliveryReport]]
    ) -> RedeliveryReport:
        try:
            done = await recover()
        except BridgeError as error:
            done = RedeliveryReport(repository=repository, reason=str(error), checked=False)
        if done.failed:
            log.info(
                "missed_deliveries",
                repository=repository,
                failed=done.failed,
                requested=done.requested,
                refused=done.refused,
                reason=done.reason,
            )
        return done

    async def _recover(self, repository: str, caller: Caller) -> RedeliveryReport:
        shown = await self.pace.call(
            caller.id, lambda: self.hooks.repositories.by_name(repository, token=caller.token())
        )
        hook = await self.pace.call(caller.id, lambda: self.hooks.find(shown, token=caller.token()))
        if hook is None:
            return RedeliveryReport(
                repository=repository, reason="it has no webhook to bridge of its own", checked=False
            )
        found = await self._missed(repository, hook.id, caller)
        return await self._ask(repository, hook.id, found, caller)

    async def _missed(self, repository: str, hook_id: int | None, caller: Caller) -> Missed:
        async def listed(most: int, *, only_failed: bool) -> list[Attempt]:
            return await self.pace.call(
                caller.id,
                lambda: self.hooks.attempts(
                    repository, hook_id, token=caller.token(), most=most, only_failed=only_failed
                ),
            )

        now = time.time()
        failed = await listed(MAX_FAILED, only_failed=True)
        if not any(now - attempt.at < KEPT_SECONDS for attempt in failed):
            return Missed(failed=(), chosen=())
        # Only the whole list shows which of them a later attempt brought.
        attempts = await listed(MAX_ATTEMPTS, only_failed=False)
        asked = await self.checkups.asked(list({attempt.guid for attempt in attempts if not attempt.ok}))
        return missed(attempts, asked, now=now)

    async def _ask(
        self, repository: str, hook_id: int | None, found: Missed, caller: Caller
    ) -> RedeliveryReport:
        requested = refused = 0
        reason = ""
        for attempt in found.chosen[:MAX_REQUESTED]:
            redeliver = partial(self.hooks.redeliver, repository, hook_id, attempt.id, token=caller.token())
            try:
                await self.pace.call(caller.id, redeliver)
            except GitHubRefused as refusal:
                refused, reason = refused + 1, str(refusal)
                continue
            except RateLimited as limit:
                reason = str(limit)
                break
            requested += 1
            if not found.probing:
                await self.checkups.note_asked(attempt.guid)
        return RedeliveryReport(
            repository=repository,
            failed=len(found.failed),
            requested=requested,
            refused=refused,
            reason=reason,
        )
