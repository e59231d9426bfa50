"""Makes or repairs a connection's webhook as a user who may."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import structlog

from bridge.clients.github_webhooks import ComesWithApp, Ensured, RepositoryWebhooks
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import BridgeError, GitHubRefused, NotLinked
from bridge.core.model import Administrator, Connection
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore

NO_RIGHT = frozenset({403, 404, 422})
"""GitHub's answers to somebody who may not do it."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class HookResult:
    """A connection, and how it got its webhook."""

    connection: Connection
    hook: Literal["made", "mended", "app"]


@dataclass(frozen=True, kw_only=True)
class WebhookRepair:
    """Makes and repairs webhooks as the accounts of those who connected the repositories."""

    connections: ConnectionStore
    pulls: PullRequestStore
    accounts: LinkedAccounts
    hooks: RepositoryWebhooks

    async def repair(self, connection: Connection, *, user: str) -> HookResult:
        """Create or repair a connection's webhook as the linked account of `user`, and have GitHub ping.

        Where that account may not, those who connected the repository are tried. Where nobody manages the
        webhook, the account that did it will. Raises `GitHubRefused`,
        `NotLinked`, `RateLimited` or `GitHubFailing`; `NotFound` if the connection was removed.
        """
        refusal: BridgeError | None = None
        for who in await self._hookers(connection, user):
            try:
                ensured = await self.accounts.as_user(who, partial(self._ensure, connection))
            except ComesWithApp:
                return HookResult(connection=connection, hook="app")
            except GitHubRefused as error:
                if error.answered not in NO_RIGHT:
                    raise
                refusal = refusal or error
            except NotLinked as error:
                refusal = refusal or error
            else:
                changes: dict[str, Any] = {"hook_id": ensured.id}
                if not (connection.installer or connection.hook_by):
                    changes["installer"] = who
                changed = await self.connections.change(connection.id, **changes)
                return HookResult(connection=changed, hook="made" if ensured.made else "mended")
        raise refusal or NotLinked("no administrator has linked a GitHub account")

    async def repair_as(self, administrator: Administrator, connection: Connection) -> HookResult:
        """Repair it with a token that was lent."""
        try:
            ensured = await self.accounts.as_either("", administrator, partial(self._ensure, connection))
        except ComesWithApp:
            return HookResult(connection=connection, hook="app")
        changed = await self.connections.change(
            connection.id, hook_id=ensured.id, hook_by=administrator.login
        )
        return HookResult(connection=changed, hook="made" if ensured.made else "mended")

    async def _hookers(self, connection: Connection, user: str) -> list[str]:
        """Return the users whose linked accounts may manage the webhook, the best first."""
        others = await self.connections.by_repository_id(connection.repository_id or 0)
        installers = [user, connection.installer, *(other.installer for other in others)]
        return [who for who in dict.fromkeys(installers) if who]

    async def _ensure(self, connection: Connection, token: str) -> Ensured:
        """Make or repair the webhook, and have GitHub ping."""
        repository = await self.hooks.repositories.present(
            connection.repository_id, connection.repository, token=token
        )
        await self.pulls.name_by_github(repository.id, repository.full_name)
        ensured = await self.hooks.ensure(repository, token=token)
        if not ensured.made:
            try:
                await self.hooks.ping(repository.full_name, ensured.id, token=token)
            except BridgeError as error:
                # The webhook is as it should be; that no ping comes is seen where it is waited for.
                log.warning("ping_failed", repository=repository.full_name, error=str(error))
        return ensured
