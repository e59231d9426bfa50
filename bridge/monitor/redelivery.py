"""Missed deliveries: GitHub does not repeat what failed, so bridge asks for it again.

At each webhook to bridge what failed within GitHub's three days, and came by no later attempt, is asked for:
paced, bounded, and each delivery three times at the most.
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
from bridge.storage.checkups import Checkups
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore

MOST_FAILED = 2000
MOST_ATTEMPTS = 10_000
"""How far back GitHub's list is read, at a hundred a call."""

MOST_ASKED = 500
"""Deliveries of one repository asked for in one round; the rest waits for the next."""

ACCOUNTS_TRIED = 3

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What was done for a repository: how many deliveries never came, were asked for again, were refused.

    `reason` says why nothing could be looked at (`looked` is false then), or why not all was asked for.
    """

    repository: str
    failed: int = 0
    asked: int = 0
    refused: int = 0
    reason: str = ""
    looked: bool = True


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An account at GitHub: `id` is what its calls are paced by."""

    id: str
    token: Callable[[], str] = field(repr=False)


class Redelivery:
    """Looks for missed deliveries and asks for them."""

    def __init__(
        self,
        *,
        connections: ConnectionStore,
        pulls: PullRequestStore,
        accounts: LinkedAccounts,
        hooks: RepositoryWebhooks,
        checkups: Checkups,
        pace: Throttle,
    ) -> None:
        self._connections = connections
        self._pulls = pulls
        self._accounts = accounts
        self._hooks = hooks
        self._checkups = checkups
        self._pace = pace

    async def all(self, *, token: str = "", going_on: Callable[[], bool] = lambda: True) -> list[Recovered]:
        """The GitHub App, and every connected repository, one after the other until `going_on` says no.

        As the account of `token`, or else of whoever connected it. Raises `Stopped` and redis-py's errors.
        """
        done = await self._of_app()
        for repository, installers in (await self.installers()).items():
            if not going_on():
                break
            done.append(await self.repository(repository, installers, token=token))
        return done

    async def _of_app(self) -> list[Recovered]:
        """The GitHub App's own webhook, which serves all repositories that it is installed on."""
        app = await self._hooks.app()
        if app is None:
            return []
        name = f"GitHub App {app.name}"
        caller = Caller(id="app", token=lambda: app.jwt(now=time.time()))

        async def recover() -> Recovered:
            return await self._ask(name, None, await self._missed(name, None, caller), caller)

        return [await self._tried(name, recover)]

    async def installers(self) -> dict[str, list[str]]:
        """Every repository with a webhook of its own, by its present full name, and who connected it."""
        app = await self._hooks.app()
        found: dict[str, list[str]] = defaultdict(list)
        for connection in await self._connections.all():
            if connection.hook_id is None and app is not None:
                continue
            installers = found[await self._pulls.present_name(connection)]
            if connection.installer and connection.installer not in installers:
                installers.append(connection.installer)
        return found

    async def repository(self, repository: str, installers: Iterable[str], *, token: str = "") -> Recovered:
        """One repository by its full name, as the first of the accounts that may; raises as `all` does."""
        done = _nobody(repository)
        if token:
            return await self._tried(
                repository, lambda: self._recover(repository, Caller(id="", token=lambda: token))
            )
        for user in list(installers)[:ACCOUNTS_TRIED]:
            done = await self._tried(repository, partial(self._as, user, repository))
            if done.looked:
                break
        return done

    async def _as(self, user: str, repository: str) -> Recovered:
        return await self._accounts.as_user(
            user, lambda token: self._recover(repository, Caller(id=user, token=lambda: token))
        )

    async def _tried(self, repository: str, recover: Callable[[], Awaitable[Recovered]]) -> Recovered:
        try:
            done = await recover()
        except BridgeError as error:
            done = Recovered(repository=repository, reason=str(error), looked=False)
        if done.failed:
            log.info(
                "missed_deliveries",
                repository=repository,
                failed=done.failed,
                asked=done.asked,
                refused=done.refused,
                reason=done.reason,
            )
        return done

    async def _recover(self, repository: str, caller: Caller) -> Recovered:
        shown = await self._pace.call(
            caller.id, lambda: self._hooks.repository(repository, token=caller.token())
        )
        hook = await self._pace.call(caller.id, lambda: self._hooks.find(shown, token=caller.token()))
        if hook is None:
            return Recovered(
                repository=repository, reason="it has no webhook to bridge of its own", looked=False
            )
        found = await self._missed(repository, hook.id, caller)
        return await self._ask(repository, hook.id, found, caller)

    async def _missed(self, repository: str, hook_id: int | None, caller: Caller) -> Missed:
        async def listed(most: int, *, only_failed: bool) -> list[Attempt]:
            return await self._pace.call(
                caller.id,
                lambda: self._hooks.attempts(
                    repository, hook_id, token=caller.token(), most=most, only_failed=only_failed
                ),
            )

        now = time.time()
        failed = await listed(MOST_FAILED, only_failed=True)
        if not any(now - attempt.at < KEPT_SECONDS for attempt in failed):
            return Missed(failed=(), chosen=())
        # Only the whole list tells which of them came by a later attempt.
        attempts = await listed(MOST_ATTEMPTS, only_failed=False)
        asked = await self._checkups.asked(list({attempt.guid for attempt in attempts if not attempt.ok}))
        return missed(attempts, asked, now=now)

    async def _ask(self, repository: str, hook_id: int | None, found: Missed, caller: Caller) -> Recovered:
        asked = refused = 0
        reason = ""
        for attempt in found.chosen[:MOST_ASKED]:
            redeliver = partial(self._hooks.redeliver, repository, hook_id, attempt.id, token=caller.token())
            try:
                await self._pace.call(caller.id, redeliver)
            except GitHubRefused as refusal:
                refused, reason = refused + 1, str(refusal)
                continue
            except RateLimited as limit:
                reason = str(limit)
                break
            asked += 1
            if not found.probing:
                await self._checkups.note_asked(attempt.guid)
        return Recovered(
            repository=repository, failed=len(found.failed), asked=asked, refused=refused, reason=reason
        )


def _nobody(repository: str) -> Recovered:
    return Recovered(
        repository=repository,
        reason="nobody who connected it has a linked GitHub account, and GITHUB_TOKEN is not set",
        looked=False,
    )
