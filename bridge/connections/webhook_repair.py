"""Create or repair a connection's webhook, as a user with the right to."""

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

    async def repair(
        self, connection: Connection, *, user: str, administrator: Administrator | None = None
    ) -> HookResult:
        """Create or repair a connection's webhook, and have GitHub ping.

        With the token that an `administrator` lent, or else as the linked account of `user`. Where that
        account may not, those who connected the repository are tried. Where nobody manages the webhook, the
        account that did it will. Raises `GitHubRefused`, `NotLinked`, `RateLimited` or `GitHubFailing`;
        `NotFound` if the connection was removed.
        """
        changes: dict[str, Any]
        try:
            if administrator is None:
                who, ensured = await self._ensure_as_one_of(connection, user)
                changes = {} if connection.installer or connection.hook_by else {"installer": who}
            else:
                ensured = await self.accounts.as_either(
                    user, administrator, partial(self._ensure, connection)
                )
                changes = {"hook_by": administrator.login}
        except ComesWithApp:
            return HookResult(connection=connection, hook="app")
        changed = await self.connections.change(connection.id, hook_id=ensured.id, **changes)
        return HookResult(connection=changed, hook="made" if ensured.made else "mended")

    async def _ensure_as_one_of(self, connection: Connection, user: str) -> tuple[str, Ensured]:
        """Make or repair the webhook as the first user who may; returns that user, too."""
        refusal: BridgeError | None = None
        for who in await self._administrators(connection, user):
            try:
                return who, await self.accounts.as_user(who, partial(self._ensure, connection))
            except GitHubRefused as error:
                if error.answered not in NO_RIGHT:
                    raise
                refusal = refusal or error
            except NotLinked as error:
                refusal = refusal or error
        raise refusal or NotLinked("no administrator has linked a GitHub account")

    async def _administrators(self, connection: Connection, user: str) -> list[str]:
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
                # The webhook is right; where a ping is waited for, its absence shows.
                log.warning("ping_failed", repository=repository.full_name, reason=str(error))
        return ensured
